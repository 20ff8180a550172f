"""Whether what is shown was generated to show the product, so that no page passes it off as the company's own."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import INT, Question, ask

_BATCHES = Question(
    marts=("ingest_batches",),
    shape={"sample_count": INT},
    sql="""
        SELECT count(*) AS sample_count FROM mart.ingest_batches
        WHERE contains(lower(concat_ws(' ', source, file_name)), 'sample') OR starts_with(source, 'twin_')
    """,
)


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def holds_samples(pin: Pin) -> bool:
    """Whether any batch is a sample or the twin's: its source or its file's name says so."""
    with lake_at(pin) as lake:
        return bool(ask(lake, pin, _BATCHES)["sample_count"].sum())
