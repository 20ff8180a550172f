"""Enforcing a rule: sweep it now, bring the findings up to date, and ask for what mends them.

What mends a finding is asked for once, in the journal, with the acts that the rule names. Nothing is filed with an
authority here: a report is drafted for people to approve.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec

from aurora.compliance.declarations import ACTS
from aurora.compliance.findings import NEWEST, changes, record_sweep
from aurora.compliance.rulebook import RecordRule, Rulebook
from aurora.compliance.sweep import sweep
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import EnforcedFinding, Enforcement, RemediationRequest
from contracts.messages.decisions import canonical

KIND: Final = "remediation"
_BATCH: Final = 500
_SHOWN: Final = 200


def enforce(
    paths: TenantPaths, rulebook: Rulebook, rule_id: str, *, actor_id: str, now: dt.datetime, store: StateStore | None
) -> Enforcement:
    """Enforce one rule; without a `store` nothing is written and the answer says what would be.

    Errors: `NotFoundError` for an unknown rule.
    """
    rule = rulebook.rule(rule_id)
    with read_lake(paths) as lake:
        swept = sweep(rulebook, lake, now=now, rule_ids=[rule.rule_id])
        found = changes(lake, swept, region=paths.region)
        known = lake.query(f"SELECT * FROM ({NEWEST}) AS f WHERE rule_id = ?", [rule.rule_id])
    left_alone = set(known.filter(known["finding_state"].is_in(["false_positive", "accepted"]))["finding_id"])
    since = dict(known.filter(known["finding_state"] == "open").select("finding_id", "found_at").iter_rows())
    hits = [hit for hit in swept.hits.to_dicts() if hit["finding_id"] not in left_alone]
    requests = [_request(rule, hit, since.get(hit["finding_id"], now), actor_id, now) for hit in hits]
    if store is not None:
        record_sweep(paths, swept)
        requests = _ask(paths, store, requests)
    acts: dict[str, str] = {act: ACTS[act] for act in rule.file.remediation.acts}
    figures = swept.figures.to_dicts()
    return Enforcement(
        rule_id=rule.rule_id,
        is_dry_run=store is None,
        raw_snapshot_id=swept.raw_snapshot_id,
        judged_count=figures[0]["judged_count"] if figures else 0,
        broken_count=len(swept.hits),
        unknown_count=figures[0]["unknown_count"] if figures else 0,
        opened_count=found.opened_count + found.reopened_count,
        remediated_count=found.remediated_count,
        requested_count=len(requests),
        acts=acts,
        findings=[_shown(hit) for hit in hits[:_SHOWN]],
    )


def _request(
    rule: RecordRule, hit: dict[str, Any], found_at: dt.datetime, actor_id: str, now: dt.datetime
) -> RemediationRequest:
    return RemediationRequest(
        remediation_id=f"rem-{hit['finding_id'].removeprefix('fnd-')}-{found_at:%Y%m%dT%H%M%S}",
        finding_id=hit["finding_id"],
        rule_id=rule.rule_id,
        acts=rule.file.remediation.acts,
        says=rule.file.remediation.says,
        about_contract=hit["about_contract"],
        record_source=hit["record_source"],
        about_id=hit["about_id"],
        owner_role=hit["owner_role"],
        due_at=hit["due_at"],
        actor_id=actor_id,
        requested_at=now,
    )


def _ask(paths: TenantPaths, store: StateStore, requests: list[RemediationRequest]) -> list[RemediationRequest]:
    """Append the requests that the journal does not hold yet."""
    with StateReader(paths) as state:
        held = {entry.record_id for entry in state.page(KIND, limit=1_000_000)}
    fresh = [one for one in requests if one.remediation_id not in held]
    records = [
        JournalRecord(
            record_id=one.remediation_id,
            kind=KIND,
            subject_id=one.finding_id,
            actor_id=one.actor_id,
            recorded_at=one.requested_at,
            body=canonical(one),
        )
        for one in fresh
    ]
    for start in range(0, len(records), _BATCH):
        store.append(records[start : start + _BATCH]).result()
    return fresh


def _shown(hit: dict[str, Any]) -> EnforcedFinding:
    return EnforcedFinding(
        finding_id=hit["finding_id"],
        record_source=hit["record_source"],
        about_id=hit["about_id"],
        assistant_id=hit["assistant_id"],
        due_at=hit["due_at"],
        evidence=msgspec.json.decode(hit["evidence"], type=dict[str, str | None]),
    )
