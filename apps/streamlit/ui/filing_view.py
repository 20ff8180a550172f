"""Drafts of reports: which there are, one of them with its gaps and approvals, and a new one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import polars as pl
import streamlit as st

from apps.streamlit import filing_acts
from apps.streamlit.reads.compliance import draft, drafts
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.finding_view import say
from apps.streamlit.ui.page import section
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, code_words, gulf_time, plain, plural
from aurora.errors import AuroraError
from aurora.filings.exports import MIME
from aurora.filings.goaml import covered
from aurora.filings.kind import NEVER_FILED, kind_of, kinds
from aurora.filings.paper import state_line
from contracts.messages.filings import Filing, FilingDetail, FilingTable

STATES: Final[dict[str, tuple[str, str, Any]]] = {
    "draft": ("Draft", ":material/edit_document:", "gray"),
    "in_review": ("Waits for a second person", ":material/hourglass_top:", "orange"),
    "approved": ("Approved, not filed", ":material/verified:", "blue"),
    "rejected": ("Sent back", ":material/undo:", "red"),
    "handed_over": ("Filed by a person", ":material/check_circle:", "green"),
}


def show_filings(pin: Pin, viewer: Viewer) -> None:
    """The list, the draft that was picked, and a form for a new one."""
    st.info(NEVER_FILED, icon=":material/front_hand:")
    filings = drafts(pin, viewer)
    picked = show_table(
        _frame(filings),
        title="Reports",
        pin=pin,
        empty="No report is drafted yet. Draft one below, or from a finding.",
        note="The newest first. Pick one to see what it says and what it misses." if filings else None,
        columns={
            "title": st.column_config.TextColumn("Report", width=250),
            "missing_count": st.column_config.NumberColumn("Missing", format="localized"),
            "state": st.column_config.TextColumn("State"),
        },
        on_select=True,
        height=300,
    )
    if filings:
        _show_one(filings[picked or 0], pin, viewer)
    if viewer.reaches("operator"):
        _new(pin, viewer)


def _frame(filings: list[Filing]) -> pl.DataFrame:
    shape = {
        "title": pl.String(), "record": pl.String(), "state": pl.String(), "missing_count": pl.Int64(),
        "due_at": pl.Datetime("us", "UTC"), "prepared_by": pl.String(), "approved_by": pl.String(),
        "authority_reference": pl.String(),
    }  # fmt: skip
    rows = [
        {
            "title": one.title,
            "record": f"{code_words(one.about_contract)} {one.about_id}",
            "state": STATES[one.state][0],
            "missing_count": one.missing_count,
            "due_at": one.due_at,
            "prepared_by": ", ".join(one.prepared_by),
            "approved_by": one.approved_by,
            "authority_reference": one.authority_reference,
        }
        for one in filings
    ]
    return pl.DataFrame(rows, schema=shape)


def _show_one(filing: Filing, pin: Pin, viewer: Viewer) -> None:
    detail = draft(pin, viewer, filing.filing_id)
    content = detail.content
    word, icon, color = STATES[filing.state]
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"#### {plain(content.title)}", width="content")
            with st.container(horizontal=True, width="content", gap="xsmall"):
                st.badge(word, icon=icon, color=color)
                if kind_of(filing.kind).is_confidential:
                    st.badge("Confidential", icon=":material/lock:", color="red")
                if content.is_sample:
                    st.badge("Sample data", icon=":material/science:", color="violet")
        due = (
            "" if content.due_at is None else f" · due {gulf_time(content.due_at)} ({plain(content.due_because or '')})"
        )
        st.caption(
            f"For {plain(content.authority)} · about {plain(code_words(content.about_contract))} {plain(content.about_id)} at "
            f"{plain(content.record_source)}{due}"
        )
        if not detail.is_intact:
            st.error(f"{state_line(detail)}. Refresh the draft.", icon=":material/warning:")
        _missing(detail)
        _content(detail)
        _exports(pin, detail)
        _approvals(filing)
        if viewer.reaches("operator"):
            _acts(pin, detail, viewer)
        st.caption(
            f"Draft `{filing.filing_id}` · lake snapshot {content.raw_snapshot_id} · "
            f"{plural(len(content.records), 'record')} · content SHA-256 `{filing.content_hash[:16]}`"
        )


def _missing(detail: FilingDetail) -> None:
    if not detail.missing:
        st.badge("Nothing mandatory is missing", icon=":material/check_circle:", color="green")
        return
    st.markdown(
        f"**Missing: {plural(len(detail.missing), 'mandatory field')}**. It cannot be approved before they are there."
    )
    st.markdown(
        "\n".join(
            f"- **{plain(one.label)}**: {plain(one.why)}  \n  Put it in {plain(one.where)}" for one in detail.missing
        )
    )


def _content(detail: FilingDetail) -> None:
    content = detail.content
    with st.expander("What it says", icon=":material/description:", expanded=False):
        for table in content.tables:
            st.markdown(f"**{plain(table.title)}**")
            _table(table)
        rows = [(one.label, covered(one.value), one.origin) for one in content.fields if one.value is not None]
        st.markdown("**Fields**")
        _plain_table(rows, ("Field", "Value", "From"))
        for text in content.texts:
            st.markdown(f"**{plain(text.title)}**")
            st.text(covered(text.body))
        for note in content.notes:
            st.caption(plain(note))


def _table(table: FilingTable) -> None:
    _plain_table(table.rows, tuple(one or "For" for one in table.columns))


def _plain_table(rows: Sequence[tuple[str | None, ...]], columns: tuple[str, ...]) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String()), orient="row")
    st.dataframe(frame.to_arrow(), hide_index=True, placeholder=NOTHING)


def _exports(pin: Pin, detail: FilingDetail) -> None:
    filing = detail.filing
    with st.container(horizontal=True, gap="xsmall"):
        for form in kind_of(filing.kind).exports:
            st.download_button(
                "goAML XML" if form == "xml" else form.upper(),
                data=partial(filing_acts.exported, pin, detail, form),
                file_name=f"{filing.filing_id}.{form}",
                mime=MIME[form],
                key=f"export_{form}_{filing.filing_id}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
                help="Protected values are covered; `aurora draft export --in-clear` opens them for a reason.",
            )


def _approvals(filing: Filing) -> None:
    lines = [
        f"- {gulf_time(one.occurred_at)}: **{plain(code_words(one.act))}** by {plain(one.actor_id)}"
        + (f", reference {plain(one.authority_reference)}" if one.authority_reference else "")
        + (f" – {plain(one.note)}" if one.note else "")
        for one in filing.events
    ]
    st.markdown("**Who did what**\n" + "\n".join(lines))


def _acts(pin: Pin, detail: FilingDetail, viewer: Viewer) -> None:
    filing = detail.filing
    try:
        if filing.state == "handed_over":
            return
        _fill(pin, detail, viewer)
        match filing.state:
            case "draft":
                if st.button("Give it to a second person", key="submit", icon=":material/send:", type="primary"):
                    filing_acts.submit(pin, filing.filing_id, viewer=viewer)
                    say("It waits for a second person.")
            case "in_review":
                _judge(pin, filing, viewer)
            case "approved":
                _hand_over(pin, filing, viewer)
            case _:
                st.caption("Correct what was asked for, then give it to a second person again.")
    except AuroraError as error:
        st.error(f"{error.message}\n\n**Next step:** {error.next_step}", icon=":material/block:")


def _fill(pin: Pin, detail: FilingDetail, viewer: Viewer) -> None:
    filing = detail.filing
    fields = {one.path: one for one in detail.content.fields if one.origin in ("missing", "person")}
    with st.expander("Fill in and refresh", icon=":material/edit:"):
        st.caption("Whatever changes the content voids an approval.")
        with st.form(f"fill_{filing.filing_id}", border=False, clear_on_submit=True):
            paths: list[str | None] = [*fields] or [None]
            path = st.selectbox("Field", paths, format_func=lambda one: "None" if one is None else fields[one].label)  # fmt: skip
            value = st.text_area("Value", max_chars=8000, height=80)
            with st.container(horizontal=True):
                is_filled = st.form_submit_button("Put it in", icon=":material/add:")
                is_refreshed = st.form_submit_button("Refresh from the lake", icon=":material/refresh:")
        if is_filled and path is not None:
            filing_acts.fill(pin, filing.filing_id, {path: value.strip() or None}, viewer=viewer)
            say(f"{fields[path].label} is kept; the draft was made anew.")
        if is_refreshed:
            after = filing_acts.fill(pin, filing.filing_id, {}, viewer=viewer)
            is_same = after.filing.content_hash == filing.content_hash
            say("The lake says the same." if is_same else "The draft was made anew.")


def _judge(pin: Pin, filing: Filing, viewer: Viewer) -> None:
    if viewer.actor_id in filing.prepared_by:
        st.info(
            "You prepared it, so another person judges it, with a key of their own: "
            f"`aurora draft approve {filing.filing_id} --key-file THEIR.key`.",
            icon=":material/group:",
        )
        return
    with st.form(f"verdict_{filing.filing_id}", border=False):
        note = st.text_input("Note", max_chars=2000, placeholder="A rejection says why")
        with st.container(horizontal=True):
            is_approved = st.form_submit_button("Approve", icon=":material/verified:", type="primary")
            is_rejected = st.form_submit_button("Send it back", icon=":material/undo:")
    if is_approved or is_rejected:
        after = filing_acts.judge(pin, filing, is_approved=is_approved, note=note, viewer=viewer)
        say(f"It is {code_words(after.state)}.")


def _hand_over(pin: Pin, filing: Filing, viewer: Viewer) -> None:
    with st.form(f"filed_{filing.filing_id}", border=False):
        reference = st.text_input("The authority's number", max_chars=256, help="As you got it when you filed the report yourself.")  # fmt: skip
        if st.form_submit_button("I filed it", icon=":material/task_alt:", type="primary"):
            filing_acts.hand_over(pin, filing.filing_id, reference, viewer=viewer)
            say("Kept: you filed it.")


def _new(pin: Pin, viewer: Viewer) -> None:
    section("Draft a report", "From one record of the lake; what is missing is listed.")
    with st.form("new_draft"):
        kind = st.selectbox("Report", list(kinds()), format_func=lambda one: kinds()[one].title, key="new_kind")
        about = st.text_input("Id of the record", max_chars=256, placeholder="Deal, suspicion, list hit or incident")
        source = st.text_input("Its source", max_chars=64, placeholder="Only where two sources know one of that id")
        is_asked = st.form_submit_button("Draft it", icon=":material/edit_document:", type="primary")
    if is_asked:
        try:
            made = filing_acts.make(pin, kind, about, source.strip() or None, viewer=viewer)
        except AuroraError as error:
            st.error(f"{error.message}\n\n**Next step:** {error.next_step}", icon=":material/block:")
            return
        say(f"Drafted: {plural(len(made.missing), 'mandatory field')} missing.")
