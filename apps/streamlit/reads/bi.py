"""What the business-intelligence page wants to know: one report of one snapshot, and the industries there are."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.reads.lake import Pin, current_settings, lake_at
from apps.streamlit.ui.access import Viewer
from aurora.insights.report import ALL_SCOPES, FINANCE, packed, report_of
from contracts.messages.insights import BusinessIntelligenceReport

MARTS = ("bi_sales", "bi_judgements", "bi_market", "cost_daily", "assistant_skills_daily", "kpi_values")
"""What the report is made from, as its explanation names it."""


def scopes_of(viewer: Viewer) -> frozenset[str]:
    """What a person may see: an owner all, an analyst or operator the money, a viewer neither."""
    if viewer.reaches("owner"):
        return ALL_SCOPES
    return frozenset({FINANCE}) if viewer.reaches("analyst") else frozenset()


@st.cache_data(ttl=3600, max_entries=32, show_spinner="Reckoning the report")
def report(pin: Pin, scopes: frozenset[str], time_period: str, industry: str | None) -> BusinessIntelligenceReport:
    """The report. Errors: as `aurora.insights.report.report_of`."""
    settings = current_settings()
    inputs = packed(settings.packs_dir, settings.pack, tenant=pin.tenant)
    with lake_at(pin) as lake:
        return report_of(lake, inputs, tenant=pin.tenant, scopes=scopes, time_period=time_period, industry=industry)


@st.cache_data(ttl=3600, max_entries=16, show_spinner=False)
def industries(pin: Pin) -> list[str]:
    """Industries of the fleet; none before the report's marts are built."""
    if not pin.has("assistants", *MARTS):
        return []
    with lake_at(pin) as lake:
        found = lake.query("SELECT DISTINCT industry FROM mart.assistants WHERE industry IS NOT NULL ORDER BY 1")
    return [str(name) for name in found["industry"]]
