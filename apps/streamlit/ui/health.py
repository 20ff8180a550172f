"""Health in lines: each a judgement with its fact. What counts as good stands here and nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from apps.streamlit.reads.builds import StageRecord
from apps.streamlit.reads.home import HomeFigures
from apps.streamlit.ui.page import Tone
from apps.streamlit.ui.wording import age, day, duration, gulf_time, plural, share

FRESH_DAYS = 1
"""Usage up to yesterday is fresh: exports come nightly."""
_STALE_DAYS = 7
_SNAPSHOT_LOOK_H, _SNAPSHOT_ACT_H = 26, 7 * 24
"""A build that finds nothing new makes no snapshot, so a quiet day is no fault."""
_ERRORS_LOOK, _ERRORS_ACT = 0.02, 0.05
_UNPRICED_LOOK, _UNPRICED_ACT = 0.0, 0.05


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One fact and what it means."""

    tone: Tone
    title: str
    detail: str


def health_lines(figures: HomeFigures, records: list[StageRecord], *, now: dt.datetime) -> Iterator[HealthLine]:
    """Assistants, build, snapshot, freshness, failures, response time, prices, what landed last."""
    yield _assistants(figures.assistants)
    yield _build(records, now)
    yield _snapshot(figures.built_at, now)
    yield _freshness(figures.as_of, now)
    yield _failures(figures)
    yield _speed(figures.assistants)
    yield _prices(figures)
    yield _landing(figures.batches)


def _assistants(assistants: pl.DataFrame) -> HealthLine:
    declared = assistants.drop_nulls("assistant_state")
    if not declared.height:
        return HealthLine("quiet", "Assistants", "None is declared. A pack in packs/ declares them.")
    away = declared.filter(pl.col("assistant_state") != "active")
    unknown = assistants.height - declared.height
    others = f" Usage names {unknown} more that no pack declares." if unknown else ""
    if not away.height:
        return HealthLine("look" if unknown else "good", "Assistants", f"All {declared.height} can take work.{others}")
    named = ", ".join(f"{row['assistant_name']} ({row['assistant_state']})" for row in away.head(3).to_dicts())
    is_down = away.filter(pl.col("assistant_state") == "down").height > 0
    return HealthLine(
        "act" if is_down else "look", "Assistants", f"{away.height} of {declared.height} not: {named}.{others}"
    )


def _build(records: list[StageRecord], now: dt.datetime) -> HealthLine:
    if not records:
        return HealthLine("quiet", "Build", "No stage has reported yet. `aurora build` runs them all.")
    failed = [record.stage.replace("_", " ") for record in records if record.has_failed]
    if failed:
        return HealthLine("act", "Build", f"Failed: {', '.join(failed)}. The table of stages says why.")
    last = records[-1]
    return HealthLine(
        "good",
        "Build",
        f"{plural(len(records), 'stage')} built; last {last.stage.replace('_', ' ')}, {age(last.ended_at, now)}.",
    )


def _snapshot(built_at: dt.datetime, now: dt.datetime) -> HealthLine:
    hours = (now - built_at).total_seconds() / 3600
    tone: Tone = "good" if hours <= _SNAPSHOT_LOOK_H else "look" if hours <= _SNAPSHOT_ACT_H else "act"
    said = "" if tone == "good" else " Is the hourly build running? `aurora status` says."
    return HealthLine(tone, "Figures", f"Computed {age(built_at, now)}, {gulf_time(built_at)}.{said}")


def _freshness(as_of: dt.date | None, now: dt.datetime) -> HealthLine:
    if as_of is None:
        return HealthLine("quiet", "Data", "No AI usage has landed yet.")
    age = (now.date() - as_of).days
    tone: Tone = "good" if age <= FRESH_DAYS else "look" if age <= _STALE_DAYS else "act"
    said = "up to date" if age <= FRESH_DAYS else f"{plural(age, 'day')} old"
    return HealthLine(tone, "Data", f"Usage to {day(as_of)}, {said}.")


def _failures(figures: HomeFigures) -> HealthLine:
    recent = figures.spend.tail(7)
    calls = int(recent["operation_count"].sum())
    if not calls:
        return HealthLine("quiet", "Failures", "No call to judge by.")
    failed = int(recent["error_count"].sum()) / calls
    tone: Tone = "good" if failed <= _ERRORS_LOOK else "look" if failed <= _ERRORS_ACT else "act"
    return HealthLine(tone, "Failures", f"{share(failed)} of {plural(calls, 'call')} in the last 7 days with usage.")


def _speed(assistants: pl.DataFrame) -> HealthLine:
    timed = assistants.drop_nulls("duration_p95_ms_30d").sort("duration_p95_ms_30d", descending=True)
    if not timed.height:
        return HealthLine("quiet", "Response time", "No assistant reports how long its calls take.")
    slowest = timed.row(0, named=True)
    return HealthLine(
        "good" if slowest["duration_p95_ms_30d"] <= 20_000 else "look",
        "Response time",
        f"Slowest: {slowest['assistant_name']}, 95 of 100 calls within {duration(slowest['duration_p95_ms_30d'])}.",
    )


def _prices(figures: HomeFigures) -> HealthLine:
    calls = int(figures.llm_use["operation_count"].sum())
    if not calls:
        return HealthLine("quiet", "Prices", "No call to price.")
    unpriced = int(figures.llm_use["unpriced_count"].sum()) / calls
    tone: Tone = "good" if unpriced <= _UNPRICED_LOOK else "look" if unpriced <= _UNPRICED_ACT else "act"
    said = "Every call has a price." if unpriced == 0 else f"{share(unpriced)} of calls have no price."
    return HealthLine(tone, "Prices", said)


def _landing(batches: pl.DataFrame) -> HealthLine:
    row = batches.row(0, named=True) if batches.height else {}
    if not row.get("batch_count"):
        return HealthLine("quiet", "Landing", "No batch yet. Drop exports into the landing folder.")
    landed = row["good_count"] / row["row_count"] if row["row_count"] else 1.0
    return HealthLine(
        "good" if landed >= 0.99 else "look",
        "Landing",
        f"{plural(row['batch_count'], 'batch', 'batches')}, {share(landed)} of rows landed, "
        f"last {gulf_time(row['last_ingested_at'])}.",
    )
