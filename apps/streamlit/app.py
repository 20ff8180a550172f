"""The frame of the pages: navigation, mark, and the one place where a page's failure is caught and said.

A page is one file in `app_pages/` and one line in `PAGES`. It asks for its role itself.
"""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from apps.streamlit.ui.access import current_viewer
from apps.streamlit.ui.mark import LOGO, MARK
from aurora.errors import AuroraError

_HERE = Path(__file__).parent / "app_pages"

PAGES: dict[str, list[tuple[str, str, str, str]]] = {
    "Company": [
        ("home", "Home", ":material/wb_twilight:", "Health, spend, decisions, what needs you"),
        (
            "assistants",
            "Assistants",
            ":material/smart_toy:",
            "The fleet now: state, load, score, kill switch, commands",
        ),
        (
            "performance",
            "Performance",
            ":material/speed:",
            "The fleet's KPIs, latency, errors, cost, ranking, benchmarks",
        ),
        (
            "kpis",
            "KPI scoreboard",
            ":material/scoreboard:",
            "Every KPI: value, target, interval, how it is measured, where it comes from",
        ),
        (
            "bi",
            "Business intelligence",
            ":material/insights:",
            "Revenue, cost, satisfaction, market, competition, return; PDF and XLSX",
        ),
        ("costs", "Costs", ":material/payments:", "What AI costs: by day, assistant, language model"),
        ("spend", "Reconciled spend", ":material/balance:", "Our log beside the provider's usage, costs and invoice"),
        (
            "compliance",
            "Compliance",
            ":material/gavel:",
            "Posture, clocks, findings, reports to authorities, evidence packs",
        ),
        ("decisions", "Decisions", ":material/alt_route:", "What was decided, why, and how to change it"),
        (
            "policies",
            "Policies",
            ":material/model_training:",
            "Champion and challenger, how far each may act, evidence, what if",
        ),
        (
            "scaling",
            "Scaling",
            ":material/stacked_line_chart:",
            "Demand of the next hour, replicas for it, and what planning ahead has saved",
        ),
        (
            "alerts",
            "Alerts",
            ":material/notifications_active:",
            "What changed, why, what to do; how right each rule is",
        ),
        ("process", "Process", ":material/timeline:", "Where the time of workflows goes, and what it waits for"),
    ],
    "Foundations": [
        (
            "golden_records",
            "Golden records",
            ":material/diamond:",
            "One party or property, however many systems know it",
        ),
        ("contracts", "Contracts", ":material/schema:", "Every table's columns, lineage, rows and who may see what"),
        (
            "quality",
            "Data quality",
            ":material/fact_check:",
            "Sources that are silent or odd, refused rows and their repair",
        ),
        ("data", "Data", ":material/database:", "Tables, contracts, batches, quarantine, snapshots"),
        ("privacy", "Privacy", ":material/shield_person:", "Personal data at the door: found, protected, refused"),
    ],
}
"""Section -> (file, title, icon, help)."""


def _page(name: str, title: str, icon: str, meaning: str) -> st.Page:
    is_first = name == "home"  # the first page stands at the root and has no path of its own
    return st.Page(
        str(_HERE / f"{name}.py"),
        title=title,
        icon=icon,
        url_path=None if is_first else name,
        help=meaning,
        default=is_first,
    )


def main() -> None:
    """Draw the frame and run the page that was asked for."""
    st.set_page_config(page_title="Aurora", page_icon=MARK, layout="wide")
    st.logo(LOGO, size="large", icon_image=MARK)
    page = st.navigation({name: [_page(*entry) for entry in entries] for name, entries in PAGES.items()})
    try:
        _who()
        page.run()
    except AuroraError as error:
        logging.getLogger("aurora.pages").warning("A page could not be shown: %s", error)
        st.error(f"{error.message}\n\n**Next step:** {error.next_step}", icon=":material/error:")


def _who() -> None:
    viewer = current_viewer()
    if viewer.role != "nobody":
        st.sidebar.caption(f":material/account_circle: You are **{viewer.actor_id}** on this machine")


main()
