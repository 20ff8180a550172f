"""What the quality page wants to know: sources and their health, days, reasons, refused rows and their life."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import DATE, INT, REAL, TEXT, TIME, Question, ask
from aurora.ingest.freshness import SourceHealth, source_health
from aurora.ingest.quarantine import checks_of, find_rows, history_of, state_counts
from aurora.ingest.quarantine import refused_rows as read_refused

SHOWN_ROWS = 200
TREND_DAYS = 30

DAYS = Question(
    marts=("source_quality_daily",),
    shape={
        "period_date": DATE, "source": TEXT, "contract": TEXT, "row_count": INT, "good_count": INT, "bad_count": INT,
        "duplicate_count": INT, "late_count": INT, "unpriced_count": INT, "repaired_count": INT, "discarded_count": INT,
        "open_count": INT, "bad_share": REAL, "first_event_at": TIME, "last_event_at": TIME, "last_ingested_at": TIME,
    },
    sql="SELECT * FROM mart.source_quality_daily ORDER BY period_date DESC, source, contract LIMIT 5000",
)  # fmt: skip
REASONS = Question(
    marts=("quarantine_reasons", "source_quality_daily"),
    shape={"source": TEXT, "contract": TEXT, "rule": TEXT, "column_name": TEXT, "open_count": INT, "row_count": INT},
    sql="""
        SELECT source, contract, rule, column_name, sum(open_count) AS open_count, sum(row_count) AS row_count
        FROM mart.quarantine_reasons GROUP BY source, contract, rule, column_name
        ORDER BY open_count DESC, row_count DESC, source, contract, rule LIMIT 500
    """,
)
EVENTS = Question(
    shape={"source": TEXT, "contract": TEXT, "event_date": DATE, "row_count": INT},
    sql="""
        SELECT source, contract, coalesce(event_date, CAST(ingested_at AS DATE)) AS event_date,
            sum(good_count) AS row_count
        FROM raw.batch_day GROUP BY ALL HAVING event_date >= $since ORDER BY ALL
    """,
)


@dataclass(frozen=True, slots=True)
class RefusedDetail:
    """One refused row: what is known of it, every check it failed, what was done to it."""

    row: dict[str, Any]
    checks: list[dict[str, Any]]
    history: pl.DataFrame


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def health(pin: Pin, minute: dt.datetime) -> list[SourceHealth]:
    """Each source and contract, judged at that minute."""
    with lake_at(pin) as lake:
        return source_health(lake, minute)


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading the lake")
def quality_days(pin: Pin) -> pl.DataFrame:
    """What came by day of ingest, source and contract, the newest first."""
    with lake_at(pin) as lake:
        return ask(lake, pin, DAYS)


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def trends(pin: Pin, until: dt.date) -> pl.DataFrame:
    """Rows of each of the last days that rows are about, by source and contract: a list a row, oldest first."""
    since = until - dt.timedelta(days=TREND_DAYS - 1)
    with lake_at(pin) as lake:
        found = ask(lake, pin, EVENTS, {"since": since})
    days = pl.DataFrame({"event_date": [since + dt.timedelta(days=number) for number in range(TREND_DAYS)]})
    every = found.select("source", "contract").unique().join(days, how="cross")
    filled = every.join(found, on=["source", "contract", "event_date"], how="left").sort("event_date")
    return filled.group_by("source", "contract").agg(pl.col("row_count").fill_null(0).alias("trend"))


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def reasons(pin: Pin) -> pl.DataFrame:
    """Why rows were refused, those that most rows still wait for first."""
    with lake_at(pin) as lake:
        return ask(lake, pin, REASONS)


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def states(pin: Pin) -> dict[str, int]:
    """How many refused rows are in each state."""
    with lake_at(pin) as lake:
        return state_counts(lake)


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the lake")
def refused(
    pin: Pin, *, state: str | None, source: str | None, rule: str | None, limit: int = SHOWN_ROWS
) -> pl.DataFrame:
    """Refused rows, each once, the newest first, without what they hold."""
    with lake_at(pin) as lake:
        found = read_refused(lake, state=state, source=source, rule=rule, limit=limit)
    return found.select(
        "quarantine_id", "state", "source", "contract", "file_name", "row_number", "column_name", "rule", "reason",
        "refused_at", "check_count", "act_count", "batch_id",
    )  # fmt: skip


@st.cache_data(ttl=600, max_entries=32, show_spinner=False)
def refused_detail(pin: Pin, quarantine_id: str) -> RefusedDetail:
    """One refused row. `NotFoundError` when there is none."""
    with lake_at(pin) as lake:
        row = find_rows(lake, [quarantine_id])[quarantine_id]
        history = history_of(lake, row)
        checks = checks_of(lake, row)
    shape = {
        "resolved_at": TIME, "repair_act": TEXT, "repair_state": TEXT, "actor_id": TEXT, "note": TEXT, "reason": TEXT,
    }  # fmt: skip
    told = pl.DataFrame([{name: one[name] for name in shape} for one in history], schema=shape)
    return RefusedDetail({name: value for name, value in asdict(row).items() if name != "raw_row"}, checks, told)


def forget_refused() -> None:
    """Have everything read anew: something was done to a refused row."""
    for read in (reasons, states, refused, refused_detail, quality_days):
        read.clear()
