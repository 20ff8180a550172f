"""Findings: a table with filters, and one of them with evidence, rule, remedies, and what a person makes of it."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from apps.streamlit import filing_acts
from apps.streamlit.reads.compliance import Standing, remedies, rulebook_at
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.posture_view import regime_name
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, code_words, gulf_time, plain
from aurora.compliance.declarations import ACTS
from aurora.compliance.findings import Said
from aurora.compliance.rulebook import RecordRule
from aurora.errors import AuroraError
from aurora.filings.kind import kinds

_STATES: Final = ("open", "remediated", "false_positive", "accepted")
_SEVERITIES: Final = ("critical", "high", "medium", "low")
_PROTECTED: Final = "(protected)"


def show_findings(found: Standing, pin: Pin, viewer: Viewer) -> None:
    """Filters, the table, and the finding that was picked."""
    rows = _filtered(found)
    picked = show_table(
        _frame(rows),
        title="Findings",
        pin=pin,
        empty="No finding is like that. `aurora rules sweep` looks for them; the filters above may hide some.",
        note="Those due first at the top. Pick one to see evidence, rule and remedy." if rows else None,
        columns={
            "rule_title": st.column_config.TextColumn("Rule broken", width=300),
            "regime": st.column_config.TextColumn("Authority"),
            "rule_id": st.column_config.TextColumn("Rule"),
            "finding_state": st.column_config.TextColumn("State"),
        },
        on_select=True,
        height=380,
    )
    if rows:
        _show_one(rows[picked or 0], pin, viewer)


def _filtered(found: Standing) -> list[dict[str, Any]]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        state = st.selectbox("State", _STATES, format_func=_words, key="finding_state", width=180)
        regimes = sorted({one["regime"] for one in found.findings})
        regime = st.selectbox("Authority", [None, *regimes], format_func=lambda one: "All" if one is None else regime_name(one), key="finding_regime", width=220)  # fmt: skip
        severities = st.multiselect("Severity", _SEVERITIES, format_func=_words, key="finding_severity", width=260)
        text = st.text_input("Find", key="finding_text", placeholder="Rule, record or assistant", width=240).lower()
    return [
        one
        for one in found.findings
        if one["finding_state"] == state
        and regime in (None, one["regime"])
        and (not severities or one["severity"] in severities)
        and text in f"{one['rule_id']} {one['rule_title']} {one['about_id']} {one['assistant_id']}".lower()
    ]


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    shape = {
        "due_at": pl.Datetime("us", "UTC"), "severity": pl.String(), "rule_title": pl.String(), "rule_id": pl.String(),
        "regime": pl.String(), "record": pl.String(), "assistant_id": pl.String(), "finding_state": pl.String(),
    }  # fmt: skip
    shown = [
        {
            **{name: one[name] for name in ("due_at", "severity", "rule_title", "rule_id", "assistant_id")},
            "regime": regime_name(one["regime"]),
            "record": f"{code_words(one['about_contract'])} {one['about_id']}",
            "finding_state": _words(one["finding_state"]),
        }
        for one in rows
    ]
    return pl.DataFrame(shown, schema=shape)


def _show_one(one: dict[str, Any], pin: Pin, viewer: Viewer) -> None:
    rules = {rule.rule_id: rule for rule in rulebook_at(pin).rules}
    with st.container(border=True):
        st.markdown(f"#### {plain(one['rule_title'])}")
        st.caption(
            f"{plain(code_words(one['about_contract']).capitalize())} {plain(one['about_id'])} at {plain(one['record_source'])} · "
            f"found {gulf_time(one['found_at'])} · due {gulf_time(one['due_at'])} · owner {plain(code_words(one['owner_role']))} · "
            f"finding {one['finding_id']}"
        )
        left, right = st.columns(2, gap="medium")
        with left:
            _evidence(one)
            _remedies(one, pin)
        with right:
            _rule(rules.get(one["rule_id"]))
        _acts(one, pin, viewer, rules.get(one["rule_id"]))


def _evidence(one: dict[str, Any]) -> None:
    st.markdown("**Evidence**")
    lines = [f"- {plain(code_words(name))}: **{_value(value)}**" for name, value in one["evidence"].items()]
    st.markdown("\n".join(lines))


def _value(value: str | None) -> str:
    if value == _PROTECTED:
        return "protected, not shown"
    return "nothing on record" if value is None else plain(value)


def _rule(rule: RecordRule | None) -> None:
    if rule is None:
        st.info("The rule is no longer in force.", icon=":material/info:")
        return
    file = rule.file
    st.markdown(f"**Rule {file.rule_id}**, pack {rule.pack.rule_pack} {rule.pack.version}")
    if file.must_be_verified:
        st.badge("Source to be verified", icon=":material/help:", color="orange")
    st.markdown(f"{plain(file.source.said)}.  \n{plain(file.source.instrument)}, {plain(file.source.article)}")
    st.caption(f"How sure the source is: {plain(file.provenance)}. Clock: {plain(file.clock.said)}.")
    st.code(file.violates_when.strip(), language="sql", wrap_lines=True)
    if file.note:
        st.caption(plain(file.note.strip()))


def _remedies(one: dict[str, Any], pin: Pin) -> None:
    st.markdown("**Remedy**")
    done = remedies(pin).get(one["finding_id"], [])
    if not done:
        st.caption("Nothing was asked for yet; `aurora rules enforce` asks for what the rule names.")
    for remedy in done:
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.badge(_words(remedy.remedy_state), color="gray")
            st.markdown(f"{_words(remedy.act)}: {plain(remedy.reason or ACTS.get(remedy.act, remedy.says))}")  # type: ignore[call-overload]
    if one["note"]:
        st.caption(f"{plain(one['actor_id'] or NOTHING)} said: {plain(one['note'])}")


def _acts(one: dict[str, Any], pin: Pin, viewer: Viewer, rule: RecordRule | None) -> None:
    if not viewer.reaches("operator"):
        st.caption("Judging findings and drafting reports is for the role operator.")
        return
    answering = [kind for kind in kinds().values() if rule is not None and rule.rule_id in kind.rules]
    with st.form(f"judge_{one['finding_id']}", border=False):
        note = st.text_input("Why", max_chars=500, placeholder="Kept in the audit log")
        with st.container(horizontal=True):
            is_false = st.form_submit_button("It is a false alarm", icon=":material/flag:")
            is_accepted = st.form_submit_button("Accept it", icon=":material/gavel:")
            is_open = one["finding_state"] in ("false_positive", "accepted") and st.form_submit_button("Open it again", icon=":material/undo:")  # fmt: skip
    said: Said | None = "false_positive" if is_false else "accepted" if is_accepted else "open" if is_open else None
    try:
        if said is not None:
            filing_acts.label_finding(pin, one["finding_id"], said, note, viewer=viewer)
            say(f"Kept: {_words(said).lower()}.")
        for kind in answering:
            if st.button(f"Draft: {kind.title}", key=f"draft_{kind.kind}_{one['finding_id']}", icon=":material/edit_document:"):  # fmt: skip
                made = filing_acts.make(pin, kind.kind, one["about_id"], one["record_source"], viewer=viewer)
                say(f"Drafted as {made.filing.filing_id}; it stands under Reports.")
    except AuroraError as error:
        st.error(f"{error.message}\n\n**Next step:** {error.next_step}", icon=":material/block:")


def say(text: str) -> None:
    """Keep a word for the next run of the page, and run it."""
    st.session_state["compliance_said"] = text
    st.rerun()


def _words(code: str) -> str:
    return "False alarm" if code == "false_positive" else code_words(code).capitalize()
