"""Business intelligence: the report of the Auterity plan as a page, with its files."""

from __future__ import annotations

import datetime as dt
from functools import partial

import streamlit as st

from apps.streamlit.reads import bi
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import require
from apps.streamlit.ui.explained import explain
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.insights_view import show_advice, show_section
from apps.streamlit.ui.page import headline
from aurora.errors import NotReadyError
from aurora.insights.figures import told
from contracts.messages.insights import BusinessIntelligenceReport, Section

_PERIODS = {"30 days": "last_30_days", "90 days": "90d", "Month": "month", "Quarter": "quarter"}
_OWN_DAYS = "From, to"
_MIME = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def page() -> None:
    """Headline, filters, files, then a tab a section; only the open one is drawn."""
    viewer = require("viewer")
    pin = pin_or_first_start()
    head = st.container()
    time_period, industry = _filters(pin)
    try:
        report = bi.report(pin, bi.scopes_of(viewer), time_period, industry)
    except NotReadyError as error:
        with head:
            headline("There is nothing to report yet.", pin)
        st.info(f"{error.message} {error.next_step}", icon=":material/info:")
        return
    with head:
        headline(_sentence(report), pin, data_to=report.period.until, has_money=True)
    _about(report)
    _sections(report)
    explain("these figures", bi.MARTS, pin)


def _filters(pin: Pin) -> tuple[str, str | None]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Period, ending with the last day of data", [*_PERIODS, _OWN_DAYS], default="30 days", required=True,
            key="period", bind="query-params",
        )  # fmt: skip
        industry = st.selectbox(
            "Industry", [None, *bi.industries(pin)], format_func=lambda one: "All" if one is None else one.replace("_", " "),
            key="industry", width=200,
        )  # fmt: skip
        chosen = st.date_input("Days", value=[], key="days", width=240) if name == _OWN_DAYS else ()
    return _period(name or "30 days", chosen), industry


def _period(name: str, chosen: object) -> str:
    """The chosen days once both are chosen; 30 days until then."""
    match chosen:
        case (dt.date() as since, dt.date() as until):
            return f"{since}..{until}"
        case _:
            return _PERIODS.get(name, "last_30_days")


def _sentence(report: BusinessIntelligenceReport) -> str:
    if report.revenue_impact is None:
        return f"{len(report.recommendations)} things to look at; what tells of money is left out for you."
    named = {figure.name: figure for figure in report.revenue_impact.figures}
    look = f"{len(report.recommendations)} things to look at."
    if named["commission"].value is None:
        return f"No commission is known of the period; {look}"
    return f"Sales brought {_short(told(named['commission']))} of commission; {look}"


def _short(text: str) -> str:
    return text.split(" (", maxsplit=1)[0]


def _about(report: BusinessIntelligenceReport) -> None:
    """Days, hash, what was left out, and the files."""
    if report.is_simulated:
        st.badge("Simulated company among the data", icon=":material/science:", color="violet")
    st.caption(
        f"{report.period.since:%-d %b %Y} to {report.period.until:%-d %b %Y}, UTC days. SHA-256 of this report: "
        f"`{report.report_hash}`. `aurora report verify FILE` makes it again from the lake and compares."
    )
    for one in report.left_out:
        st.info(
            f"Left out: {one.section.replace('_', ' ')}. {one.why} It needs the scope `{one.needs_scope}`.",
            icon=":material/lock:",
        )
    with st.container(horizontal=True):
        for kind in ("pdf", "xlsx"):
            st.download_button(
                f"Download {kind.upper()}", data=partial(_file, report, kind), mime=_MIME[kind],
                file_name=f"aurora_{report.tenant}_business-intelligence_{report.period.until}.{kind}",
                key=f"download_{kind}", on_click="ignore", icon=":material/download:",
            )  # fmt: skip


def _file(report: BusinessIntelligenceReport, kind: str) -> bytes:
    if kind == "pdf":
        from aurora.insights.pdf import pdf_bytes

        return pdf_bytes(report)
    from aurora.insights.workbook import xlsx_bytes

    return xlsx_bytes(report)


def _sections(report: BusinessIntelligenceReport) -> None:
    held: dict[str, Section | None] = {
        "Revenue": report.revenue_impact,
        "Cost": report.cost_optimization,
        "Satisfaction": report.customer_satisfaction_correlation,
        "Market": report.market_opportunity_analysis,
        "Competition": report.competitive_positioning,
        "Return": report.roi_by_industry,
    }
    names = ["What to do", *(name for name, part in held.items() if part is not None)]
    for name, tab in zip(names, st.tabs(names, key="tab", on_change="rerun", bind="query-params"), strict=True):
        if tab.open:
            with tab:
                part = held.get(name)
                if part is None:
                    show_advice(report.recommendations)
                else:
                    show_section(part)


page()
