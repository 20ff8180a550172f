"""What the contracts page wants to know of the lake and of the house."""

from __future__ import annotations

import os

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import INT, TEXT, TIME, Question, ask
from aurora.catalogue.radius import House, read_house
from aurora.packs import list_packs, load_pack
from aurora.settings import load_settings
from contracts import registry
from contracts.evolution import described

NEWEST = Question(
    shape={"contract": TEXT, "newest_at": TIME, "batch_count": INT},
    sql="""
        SELECT contract, max(ingested_at) AS newest_at, count(DISTINCT batch_id) AS batch_count
        FROM raw.ingest_batch GROUP BY contract
    """,
)


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def newest_batches(pin: Pin) -> pl.DataFrame:
    """When rows of each contract last landed, and in how many batches."""
    with lake_at(pin) as lake:
        return ask(lake, pin, NEWEST)


@st.cache_resource(max_entries=2, show_spinner="Reading what depends on the contracts")
def house() -> House:
    """What is made from the contracts: read off the source once a process."""
    folder = load_settings(os.environ).packs_dir
    return read_house([load_pack(folder, name) for name in list_packs(folder)], described(registry.tables()))
