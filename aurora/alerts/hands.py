"""What the remedies of rules need of other rooms: values are masked by privacy, owners are told by an alert."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

from aurora.alerts.book import alert_record
from aurora.compliance.mask_targets import MaskTarget
from aurora.compliance.remedies import ACTOR
from aurora.compliance.rulebook import Rulebook
from aurora.errors import ConflictError
from aurora.identity.keys import Identity
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.alerts import Alert
from contracts.messages.compliance import Remedy

RULE_ID: Final = "rule_remedy"
"""Under which name such an alert stands in the book; no alert rule has it, so a person closes it."""


DRAFTS_A_RUN: Final = 20
"""Reports drafted in one run, each a third of a second; the others wait for a person, who may draft them at any time."""
_SCOPES: Final = frozenset({"filing:write", "suspicion:read"})


class Hands:
    """Does what a remedy asks for, for one tenant; each act has the same effect twice as once."""

    def __init__(self, paths: TenantPaths, store: StateStore, rulebook: Rulebook | None = None) -> None:
        """Without a rulebook no report is drafted: what a report must hold is the rules' matter."""
        self._paths = paths
        self._store = store
        self._rulebook = rulebook
        self._drafted_count = 0

    def mask(self, target: MaskTarget, *, now: dt.datetime) -> dict[str, str | int]:
        """Encrypt the values where they rest, and return the proof."""
        from aurora.privacy.masking import mask_values

        proof = mask_values(
            self._paths,
            target.contract,
            target.columns,
            about_id=target.about_id,
            record_source=target.record_source,
            author=ACTOR,
            now=now,
        )
        return proof.as_dict()

    def alert(self, remedy: Remedy, *, now: dt.datetime) -> str:
        """Raise the alert of this remedy, once; it is delivered with the next round. Returns its id."""
        alert = _alert(remedy, self._store.paths.region, now)
        try:
            self._store.append([alert_record(alert, 0)]).result()
        except ConflictError:
            return alert.alert_id  # it was told before
        return alert.alert_id

    def draft(self, remedy: Remedy, *, now: dt.datetime) -> str | None:
        """Draft the report, once; its id. None without a rulebook, or when this run has drafted enough."""
        from aurora.filings.drafting import make_draft, open_filing

        if self._rulebook is None or remedy.drafts is None:
            return None
        known = open_filing(
            self._store, kind=remedy.drafts, record_source=remedy.record_source, about_id=remedy.about_id
        )
        if known is not None:
            return known.filing_id
        if self._drafted_count >= DRAFTS_A_RUN:
            return None
        self._drafted_count += 1
        made = make_draft(
            self._store,
            self._paths,
            self._rulebook,
            kind=remedy.drafts,
            about_id=remedy.about_id,
            record_source=remedy.record_source,
            identity=Identity(tenant=self._paths.tenant, actor_id=ACTOR, prefix=ACTOR, scopes=_SCOPES, rate_per_s=0),
            now=now,
        )
        return made.filing.filing_id


def _alert(remedy: Remedy, region: str, now: dt.datetime) -> Alert:
    key = f"{RULE_ID}/{remedy.finding_id}"
    digest = hashlib.blake2b(remedy.remedy_id.encode(), digest_size=10).hexdigest()
    return Alert(
        alert_id=f"alr_{digest}",
        alert_kind="compliance",
        rule_id=RULE_ID,
        severity="high",
        tier="page",
        summary=f"{remedy.rule_id} is broken by {remedy.about_contract} {remedy.about_id}: {remedy.says}",
        since=remedy.requested_at,
        cause=None,
        suggested_action=f"`aurora rules show {remedy.rule_id}` says what it asks for; due {remedy.due_at:%Y-%m-%d %H:%M} UTC.",
        dedupe_key=key,
        period_start=remedy.requested_at,
        value=1.0,
        limit_value=0.0,
        score=None,
        about_contract=remedy.about_contract,
        about_id=remedy.about_id,
        assistant_id=None,
        is_simulated=False,
        raised_at=now,
        updated_at=now,
        acknowledged_at=None,
        resolved_at=None,
        alert_label=None,
        labelled_at=None,
        actor_id=ACTOR,
        is_sample=remedy.is_sample,
        region=region,
    )
