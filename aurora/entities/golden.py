"""Reading golden records: what they hold, from whom, why their records are one, and what a person may change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from aurora.entities.conflicts import read_open
from aurora.entities.judgements import Speaker, keep_apart, merge, read_decisions, unmerge
from aurora.entities.pairs import LEFT, RIGHT, SHARE, weighed, with_keys
from aurora.entities.policy import EntityKind, GoldenPolicy
from aurora.entities.resolve import evidence, read_records
from aurora.errors import ConflictError, DataError, NotFoundError, NotReadyError
from aurora.store.journal import StateReader
from aurora.store.lake import LakeReader
from aurora.store.paths import TenantPaths
from contracts.fields import FIELDS
from contracts.messages.entities import EntityDecision, MergeRequest, RecordName, UnmergeRequest

PROTECTED: Final = "(protected)"
"""Stands for a value that rests encrypted."""
Facts = dict[str, Any]


def find_entity(lake: LakeReader, kind: EntityKind, entity_id: str) -> str:
    """The golden record of that id today; an id that was merged away leads to where its record went."""
    found = lake.query(
        "SELECT entity_id FROM raw.entity_link WHERE entity_kind = ? AND (entity_id = ? OR own_entity_id = ?)"
        " ORDER BY (entity_id = ?) DESC, 1 LIMIT 1",
        [kind, entity_id, entity_id, entity_id],
    )
    if found.is_empty():
        raise NotFoundError(
            f"There is no golden {kind} {entity_id[:64]!r}.",
            field="entity_id",
            next_step=f"`aurora golden show {kind}` lists them; a record is golden after the next build.",
        )
    return str(found.item())


def members(lake: LakeReader, kind: EntityKind, entity_id: str) -> list[RecordName]:
    """The records that it is made of."""
    rows = lake.query(
        "SELECT source, source_record_id FROM raw.entity_link WHERE entity_kind = ? AND entity_id = ? ORDER BY 1, 2",
        [kind, entity_id],
    )
    return [RecordName(source=source, record_id=record_id) for source, record_id in rows.iter_rows()]


def entity_of(lake: LakeReader, kind: EntityKind, record: RecordName) -> str:
    """The golden record that a source's record belongs to."""
    found = lake.query(
        "SELECT entity_id FROM raw.entity_link WHERE entity_kind = ? AND source = ? AND source_record_id = ?",
        [kind, record.source, record.record_id],
    )
    if found.is_empty():
        raise NotFoundError(
            f"No golden {kind} holds {record.record_id[:64]!r} of {record.source[:64]!r}.",
            field="record",
            next_step="Check source and id; a new record is matched in the next build.",
        )
    return str(found.item())


def show(paths: TenantPaths, lake: LakeReader, kind: EntityKind, entity_id: str) -> Facts:
    """Everything about one golden record. Protected values are not shown."""
    current = find_entity(lake, kind, entity_id)
    values = golden_values(lake, kind, current)
    return {
        "entity_kind": kind,
        "entity_id": current,
        "asked_for": entity_id,
        "golden": {row["column"]: row["value"] for row in values if row["is_survivor"]},
        "records": [record_facts(one) for one in members(lake, kind, current)],
        "values": values,
        "matches": matches(lake, kind, current),
        "decisions": decisions_about(paths, kind, members(lake, kind, current)),
        "open_conflicts": [one for one in open_conflicts(paths) if one["entity_id"] == current],
    }


def record_facts(one: RecordName) -> Facts:
    """A record's name as plain facts."""
    return {"source": one.source, "record_id": one.record_id}


def _require_marts(lake: LakeReader, kind: EntityKind) -> None:
    if f"gold_{kind}" not in lake.table_names("mart"):
        raise NotReadyError(
            f"Golden records of the kind {kind} were never built.", field="kind", next_step="Run `aurora build`."
        )


def golden_values(lake: LakeReader, kind: EntityKind, entity_id: str) -> list[Facts]:
    """Every value of its records, the survivor of each column first, with the rule that chose it."""
    _require_marts(lake, kind)
    rows = lake.query(
        "SELECT * FROM mart.intermediate.int_golden_values WHERE entity_kind = ? AND entity_id = ?"
        " ORDER BY survivor_column, survivor_rank",
        [kind, entity_id],
    )
    return [
        {
            "column": row["survivor_column"],
            "value": shown(row["survivor_column"], row["held_value"]),
            "source": row["source"],
            "record_id": row["source_record_id"],
            "updated_at": row["updated_at"],
            "is_survivor": row["survivor_rank"] == 1,
            "is_same": row["compared_value"] == row["golden_compared_value"],
            "strategy": row["survivor_strategy"],
        }
        for row in rows.iter_rows(named=True)
    ]


def shown(column: str, value: str | None) -> str | None:
    """A value as it may be shown: what rests encrypted stays so."""
    return PROTECTED if value is not None and FIELDS[column].protection == "encrypt" else value


def matches(lake: LakeReader, kind: EntityKind, entity_id: str) -> list[Facts]:
    """Pairs with one of its records: why they are one, what a person is asked, what was refused."""
    rows = lake.query(
        """
        SELECT m.*, l.entity_id AS left_entity_id, r.entity_id AS right_entity_id
        FROM raw.entity_match AS m
        JOIN raw.entity_link AS l
            ON l.entity_kind = m.entity_kind AND l.source = m.left_source AND l.source_record_id = m.left_record_id
        JOIN raw.entity_link AS r
            ON r.entity_kind = m.entity_kind AND r.source = m.right_source AND r.source_record_id = m.right_record_id
        WHERE m.entity_kind = ? AND (l.entity_id = ? OR r.entity_id = ?)
        ORDER BY m.match_verdict, m.match_share DESC, m.match_id
        """,
        [kind, entity_id, entity_id],
    )
    return [
        {
            "left": {"source": row["left_source"], "record_id": row["left_record_id"]},
            "right": {"source": row["right_source"], "record_id": row["right_record_id"]},
            "other_entity_id": next(
                (one for one in (row["left_entity_id"], row["right_entity_id"]) if one != entity_id), None
            ),
            "verdict": row["match_verdict"],
            "rule": row["match_rule"],
            "share": row["match_share"],
            "evidence": json.loads(row["match_evidence"]),
        }
        for row in rows.iter_rows(named=True)
    ]


def explain(lake: LakeReader, policy: GoldenPolicy, left: RecordName, right: RecordName) -> Facts:
    """Why two records are one, or why not: reckoned now, as the next build will."""
    records = with_keys(read_records(lake, policy), policy)
    rows = [_row_of(records, one, policy.entity_kind) for one in (left, right)]
    pair = pl.DataFrame({LEFT: [min(rows)], RIGHT: [max(rows)]}, schema={LEFT: pl.UInt32(), RIGHT: pl.UInt32()})
    found = weighed(records, pair, policy).row(0, named=True)
    kind = policy.entity_kind
    return {
        "left": record_facts(left),
        "right": record_facts(right),
        "verdict": found["match_verdict"],
        "rule": found["match_rule"],
        "share": round(found[SHARE], 4),
        "merge_at": policy.merge_at,
        "review_at": policy.review_at,
        "evidence": json.loads(evidence(found)),
        "are_one": entity_of(lake, kind, left) == entity_of(lake, kind, right),
    }


def _row_of(records: pl.DataFrame, one: RecordName, kind: EntityKind) -> int:
    is_it = (records["source"] == one.source) & (records["source_record_id"] == one.record_id)
    found = is_it.arg_true()
    if found.is_empty():
        raise NotFoundError(
            f"There is no {kind} {one.record_id[:64]!r} of {one.source[:64]!r}.",
            field="record",
            next_step="Name it as SOURCE:ID, such as clara:C-P00012.",
        )
    return int(found[0])


def decisions_about(paths: TenantPaths, kind: EntityKind, records: Sequence[RecordName]) -> list[Facts]:
    """What persons said about these records, newest first."""
    if not paths.state.is_file():
        return []
    with StateReader(paths) as state:
        said = read_decisions(state, kind)
    about = set(records)
    return [
        {
            "entity_decision_id": one.entity_decision_id,
            "verdict": one.verdict,
            "left": [record_facts(record) for record in one.left],
            "right": [record_facts(record) for record in one.right],
            "actor_id": one.actor_id,
            "occurred_at": one.occurred_at,
            "reason": one.reason,
        }
        for one in reversed(said)
        if about & {*one.left, *one.right}
    ]


def open_conflicts(paths: TenantPaths) -> list[Facts]:
    """Commands and alerts that wait for a system to agree, oldest first."""
    if not paths.state.is_file():
        return []
    with StateReader(paths) as state:
        waiting, _ = read_open(state)
    return [
        {
            "id": getattr(one.said, "command_id", None) or getattr(one.said, "alert_id", ""),
            "is_command": hasattr(one.said, "command_id"),
            "assistant_id": one.said.assistant_id,
            "entity_kind": one.said.entity_kind,
            "entity_id": one.said.entity_id,
            "record": record_facts(one.said.record),
            "column": one.said.column,
            "golden_from": record_facts(one.said.golden_from),
            "since": getattr(one.said, "issued_at", None) or getattr(one.said, "raised_at", None),
            "is_sample": one.said.is_sample,
        }
        for one in waiting.values()
    ]


# what a person changes ------------------------------------------------------------------------


def decide_merge(
    lake: LakeReader, policy: GoldenPolicy, entity_id: str, request: MergeRequest, *, speaker: Speaker
) -> EntityDecision:
    """A person says that two golden records are one. `ConflictError` where identifiers say that they are two."""
    kind = policy.entity_kind
    current, other = (find_entity(lake, kind, one) for one in (entity_id, request.other_entity_id))
    left, right = members(lake, kind, current), members(lake, kind, other)
    decision = merge(kind, current, left, right, reason=request.reason, speaker=speaker)
    _check_identifiers(lake, policy, [*left, *right])
    return decision


def _check_identifiers(lake: LakeReader, policy: GoldenPolicy, records: list[RecordName]) -> None:
    held = with_keys(read_records(lake, policy, only=records), policy)
    exclusive = [column for column, one in policy.identifiers.items() if one.is_exclusive]
    for column in (*exclusive, *policy.must_equal):
        if held[column].drop_nulls().n_unique() > 1:
            bare = column.removesuffix("_token")
            raise ConflictError(
                f"These records hold two values of {bare}, so they are two.",
                field=bare,
                rule=f"different_{bare}",
                next_step="If one of them is wrong, have its system correct it; then merge.",
            )


def decide_unmerge(
    lake: LakeReader, policy: GoldenPolicy, entity_id: str, request: UnmergeRequest, *, speaker: Speaker
) -> EntityDecision:
    """A person says that some records leave a golden record, or that two golden records are two."""
    kind = policy.entity_kind
    current = find_entity(lake, kind, entity_id)
    held = members(lake, kind, current)
    if request.other_entity_id is None:
        return unmerge(kind, current, held, request.records, reason=request.reason, speaker=speaker)
    if request.records:
        raise DataError(
            "Records and another golden record are named.",
            field="records",
            rule="one_of",
            next_step="Name the records that leave, or the golden record that it is not.",
        )
    other = find_entity(lake, kind, request.other_entity_id)
    right = members(lake, kind, other)
    return keep_apart(kind, current, held, right, reason=request.reason, speaker=speaker)


def list_entities(lake: LakeReader, kind: EntityKind, *, limit: int) -> list[Facts]:
    """The golden records that most records were made into, those with conflicts first among equals."""
    _require_marts(lake, kind)
    name = "full_name" if kind == "party" else "concat_ws(' ', project_name, unit_no)"
    return lake.query(
        f"""
        SELECT gold_{kind}_id AS entity_id, {name} AS name, record_count, source_count, conflict_count
        FROM mart.gold_{kind} ORDER BY record_count DESC, conflict_count DESC, 1 LIMIT ?
        """,
        [limit],
    ).to_dicts()
