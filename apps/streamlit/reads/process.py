"""What the process page wants to know: the graph of the tenant's workflows."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from aurora.process.graph import Edge, read_edges


@st.cache_data(ttl=600, max_entries=8, show_spinner="Reading the lake")
def edges(pin: Pin) -> list[Edge]:
    """Every edge of every workflow; none where the mart is not built yet."""
    if not pin.has("process_edges"):
        return []
    with lake_at(pin) as lake:
        return read_edges(lake)
