"""Which records are one: read from raw, matched, grouped, and written back to raw where it changed.

All of it is reckoned anew each time, which takes seconds for 100,000 records; what persons said and what the
pack declares go in, so a rebuild gives the same. An entity is named after its oldest record.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from aurora.entities.clusters import Groups
from aurora.entities.judgements import Judgements, NamedPair, judgements
from aurora.entities.pairs import BITS, LEFT, RIGHT, SHARE, candidate_pairs, weighed, with_keys
from aurora.entities.policy import EntityKind, GoldenPolicy, survivor_rows
from aurora.store.journal import StateReader
from aurora.store.lake import LakeReader, LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry
from contracts.messages.entities import RecordName

Clock = Callable[[], dt.datetime]
_SURE_ORDER: Final = ("match_verdict", SHARE, LEFT, RIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What came of matching one kind: links and pairs as rows of `raw.entity_link` and `raw.entity_match`."""

    kind: EntityKind
    links: pl.DataFrame
    matches: pl.DataFrame
    pair_count: int

    @property
    def figures(self) -> dict[str, int]:
        """What there is to tell."""
        verdicts = self.matches["match_verdict"]
        return {
            f"{self.kind}_record_count": self.links.height,
            f"{self.kind}_entity_count": self.links["entity_id"].n_unique(),
            f"{self.kind}_pair_count": self.pair_count,
            f"{self.kind}_review_count": int((verdicts == "review").sum()),
            f"{self.kind}_refused_count": int((verdicts == "refused").sum()),
        }


def resolve_entities(
    paths: TenantPaths, policies: Mapping[EntityKind, GoldenPolicy], *, clock: Clock
) -> dict[str, int]:
    """Match every kind and bring the derived tables of raw up to it; returns figures, `changed_count` among them.

    Errors: `NotReadyError` before the lake is made.
    """
    now = clock()
    with read_lake(paths) as lake:
        found = [
            resolve(kind, policy, read_records(lake, policy), _said(paths, kind), now=now)
            for kind, policy in policies.items()
        ]
        tables = {
            "entity_link": pl.concat([one.links for one in found]) if found else _empty("entity_link"),
            "entity_match": pl.concat([one.matches for one in found]) if found else _empty("entity_match"),
            "survivor_rule": survivor_rows(dict(policies)),
        }
        changes = {name: _changes(lake, name, wanted) for name, wanted in tables.items()}
    changed = {name: (gone, new) for name, (gone, new) in changes.items() if gone.height or new.height}
    if changed:
        write_lake(paths, "raw", lambda lake: _write(lake, changed), author="entities", message="Golden records")
    figures = {name: count for one in found for name, count in one.figures.items()}
    return {**figures, "changed_count": sum(max(gone.height, new.height) for gone, new in changed.values())}


def _said(paths: TenantPaths, kind: EntityKind) -> Judgements:
    if not paths.state.is_file():
        return Judgements()
    with StateReader(paths) as state:
        return judgements(state, kind)


def read_records(lake: LakeReader, policy: GoldenPolicy, *, only: list[RecordName] | None = None) -> pl.DataFrame:
    """The newest state of every record, the oldest record first: names, columns that matching reads, first batch."""
    key = policy.id_column
    columns = ", ".join(policy.columns)
    where, params = "", []
    if only is not None:
        where = f"WHERE (source || chr(31) || {key}) IN (SELECT unnest(?))"
        params = [[f"{one.source}\x1f{one.record_id}" for one in only]]
    return lake.query(
        f"""
        SELECT source, {key} AS source_record_id, first_batch_seq, {columns}
        FROM (
            SELECT *,
                row_number() OVER (PARTITION BY source, {key} ORDER BY updated_at DESC, batch_seq DESC) AS recency,
                min(batch_seq) OVER (PARTITION BY source, {key}) AS first_batch_seq
            FROM raw.{policy.entity_kind} {where}
        )
        WHERE recency = 1 ORDER BY first_batch_seq, source, source_record_id
        """,
        params,
    )


def resolve(
    kind: EntityKind, policy: GoldenPolicy, records: pl.DataFrame, said: Judgements, *, now: dt.datetime
) -> Resolution:
    """Match and group records as `read_records` gives them."""
    records = with_keys(records, policy)
    names = [
        RecordName(source=source, record_id=record_id)
        for source, record_id in records.select("source", "source_record_id").iter_rows()
    ]
    pairs = weighed(records, candidate_pairs(records, policy), policy)
    alike = pairs.filter(pl.col("match_verdict") != "different")
    groups, against, joined = _grouped(records, alike, policy, said, names)
    links = _links(kind, records, names, groups, now)
    matches = _matches(kind, names, alike, groups, against, joined, now)
    return Resolution(kind=kind, links=links, matches=matches, pair_count=pairs.height)


def _grouped(
    records: pl.DataFrame,
    alike: pl.DataFrame,
    policy: GoldenPolicy,
    said: Judgements,
    names: list[RecordName],
) -> tuple[Groups, dict[tuple[int, int], str], list[tuple[int, int]]]:
    """The groups, what stood against a pair that should have been one, and the pairs that a person joined."""
    rows = {name: row for row, name in enumerate(names)}
    exclusive = [name for name, one in policy.identifiers.items() if one.is_exclusive] + list(policy.must_equal)
    groups = Groups(
        records.height,
        {column: records[column].cast(pl.String).to_list() for column in exclusive},
        _numbers(said.parted, rows),
    )
    joined = _numbers(said.joined, rows)
    surest = alike.filter(pl.col("match_verdict") == "same").sort(SHARE, LEFT, RIGHT, descending=[True, False, False])
    edges = [*joined, *surest.select(LEFT, RIGHT).iter_rows()]
    against = {(left, right): reason for left, right in edges if (reason := groups.unite(left, right))}
    return groups, against, joined


def _numbers(pairs: set[NamedPair], rows: Mapping[RecordName, int]) -> list[tuple[int, int]]:
    known = [(rows[left], rows[right]) for left, right in pairs if left in rows and right in rows]
    return sorted((min(pair), max(pair)) for pair in known)


def _links(
    kind: EntityKind, records: pl.DataFrame, names: list[RecordName], groups: Groups, now: dt.datetime
) -> pl.DataFrame:
    own = [entity_id_of(kind, name) for name in names]
    oldest = [groups.group_of(row) for row in range(len(names))]  # the lowest number: records stand by age
    return records.select(
        pl.lit(kind).alias("entity_kind"),
        "source",
        "source_record_id",
        pl.Series("entity_id", [own[row] for row in oldest], dtype=pl.String),
        pl.Series("own_entity_id", own, dtype=pl.String),
        "first_batch_seq",
        pl.lit(now).alias("linked_at"),
    ).cast(_schema("entity_link"))  # type: ignore[arg-type]


def entity_id_of(kind: EntityKind, name: RecordName) -> str:
    """The golden record that a record makes by itself."""
    digest = hashlib.blake2b(f"{kind}\x1f{name.source}\x1f{name.record_id}".encode(), digest_size=8)
    return f"{kind}-{digest.hexdigest()}"


def _matches(
    kind: EntityKind,
    names: list[RecordName],
    alike: pl.DataFrame,
    groups: Groups,
    against: Mapping[tuple[int, int], str],
    joined: list[tuple[int, int]],
    now: dt.datetime,
) -> pl.DataFrame:
    rows = {}
    for pair in alike.iter_rows(named=True):
        ends = (pair[LEFT], pair[RIGHT])
        verdict, rule = pair["match_verdict"], pair["match_rule"]
        if verdict == "same" and ends in against:
            verdict, rule = "refused", against[ends]
        is_settled = groups.group_of(ends[0]) == groups.group_of(ends[1]) or groups.are_parted(*ends)
        if verdict == "review" and is_settled:
            continue
        rows[ends] = _match(kind, names, ends, verdict, rule, pair[SHARE], evidence(pair), now)
    for ends in joined:
        reason = against.get(ends)
        verdict, rule = ("refused", reason) if reason else ("same", "joined_by_a_person")
        held = rows.get(ends, {"match_share": 1.0, "match_evidence": "{}"})
        rows[ends] = _match(kind, names, ends, verdict, rule, held["match_share"], held["match_evidence"], now)
    return pl.DataFrame(list(rows.values()), schema=_schema("entity_match"))


def _match(
    kind: EntityKind,
    names: list[RecordName],
    ends: tuple[int, int],
    verdict: str,
    rule: str,
    share: float,
    said: str,
    now: dt.datetime,
) -> dict[str, Any]:
    left, right = names[ends[0]], names[ends[1]]
    text = f"{kind}\x1f{left.source}\x1f{left.record_id}\x1f{right.source}\x1f{right.record_id}"
    return {
        "match_id": hashlib.blake2b(text.encode(), digest_size=12).hexdigest(),
        "entity_kind": kind,
        "left_source": left.source,
        "left_record_id": left.record_id,
        "right_source": right.source,
        "right_record_id": right.record_id,
        "match_verdict": verdict,
        "match_rule": rule,
        "match_share": round(share, 4),
        "match_evidence": said,
        "linked_at": now,
    }


def evidence(pair: Mapping[str, Any]) -> str:
    """What a weighed pair rests on, as JSON: what agrees, what differs, bits a column, how alike the names are."""
    said: dict[str, Any] = {
        "agree": sorted(
            name.removeprefix("same_") for name, value in pair.items() if _is_said(name, value, is_same=True)
        ),
        "differ": sorted(
            name.removeprefix("same_") for name, value in pair.items() if _is_said(name, value, is_same=False)
        ),
        "bits": {
            name.removeprefix(BITS): round(value, 1)
            for name, value in pair.items()
            if name.startswith(BITS) and value and round(value, 1)
        },
    }
    if pair["name_share"] is not None:
        said["name_share"] = round(pair["name_share"], 2)
    return json.dumps(said, sort_keys=True)


def _is_said(name: str, value: object, *, is_same: bool) -> bool:
    return name.startswith("same_") and name != "same_source" and value is is_same


# writing --------------------------------------------------------------------------------------


def _schema(table: str) -> dict[str, pl.DataType]:
    return registry.polars_schema(registry.table(table))


def _empty(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema=_schema(table))


def _changes(lake: LakeReader, table: str, wanted: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that are there and must go, and rows to append; a row that says the same keeps its `linked_at`."""
    there = lake.query(f"SELECT * FROM raw.{table}").select(wanted.columns).cast(_schema(table))  # type: ignore[arg-type]
    content = [column for column in wanted.columns if column != "linked_at"]
    gone = there.join(wanted, on=content, how="anti", nulls_equal=True)
    new = wanted.join(there, on=content, how="anti", nulls_equal=True)
    return gone, new


def _write(lake: LakeWriter, changed: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]]) -> None:
    for table, (gone, new) in changed.items():
        key = registry.table(table).key
        if gone.height:
            named = gone.select(pl.concat_str(key, separator="\x1f")).to_series().to_list()
            lake.execute(
                f"DELETE FROM raw.{table} WHERE concat_ws(chr(31), {', '.join(key)}) IN (SELECT unnest(?))", [named]
            )
        if new.height:
            lake.append(table, new)
