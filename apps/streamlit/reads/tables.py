"""What the data page wants to know: tables with their rows, batches, quarantine, snapshots."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import INT, TEXT, TIME, Question, ask
from aurora.store.paths import Layer
from contracts.fields import FIELDS

PAGE_ROWS = 50
"""Rows of a table shown at a time."""

BATCHES = Question(
    marts=("ingest_batches",),
    shape={
        "batch_seq": INT, "ingested_at": TIME, "source": TEXT, "contract": TEXT, "source_format": TEXT,
        "file_name": TEXT, "row_count": INT, "good_count": INT, "quarantined_count": INT, "duplicate_count": INT,
        "unpriced_count": INT, "batch_id": TEXT,
    },
    sql="SELECT * FROM mart.ingest_batches ORDER BY batch_seq DESC LIMIT 1000",
)  # fmt: skip
REASONS = Question(
    marts=("quarantine_reasons",),
    shape={"source": TEXT, "contract": TEXT, "rule": TEXT, "column_name": TEXT, "row_count": INT},
    sql="""
        SELECT source, contract, rule, column_name, sum(row_count) AS row_count
        FROM mart.quarantine_reasons GROUP BY source, contract, rule, column_name
        ORDER BY row_count DESC LIMIT 500
    """,
)
_SNAPSHOT_SHAPE = {"snapshot_id": INT, "snapshot_time": TIME, "author": TEXT, "message": TEXT, "schema_version": INT}
_REFUSED_SHAPE = {
    "ingested_at": TIME, "source": TEXT, "file_name": TEXT, "row_number": INT, "contract": TEXT, "column_name": TEXT,
    "rule": TEXT, "reason": TEXT, "raw_row": TEXT, "batch_id": TEXT,
}  # fmt: skip


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading the lake")
def table_list(pin: Pin) -> pl.DataFrame:
    """Every table of both lakes with its rows: layer, table_name, row_count."""
    with lake_at(pin) as lake:
        names: list[tuple[Layer, str]] = [
            (layer, name) for layer in _LAYERS for name in lake.table_names(layer)
        ]  # fmt: skip
        if not names:
            return pl.DataFrame(schema={"layer": TEXT, "table_name": TEXT, "row_count": INT})
        counts = " UNION ALL ".join(
            f"SELECT '{layer}' AS layer, '{name}' AS table_name, count(*) AS row_count FROM {layer}.{_quoted(name)}"
            for layer, name in names
        )
        return lake.query(counts).sort("layer", "table_name")


_LAYERS: tuple[Layer, ...] = ("mart", "raw")


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the lake")
def table_page(pin: Pin, layer: Layer, table_name: str, page: int, *, are_personal_shown: bool) -> pl.DataFrame:
    """One page of a table's rows, from page 1; personal and sensitive columns are covered unless asked for."""
    with lake_at(pin) as lake:
        if table_name not in lake.table_names(layer):
            return pl.DataFrame()
        rows = lake.query(
            f"SELECT * FROM {layer}.{_quoted(table_name)} LIMIT {PAGE_ROWS} OFFSET {PAGE_ROWS * (page - 1)}"
        )
    return rows if are_personal_shown else covered(rows)


def covered(rows: pl.DataFrame, *, leave: tuple[str, ...] = ()) -> pl.DataFrame:
    """Rows with the values of personal and sensitive columns covered, nulls left as they are."""
    private = [
        name
        for name in rows.columns
        if name in FIELDS and FIELDS[name].privacy in ("personal", "sensitive") and name not in leave
    ]
    return rows.with_columns(
        pl.when(pl.col(name).is_not_null()).then(pl.lit("•••")).otherwise(None).alias(name) for name in private
    )


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def batches(pin: Pin) -> pl.DataFrame:
    """The newest batches of the ledger."""
    with lake_at(pin) as lake:
        return ask(lake, pin, BATCHES)


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def refusal_reasons(pin: Pin) -> pl.DataFrame:
    """Refused rows by source, contract, rule and column."""
    with lake_at(pin) as lake:
        return ask(lake, pin, REASONS)


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the lake")
def refused_rows(
    pin: Pin,
    rule: str | None,
    page: int,
    *,
    are_personal_shown: bool,
    are_reasons_shown: bool,
    limit: int = PAGE_ROWS,
) -> pl.DataFrame:
    """One page of quarantined rows with reason and place, newest first; all rules when `rule` is None."""
    question = Question(
        shape=_REFUSED_SHAPE,
        sql=f"""
            SELECT * FROM raw.quarantine WHERE $rule = '' OR rule = $rule
            ORDER BY ingested_at DESC, file_name, row_number LIMIT {limit} OFFSET {limit * (page - 1)}
        """,
    )
    with lake_at(pin) as lake:
        rows = ask(lake, pin, question, {"rule": rule or ""})
    # A reason may quote the one value that is wrong. Who repairs needs it; the row itself stays covered.
    return rows if are_personal_shown else covered(rows, leave=("reason",) if are_reasons_shown else ())


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def refused_count(pin: Pin, rule: str | None) -> int:
    """Quarantined rows of one rule, or all of them."""
    with lake_at(pin) as lake:
        counted = lake.query(
            "SELECT count(*) AS row_count FROM raw.quarantine WHERE $rule = '' OR rule = $rule", {"rule": rule or ""}
        )
    return int(counted["row_count"][0])


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def snapshots(pin: Pin, layer: Layer) -> pl.DataFrame:
    """The newest snapshots of one lake: when, by whom, what for."""
    question = Question(
        shape=_SNAPSHOT_SHAPE,
        sql=f"SELECT *, commit_message AS message FROM {layer}.snapshots() ORDER BY snapshot_id DESC LIMIT 500",
    )
    with lake_at(pin) as lake:
        return ask(lake, pin, question)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
