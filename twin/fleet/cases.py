"""What happened in the runs of workflows that tasks belong to, and who handed work to whom.

The cases themselves are the brokerage's: it knows when a journey is over.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from twin.fleet.queueing import GAVE_UP
from twin.fleet.skill import Skills
from twin.fleet.tasks import CANCELED, COMPLETED, STATES, WORKING, Done
from twin.frame import Frame
from twin.ids import of_list, times

_TRY_SHARE = 0.03
"""Of the work that moves without an edge: handed over all the same, and refused."""
_LOST_SHARE = 0.005
"""Of the handoffs over an edge: never taken on, since the message was lost or came too late."""
_ACCEPT_P50_MS, _ACCEPT_SPREAD = 45.0, 0.75
"""Time until the other assistant says that it takes the work on: lognormal, 95 % within some 155 ms."""


def steps(skills: Skills, done: Done) -> pl.DataFrame:
    """One row a task of a case, by case and time; the source of the tables below."""
    ids = [one.assistant_id for one in skills.assistants]
    return (
        pl.DataFrame(
            {
                "case_id": done.asked["case_id"],
                "task_id": done.task_ids,
                "task_type": done.asked["task_type"],
                "subject_id": done.asked["subject_id"],
                "priority": done.asked["priority"],
                "assistant_id": of_list(ids, done.assistant),
                "task_state": of_list(list(STATES), done.state),
                "is_over": done.state <= CANCELED,
                "is_failed": (done.state > COMPLETED) & (done.state < WORKING),
                "is_begun": done.is_begun & (done.started_us != GAVE_UP),
                "is_moved": done.assistant != done.first,
                "is_interrupted": done.is_interrupted,
                "requested_at": done.asked["requested_at"],
                "started_at": times(np.maximum(done.started_us, 0)),
                "ended_at": times(done.ended_us),
            }
        )
        .filter(pl.col("case_id").is_not_null())
        .with_columns(pl.when("is_begun").then("started_at").alias("started_at"))
        .sort("case_id", "requested_at", "task_id")
    )


def event_rows(found: pl.DataFrame) -> pl.DataFrame:
    """Rows of the contract `case_event`: a task asked for, and how it ended."""
    asked = found.select(
        pl.format("{}-asked", "task_id").alias("case_event_id"),
        "case_id",
        pl.format("{}_asked", "task_type").alias("activity"),
        pl.lit(None, dtype=pl.String).alias("assistant_id"),
        "task_id",
        pl.col("requested_at").alias("occurred_at"),
        pl.lit(None, dtype=pl.Int64).alias("duration_ms"),
        pl.lit(1, dtype=pl.Int64).alias("attempt_count"),
        pl.lit(value=False).alias("is_error"),
        pl.lit(None, dtype=pl.String).alias("error_type"),
    )
    error = pl.when("is_interrupted").then(pl.lit("assistant_down")).when("is_failed").then(pl.lit("task_failed"))
    ended = found.filter("is_over").select(
        pl.format("{}-ended", "task_id").alias("case_event_id"),
        "case_id",
        pl.format("{}_{}", "task_type", "task_state").alias("activity"),
        "assistant_id",
        "task_id",
        pl.col("ended_at").alias("occurred_at"),
        (pl.col("ended_at") - pl.col("requested_at")).dt.total_milliseconds().alias("duration_ms"),
        (1 + pl.col("is_moved").cast(pl.Int64)).alias("attempt_count"),
        pl.col("is_failed").alias("is_error"),
        error.alias("error_type"),
    )
    return (
        pl.concat([asked, ended])
        .sort("case_id", "occurred_at", "case_event_id")
        .with_columns(pl.lit(value=True).alias("is_sample"))
    )


def handoff_rows(frame: Frame, found: pl.DataFrame) -> pl.DataFrame:
    """Rows of the contract `handoff`: work of a case that went from one assistant to another.

    Where no edge lets the two hand over, Aurora gives the task itself; a few try all the same and are refused.
    """
    before = pl.col("assistant_id").shift(1).over("case_id")
    moved = found.with_columns(before.alias("from_assistant_id")).filter(
        pl.col("from_assistant_id").is_not_null(), pl.col("from_assistant_id") != pl.col("assistant_id")
    )
    edges = pl.Series([f"{one}>{other}" for one, other in sorted(frame.edges)], dtype=pl.String)
    edge = pl.format("{}>{}", "from_assistant_id", "assistant_id").is_in(edges.implode()) | pl.lit(not frame.edges)
    draws = frame.draws("handoffs")
    tries = pl.Series(draws.random(moved.height) < _TRY_SHARE)
    moved = moved.with_columns(
        edge.alias("is_edge"),
        pl.Series("is_lost", draws.random(moved.height) < _LOST_SHARE),
        pl.Series("accept_us", 1000 * _ACCEPT_P50_MS * draws.lognormal(0.0, _ACCEPT_SPREAD, moved.height)).cast(
            pl.Int64
        ),
    ).filter(pl.col("is_edge") | tries)
    is_taken = pl.col("is_edge") & ~pl.col("is_lost")
    accepted = pl.col("requested_at") + pl.duration(microseconds="accept_us")
    is_known = accepted < pl.lit(frame.until)
    moved = moved.with_columns(
        pl.when(is_taken & is_known).then(accepted).alias("accepted_at"),
        pl.when(is_taken & is_known & pl.col("is_over"))
        .then(pl.max_horizontal("ended_at", accepted))
        .alias("completed_at"),
    )
    state = (
        pl.when(~pl.col("is_edge")).then(pl.lit("refused"))
        .when("is_lost").then(pl.lit("failed"))
        .when(pl.col("completed_at").is_not_null()).then(pl.lit("completed"))
        .when(pl.col("accepted_at").is_not_null()).then(pl.lit("accepted")).otherwise(pl.lit("offered"))
    )  # fmt: skip
    return moved.select(
        pl.format("handoff-{}", "task_id").alias("handoff_id"),
        "from_assistant_id",
        pl.col("assistant_id").alias("to_assistant_id"),
        state.alias("handoff_state"),
        "case_id",
        "task_id",
        pl.lit("task").alias("contract"),
        pl.when(pl.lit(bool(frame.edges))).then("is_edge").alias("is_edge_allowed"),
        pl.lit(value=True).alias("is_contract_valid"),
        pl.when(~pl.col("is_edge")).then(pl.lit("no_edge")).when("is_lost").then(pl.lit("timeout")).alias("error_type"),
        "requested_at",
        "accepted_at",
        "completed_at",
        (pl.col("completed_at") - pl.col("requested_at")).dt.total_milliseconds().alias("duration_ms"),
        pl.coalesce("completed_at", "accepted_at", "requested_at").alias("updated_at"),
        pl.lit(value=True).alias("is_sample"),
    )
