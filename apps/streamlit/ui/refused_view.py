"""One refused row on the page: what was wrong, what was done, and the form to mend it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from apps.streamlit.mending import mend, other_values
from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.quality import RefusedDetail, refused_detail
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import code_words, gulf_time, plain, plural
from aurora.errors import AuroraError
from aurora.ingest.resolutions import CLOSED, Act
from contracts.fields import FIELDS

_ACTS: dict[Act, tuple[str, str]] = {
    "repair": ("Correct it", "Land the row with new values for some columns."),
    "release": ("Try it as it is", "The contract, the code or the price book has changed."),
    "rerun": ("Run its batch again", "Read the whole file with today's code; what landed is left alone."),
    "discard": ("Give it up", "It will not land. It stays here, with your reason."),
}
_SAID = {
    "repaired": "It landed with the corrected values.",
    "released": "It landed.",
    "discarded": "It will not land; the reason is on record.",
}


def refused_row(pin: Pin, quarantine_id: str, viewer: Viewer) -> None:
    """The row, its checks, its history and, for an operator while it is open, the form."""
    detail = refused_detail(pin, quarantine_id)
    row = detail.row
    with st.container(border=True):
        st.markdown(f"#### Row {row['row_number']} of {plain(row['file_name'])}")
        st.caption(
            f"{code_words(row['state']).capitalize()} · from {plain(row['source'])} for the contract "
            f"{row['contract']} · refused {gulf_time(row['refused_at'])}"
        )
        is_repairer = viewer.reaches("operator")
        for check in detail.checks:
            told = plain(check["reason"]) if is_repairer else code_words(check["rule"])
            st.markdown(f":material/block: **{check['column_name'] or 'The row'}**: {told}")
        if detail.history.height:
            show_table(detail.history, title="What was done", pin=pin, empty="Nothing yet.")
        if row["state"] in CLOSED:
            st.info("Its life is over: nothing more is done to it.", icon=":material/check:")
        elif is_repairer:
            _form(pin, detail, viewer)


def _form(pin: Pin, detail: RefusedDetail, viewer: Viewer) -> None:
    names = {label: act for act, (label, _) in _ACTS.items()}
    chosen = st.segmented_control("What to do", list(names), default="Correct it", required=True, key="refused_act")
    act: Act = names[chosen or "Correct it"]
    st.caption(_ACTS[act][1])
    with st.form("mend", border=False):
        values, others = _inputs(detail) if act == "repair" else ({}, "")
        note = st.text_input("Why", key="mend_note", help="At least eight letters; it stands in the audit log.")
        with st.container(horizontal=True):
            is_tried = act != "discard" and st.form_submit_button("Try", icon=":material/science:")
            is_done = st.form_submit_button("Do it", type="primary", icon=":material/check:")
    if not (is_tried or is_done):
        return
    row = detail.row
    try:
        given = {name: value for name, value in values.items() if value} | other_values(others)
        reports = mend(
            pin,
            act,
            quarantine_id=row["quarantine_id"],
            batch_id=row["batch_id"],
            values=given,
            note=note,
            viewer=viewer,
            is_dry_run=not is_done,
        )
    except AuroraError as error:
        st.error(f"{plain(error.message)}\n\n**Next step:** {plain(error.next_step)}", icon=":material/error:")
        return
    _told(reports, row["quarantine_id"], is_dry_run=not is_done)


def _inputs(detail: RefusedDetail) -> tuple[dict[str, str], str]:
    """New values for the columns that were wrong, and room for others."""
    columns = list(dict.fromkeys(check["column_name"] for check in detail.checks if check["column_name"]))
    values = {
        name: st.text_input(
            f"New value of {name}",
            key=f"mend_{name}",
            help=FIELDS[name].meaning if name in FIELDS else None,
            placeholder=FIELDS[name].unit or "" if name in FIELDS else "",
        )
        for name in columns
    }
    others = st.text_area(
        "Other columns" if columns else "The row's columns",
        key="mend_others",
        height=68,
        placeholder='{"operation_name": "chat"}',
        help="A JSON object of the contract's columns. What you leave out stays as it came.",
    )
    return values, others


def _told(reports: list[Any], quarantine_id: str, *, is_dry_run: bool) -> None:
    results = [result for report in reports for result in report.results]
    own = next((result for result in results if result.quarantine_id == quarantine_id), None)
    landed = sum(report.landed for report in reports)
    if own is not None and own.state == "still_failing":
        st.warning(f"The gate refuses it: {plain(own.reason or '')}", icon=":material/block:")
    elif is_dry_run:
        st.info(
            f"The gate would let it through ({plural(landed, 'row')}). Nothing was changed.", icon=":material/science:"
        )
    else:
        said = _SAID.get(own.state if own else "", f"{plural(landed, 'row')} landed.")
        st.success(f"{said} The figures follow with the next build.", icon=":material/check_circle:")
