"""Enforcing a rule: sweep it now, bring the findings up to date, ask for what mends them, and do it.

What mends a finding is asked for once, in the journal, with the acts that the rule names (`aurora.compliance.remedies`).
Nothing is filed with an authority here: a report is drafted for people to approve.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from aurora.compliance.declarations import ACTS
from aurora.compliance.findings import NEWEST, changes, record_sweep
from aurora.compliance.remedies import ACTOR, Hands, ask, carry_out, preview, remedies_of, settle, unasked
from aurora.compliance.rulebook import RecordRule, Rulebook
from aurora.compliance.sweep import sweep
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import EnforcedFinding, Enforcement, RemediationRequest

_SHOWN: Final = 200


def enforce(
    paths: TenantPaths,
    rulebook: Rulebook,
    rule_id: str,
    *,
    actor_id: str,
    now: dt.datetime,
    store: StateStore | None,
    hands: Hands | None = None,
) -> Enforcement:
    """Enforce one rule; without a `store` nothing is written and the answer says what would be.

    Without `hands` remedies are asked for and not carried out. Errors: `NotFoundError` for an unknown rule.
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
    if store is None:
        requests = unasked(paths, requests)
        did = preview(paths, [one for request in requests for one in remedies_of(request)])
    else:
        record_sweep(paths, swept)
        requests = ask(store, requests)
        did = {} if hands is None else carry_out(paths, store, hands, now=now, rule_id=rule.rule_id)
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
        remedies=did,
    )


def remedy_findings(
    paths: TenantPaths, rulebook: Rulebook, store: StateStore, hands: Hands, *, now: dt.datetime
) -> dict[str, int]:
    """Ask for the remedies of every open finding, do what can be done by itself, and close what is over.

    Run again it does nothing. Returns counts: `requested`, `closed`, and acts by what became of them.
    """
    with read_lake(paths) as lake:
        rows = lake.query(
            f"SELECT finding_id, rule_id, finding_state, about_contract, record_source, about_id, owner_role, due_at, found_at, is_sample"
            f" FROM ({NEWEST}) AS f"
        ).to_dicts()
    closed = settle(store, {row["finding_id"]: row["finding_state"] for row in rows}, now=now)
    fresh = ask(store, list(_requests(rulebook, rows, now)))
    done = carry_out(paths, store, hands, now=now)
    return dict(Counter(done) + Counter({"requested": len(fresh), "closed": closed}))


def _requests(rulebook: Rulebook, rows: Iterable[dict[str, Any]], now: dt.datetime) -> Iterable[RemediationRequest]:
    rules = {rule.rule_id: rule for rule in rulebook.rules}
    for row in rows:
        if row["finding_state"] == "open" and row["rule_id"] in rules:
            yield _request(rules[row["rule_id"]], row, row["found_at"], ACTOR, now)


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
        rule_version=rule.file.version,
        pack_version=rule.pack.version,
        is_sample=hit["is_sample"],
        drafts=rule.file.remediation.drafts,
    )


def _shown(hit: dict[str, Any]) -> EnforcedFinding:
    return EnforcedFinding(
        finding_id=hit["finding_id"],
        record_source=hit["record_source"],
        about_id=hit["about_id"],
        assistant_id=hit["assistant_id"],
        due_at=hit["due_at"],
        evidence=msgspec.json.decode(hit["evidence"], type=dict[str, str | None]),
    )
