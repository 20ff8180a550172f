"""Compliance: where the company stands, what is due, what was found, what is reported, and the evidence for it."""

from __future__ import annotations

import datetime as dt
import time

import polars as pl
import streamlit as st

from apps.streamlit import filing_acts
from apps.streamlit.reads.compliance import Standing, breaches, drafts, rulebook_at, standing
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer, require
from apps.streamlit.ui.filing_view import show_filings
from apps.streamlit.ui.finding_view import show_findings
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.posture_view import regime_name, show_clocks, show_posture
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import code_words, count, plural
from aurora.compliance.rulebook import STALE_AFTER
from aurora.errors import AuroraError
from aurora.filings.evidence import LEFT_OUT
from contracts.messages.compliance import BreachCase
from contracts.messages.filings import EvidenceRequest, Filing

_TABS = ("Clocks", "Posture", "Findings", "Reports", "Breaches", "Rules", "Evidence")
_SOON = dt.timedelta(days=7)


def page() -> None:
    """Headline, figures, and seven tabs; only the open one is drawn."""
    viewer = require("analyst")
    pin = pin_or_first_start()
    found, filings, cases = standing(pin, viewer), drafts(pin, viewer), breaches(pin)
    headline(_sentence(found, filings), pin)
    if "compliance_said" in st.session_state:
        st.success(st.session_state.pop("compliance_said"), icon=":material/check:")
    _figures(found, filings, cases)
    opened = st.tabs(_TABS, key="tab", on_change="rerun", bind="query-params")
    for name, tab in zip(_TABS, opened, strict=True):
        if tab.open:
            with tab:
                _tab(name, pin, viewer, found, filings, cases)


def _tab(name: str, pin: Pin, viewer: Viewer, found: Standing, filings: list[Filing], cases: list[BreachCase]) -> None:
    match name:
        case "Clocks":
            show_clocks(found, filings, cases, pin)
        case "Posture":
            show_posture(found, pin)
        case "Findings":
            show_findings(found, pin, viewer)
        case "Reports":
            show_filings(pin, viewer)
        case "Breaches":
            _breaches(pin, cases)
        case "Rules":
            _rules(pin, found.now)
        case _:
            _evidence(pin, viewer, found)


def _sentence(found: Standing, filings: list[Filing]) -> str:
    if not found.regimes or not any(one["judged_count"] for one in found.regimes):
        return "No record was judged by a rule yet."
    against = sum(one["posture"] == "non_compliant" for one in found.regimes)
    stand = (
        f"{plural(against, 'authority', 'authorities')} of {len(found.regimes)} would find us not compliant"
        if against
        else f"Nothing stands against us at {plural(len(found.regimes), 'authority', 'authorities')}"
    )
    late = f"{plural(len(found.overdue), 'finding')} {'is' if len(found.overdue) == 1 else 'are'} past the clock"
    waiting = sum(one.state == "in_review" for one in filings)
    more = f", {plural(waiting, 'report')} {'waits' if waiting == 1 else 'wait'} for a second person" if waiting else ""
    return f"{stand}; {late}{more}."


def _figures(found: Standing, filings: list[Filing], cases: list[BreachCase]) -> None:
    soon = [one for one in found.open if found.now <= one["due_at"] < found.now + _SOON]
    with tiles():
        tile("Open findings", count(len(found.open)), explained="Records that break a rule in force")
        tile("Past the clock", count(len(found.overdue)), explained="Open findings whose clock has run out")
        tile("Due in 7 days", count(len(soon)), explained="Open findings whose clock runs out within a week")
        tile("Reports under way", count(sum(one.state != "handed_over" for one in filings)), explained="Drafted and not filed by a person yet")  # fmt: skip
        tile("Open breaches", count(sum(one.breach_state != "closed" for one in cases)), explained="Cases that are not closed")  # fmt: skip


def _breaches(pin: Pin, cases: list[BreachCase]) -> None:
    rows = [
        {
            "next_due_at": one.next_due_at,
            "breach_id": one.breach_id,
            "breach_state": code_words(one.breach_state).capitalize(),
            "record": f"{code_words(one.about_contract)} {one.about_id}",
            "jurisdiction": one.jurisdiction,
            "affected_subject_count": one.affected_subject_count,
            "to_tell": ", ".join(duty.title for duty in one.duties if duty.is_due and duty.done_at is None) or None,
            "next_step": one.next_step,
        }
        for one in cases
    ]
    shape = {
        "next_due_at": pl.Datetime("us", "UTC"), "breach_id": pl.String(), "breach_state": pl.String(),
        "record": pl.String(), "jurisdiction": pl.String(), "affected_subject_count": pl.Int64(),
        "to_tell": pl.String(), "next_step": pl.String(),
    }  # fmt: skip
    show_table(
        pl.DataFrame(rows, schema=shape),
        title="Breaches",
        pin=pin,
        empty="No breach is known. Incidents and findings that may be one appear here; `aurora breach list` shows the same.",
        note="Notice and letters to the people concerned are drafted under Reports, from the incident."
        if rows
        else None,
        columns={
            "to_tell": st.column_config.TextColumn("Still to be told", width="medium"),
            "next_step": st.column_config.TextColumn("Next step", width="large"),
            "breach_state": st.column_config.TextColumn("State"),
        },
        height=460,
    )


def _rules(pin: Pin, now: dt.datetime) -> None:
    rows = [
        {
            "regime": regime_name(pack.file.regime),
            "title": pack.file.title,
            "version": pack.file.version,
            "rule_count": len(pack.rules),
            "to_verify_count": sum(rule.file.must_be_verified for rule in pack.rules),
            "freshness": "! stale" if pack.is_stale(now) else "✓ fresh",
            "checked_at": pack.file.checked_at,
            "checked_against": pack.file.checked_against,
        }
        for pack in rulebook_at(pin).packs
    ]
    show_table(
        pl.DataFrame(rows, infer_schema_length=None),
        title="Rule packs",
        pin=pin,
        empty="No rule pack binds this company.",
        note=f"A pack is stale when it was not held against its sources for {STALE_AFTER.days} days; `aurora rules reviewed` says that it stands, `aurora rules update` takes a new one in.",
        columns={
            "title": st.column_config.TextColumn("Pack", width="medium"),
            "to_verify_count": st.column_config.NumberColumn("To be verified", help="Rules whose source, or a part of it, is general knowledge (K)"),
            "checked_against": st.column_config.TextColumn("Against", width="large"),
            "regime": st.column_config.TextColumn("Authority"),
        },
        height=620,
    )  # fmt: skip


def _evidence(pin: Pin, viewer: Viewer, found: Standing) -> None:
    section(
        "Evidence pack",
        "A zip for an authority: findings with evidence, rule texts and versions, sweep figures, remedies, drafts with "
        "approvals, decision receipts with Merkle proofs, snapshots, and a manifest of SHA-256 hashes.",
    )
    about = st.segmented_control("About", ("An authority", "A deal", "A finding"), default="An authority", required=True, key="evidence_about")  # fmt: skip
    with st.form("evidence"):
        if about == "A deal":
            wanted = EvidenceRequest(deal_id=st.text_input("Id of the deal", max_chars=256).strip() or None)
        elif about == "A finding":
            wanted = EvidenceRequest(finding_id=st.text_input("Id of the finding", max_chars=64, placeholder="fnd-...").strip() or None)  # fmt: skip
        else:
            regimes = [one["regime"] for one in found.regimes]
            wanted = EvidenceRequest(regime=st.selectbox("Authority", regimes, format_func=regime_name))
        is_asked = st.form_submit_button("Make the pack", icon=":material/inventory_2:", type="primary")
    st.caption(f"{LEFT_OUT} Anybody can check a pack with Python alone: `python verify.py PACK.zip`.")
    if is_asked:
        begun = time.monotonic()
        try:
            with st.spinner("Gathering the evidence"):
                st.session_state["evidence_pack"] = filing_acts.pack(pin, wanted, viewer=viewer)
            st.session_state["evidence_seconds"] = time.monotonic() - begun
        except AuroraError as error:
            st.error(f"{error.message}\n\n**Next step:** {error.next_step}", icon=":material/block:")
            return
    made = st.session_state.get("evidence_pack")
    if made is None or made.manifest["tenant"] != pin.tenant:
        return
    counts = made.manifest["counts"]
    with st.container(border=True):
        st.markdown(
            f"**{made.manifest['about'].capitalize()}**: {plural(counts['findings'], 'finding')}, {plural(counts['rules'], 'rule')}, "
            f"{plural(counts['drafts'], 'draft')}, {plural(counts['journal_records'], 'journal record')} with proofs; "
            f"made in {st.session_state['evidence_seconds']:.1f} s."
        )
        st.download_button("Download the pack", made.body, made.file_name, "application/zip", key="evidence_download", on_click="ignore", icon=":material/download:", type="primary")  # fmt: skip
        st.caption(f"Pack `{made.pack_id}`; its manifest's hash is in the audit log.")


page()
