"""What the Compliance page wants to know: posture, findings with their rules, clocks, remedies, breaches, drafts.

Who may not know of suspicions gets no row about one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, current_paths, current_settings, lake_at
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.wording import code_words
from aurora.compliance.breach_rules import breach_rules
from aurora.compliance.breaches import read_breaches
from aurora.compliance.findings import NEWEST
from aurora.compliance.posture import posture_by_assistant, posture_by_regime
from aurora.compliance.remedies import read_remedies
from aurora.compliance.rulebook import Rulebook, rules_folder
from aurora.compliance.versions import tenant_rulebook
from aurora.filings.book import list_filings, show_filing
from aurora.filings.evidence import may_show_finding
from aurora.identity.keys import SCOPES, Identity
from aurora.store.journal import StateReader
from contracts.messages.compliance import BreachCase, Remedy
from contracts.messages.filings import Filing, FilingDetail

Row = dict[str, Any]
STATE_SECONDS = 3
"""How long drafts, remedies and breaches may lag behind the state."""
MAX_FINDINGS = 2_000
_BY_ROLE: Mapping[str, frozenset[str]] = {
    "owner": frozenset(SCOPES),
    "operator": frozenset({"filing:read", "filing:write"}),
    "analyst": frozenset({"filing:read"}),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the company stands, at one snapshot and moment."""

    regimes: list[Row]
    assistants: list[Row]
    findings: list[Row]
    """Open ones first, then those due first; with the title of the rule. No more than `MAX_FINDINGS`."""
    now: dt.datetime

    @property
    def open(self) -> list[Row]:
        """Findings that are open."""
        return [one for one in self.findings if one["finding_state"] == "open"]

    @property
    def overdue(self) -> list[Row]:
        """Open findings past their clock."""
        return [one for one in self.open if one["due_at"] < self.now]


def identity_of(viewer: Viewer, tenant: str) -> Identity:
    """The viewer as drafts and packs know callers: what their role may do."""
    scopes = _BY_ROLE.get(viewer.role, frozenset())
    return Identity(tenant=tenant, actor_id=viewer.actor_id, prefix="page", scopes=scopes, rate_per_s=1)


@st.cache_resource(ttl=60, max_entries=4, show_spinner=False)
def page_rulebook(data_dir: str, tenant: str) -> Rulebook:  # noqa: ARG001 - the cache's key
    """The rules that bind the tenant, at most a minute old."""
    settings = current_settings()
    return tenant_rulebook(settings.packs_dir, current_paths(), settings.pack)


def rulebook_at(pin: Pin) -> Rulebook:
    """The rules that bind the page's tenant."""
    return page_rulebook(pin.data_dir, pin.tenant)


def standing(pin: Pin, viewer: Viewer) -> Standing:
    """Posture and findings, as far as the viewer may know of them."""
    found = _standing(pin, rulebook_at(pin).book_hash)
    identity = identity_of(viewer, pin.tenant)
    return Standing(
        regimes=found.regimes,
        assistants=found.assistants,
        findings=[one for one in found.findings if may_show_finding(one, identity)],
        now=found.now,
    )


@st.cache_data(ttl=60, max_entries=8, show_spinner="Reading the lake")
def _standing(pin: Pin, book_hash: str) -> Standing:  # noqa: ARG001 - the cache's key
    rulebook, now = rulebook_at(pin), dt.datetime.now(dt.UTC)
    rules = {rule.rule_id: rule for rule in rulebook.rules}
    with lake_at(pin) as lake:
        rows = lake.query(
            f"SELECT * FROM ({NEWEST}) AS f ORDER BY finding_state <> 'open', due_at, finding_id LIMIT {MAX_FINDINGS}"
        ).to_dicts()
        regimes, assistants = posture_by_regime(rulebook, lake, now=now), posture_by_assistant(lake, now=now)
    for row in rows:
        rule = rules.get(row["rule_id"])
        row["rule_title"] = row["rule_id"] if rule is None else rule.file.title
        row["to_verify"] = rule is not None and rule.file.must_be_verified
        row["evidence"] = msgspec.json.decode(row["evidence"], type=dict[str, str | None])
    return Standing(regimes, assistants, rows, now)


def drafts(pin: Pin, viewer: Viewer) -> list[Filing]:
    """Drafts that the viewer may know of, the newest first; none before the first start of the state."""
    if not pin.paths.state.is_file():
        return []
    with StateReader(pin.paths) as state:
        return list_filings(state, identity_of(viewer, pin.tenant))


def draft(pin: Pin, viewer: Viewer, filing_id: str) -> FilingDetail:
    """One draft with its content. Errors: as `aurora.filings.book.show_filing`."""
    with StateReader(pin.paths) as state:
        return show_filing(state, pin.paths, filing_id, identity_of(viewer, pin.tenant))


@st.cache_data(ttl=STATE_SECONDS, max_entries=8, show_spinner=False)
def remedies(pin: Pin) -> dict[str, list[Remedy]]:
    """What is done about each finding, by its id."""
    if not pin.paths.state.is_file():
        return {}
    found: dict[str, list[Remedy]] = {}
    with StateReader(pin.paths) as state:
        for one in read_remedies(state):
            found.setdefault(one.finding_id, []).append(one)
    return found


@st.cache_data(ttl=STATE_SECONDS, max_entries=8, show_spinner=False)
def breaches(pin: Pin) -> list[BreachCase]:
    """Breach cases, those that are open first."""
    if not pin.paths.state.is_file():
        return []
    rules = breach_rules(rules_folder(current_settings().packs_dir), rulebook_at(pin))
    with StateReader(pin.paths) as state:
        return read_breaches(state, rules, now=dt.datetime.now(dt.UTC))


def clocks(found: Standing, filings: list[Filing], cases: list[BreachCase]) -> pl.DataFrame:
    """Everything that is due, by due time: findings, drafts that are not filed, people and authorities to be told."""
    rows = [
        (one["due_at"], one["rule_title"], one["rule_id"], f"{code_words(one['about_contract'])} {one['about_id']}", one["severity"], code_words(one["owner_role"]))
        for one in found.open
    ]  # fmt: skip
    rows += [
        (one.due_at, f"{one.title}: {one.state.replace('_', ' ')}", "draft", f"{code_words(one.about_contract)} {one.about_id}", "high", "compliance officer")
        for one in filings
        if one.due_at is not None and one.state != "handed_over"
    ]  # fmt: skip
    rows += [
        (duty.due_at, f"Tell {'the people concerned' if duty.who == 'subjects' else duty.title}", "breach", f"{code_words(case.about_contract)} {case.about_id}", "critical", "privacy officer")
        for case in cases
        for duty in case.duties
        if duty.is_due and duty.done_at is None and case.breach_state != "closed"
    ]  # fmt: skip
    shape = {
        "due_at": pl.Datetime("us", "UTC"), "what": pl.String(), "rule_id": pl.String(), "record": pl.String(),
        "severity": pl.String(), "owner_role": pl.String(),
    }  # fmt: skip
    return pl.DataFrame(sorted(rows), schema=shape, orient="row")
