"""What people make of findings: on record in the journal, then in the lake; and how often a rule was wrong.

The journal is told first. A kill before the lake was written is mended by the next judgement or sweep
(`catch_up`): the newest word of the journal is what the finding says.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec

from aurora.compliance.findings import NEWEST, Said, judge_finding
from aurora.errors import ConflictError, NotFoundError
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import FindingJudgement
from contracts.messages.decisions import canonical

KIND: Final = "finding_judgement"
_ALL: Final = 1_000_000
_JUDGEMENTS: Final = msgspec.json.Decoder(FindingJudgement)


def judge(
    store: StateStore, finding_id: str, said: Said, *, actor_id: str, note: str, now: dt.datetime
) -> dict[str, Any]:
    """Put a person's word on record, then on the finding, and return its new state.

    Errors: `NotFoundError` for an unknown one, `ConflictError` for one that is remediated; neither is on record.
    """
    with read_lake(store.paths) as lake:
        found = lake.query(f"SELECT rule_id, finding_state FROM ({NEWEST}) AS f WHERE finding_id = ?", [finding_id])
    if found.height and found["finding_state"].item() != "remediated":
        judgement = FindingJudgement(
            judgement_id=IdMaker(lambda: now).new("jdg"),
            finding_id=finding_id,
            rule_id=found["rule_id"].item(),
            judged_as=said,
            note=note,
            actor_id=actor_id,
            recorded_at=now,
        )
        store.append([_record(judgement)]).result()
    return judge_finding(store.paths, finding_id, said, actor_id=actor_id, note=note, now=now)


def catch_up(paths: TenantPaths, state: StateReader) -> int:
    """Write to the lake what the journal says of findings and the lake does not; returns how many findings."""
    said: dict[str, FindingJudgement] = {}
    for entry in state.page(KIND, limit=_ALL):
        one = _JUDGEMENTS.decode(entry.body)
        said.setdefault(one.finding_id, one)
    if not said:
        return 0
    with read_lake(paths) as lake:
        rows = lake.query(f"SELECT finding_id, finding_state, found_at, updated_at FROM ({NEWEST}) AS f").to_dicts()
    behind = [
        said[row["finding_id"]]
        for row in rows
        if row["finding_id"] in said
        and row["finding_state"] != "remediated"
        and row["found_at"] <= said[row["finding_id"]].recorded_at
        and row["updated_at"] < said[row["finding_id"]].recorded_at
        and row["finding_state"] != said[row["finding_id"]].judged_as
    ]
    for one in behind:
        try:
            judge_finding(
                paths, one.finding_id, one.judged_as, actor_id=one.actor_id, note=one.note, now=one.recorded_at
            )
        except (ConflictError, NotFoundError):  # it went while we looked
            continue
    return len(behind)


def judged_by_rule(lake: LakeReader) -> dict[str, tuple[int, int]]:
    """Of each rule: findings that people called a false alarm, and findings that people said anything of.

    The last word of each finding counts, also when it was remediated later; one that was opened again says nothing.
    """
    rows = lake.query(
        """
        SELECT rule_id, count(*) FILTER (WHERE finding_state = 'false_positive') AS false_count,
            count(*) FILTER (WHERE finding_state <> 'open') AS judged_count
        FROM (
            SELECT rule_id, finding_state,
                row_number() OVER (PARTITION BY finding_id ORDER BY updated_at DESC) AS place
            FROM raw.finding WHERE actor_id IS NOT NULL AND finding_state <> 'remediated'
        ) WHERE place = 1 GROUP BY rule_id
        """
    )
    return {name: (wrong, count) for name, wrong, count in rows.iter_rows() if count}


def _record(judgement: FindingJudgement) -> JournalRecord:
    return JournalRecord(
        record_id=judgement.judgement_id,
        kind=KIND,
        subject_id=judgement.finding_id,
        actor_id=judgement.actor_id,
        recorded_at=judgement.recorded_at,
        body=canonical(judgement),
    )
