"""The calls of language models that the tasks cost: tokens, times, errors and their retries, and money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from aurora.gateway.prices import default_book
from twin.fleet.calendar import DAY_US, start_us
from twin.fleet.llms import REGIONAL, Roster
from twin.fleet.skill import Skills
from twin.fleet.systems import BARE, OWN
from twin.fleet.tasks import Done
from twin.frame import USAGE_ROWS, Frame
from twin.ids import hex_texts, mixed, of_list, times

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SPARE: Final = 1.01
_FEWEST: Final = 2
_EMBEDS_SHARE: Final = 0.5
_CACHED_SHARE: Final = 0.35
_FALLBACK_SHARE: Final = 0.5
_ERRORS: Final = ("timeout", "rate_limit_exceeded", "server_error")
_DEGRADED_ERRORS: Final = 4.0
_STEP_SHARE: Final = 0.3
"""A step on the way to the answer says so much of what the answer says."""
PRICED_BY: Final = (
    "provider_name", "request_model", "response_model", "occurred_date", "operation_name", "input_tokens",
    "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "request_count", "reported_cost_usd",
)  # fmt: skip
"""What the price book wants to know of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Rows of the contract `usage`, and the place of each row's task."""

    rows: pl.DataFrame
    """With `cost_usd` as ingest will find it, and `span_id`, a short id of each."""
    task: Ints
    trace_ids: pl.Series
    """By task: the trace that its calls belong to."""


def calls(frame: Frame, skills: Skills, roster: Roster, done: Done, system: Ints) -> Calls:
    """All calls of all tasks that were begun, a task's together and in the order of time; `system` recorded them."""
    draw = frame.draws("calls")
    counts = _counts(frame, draw, done)
    task = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(task)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_last = place == counts[task] - 1
    is_own = (system == OWN)[task]
    llm, is_error = _answered_by(draw, roster, done, task, place, is_last, system[task])
    inputs, outputs = _tokens(draw, roster, llm, is_last)
    at, duration = _when(draw, roster, done, task, place, counts, llm, outputs)
    is_inside = at + duration * 1000 <= start_us(frame) + frame.days * DAY_US
    trace = mixed(np.arange(len(counts)), salt=f"trace {frame.seed}"), mixed(np.arange(len(counts)), salt="span")
    trace_ids = hex_texts(*trace)
    span = hex_texts(mixed(np.arange(len(task)), salt=f"span {frame.seed}"))
    rows = pl.DataFrame(
        {
            "span_id": span,
            "occurred_at": times(at),
            "operation_name": of_list([one.operation_name for one in roster.llms], llm),
            "provider_name": of_list([one.provider_name for one in roster.llms], llm),
            "request_model": of_list([one.llm for one in roster.llms], llm),
            "assistant_id": of_list([one.assistant_id for one in skills.assistants], done.assistant[task]),
            "trace_id": trace_ids.gather(pl.Series(task.astype(np.uint32))),
            **_token_columns(draw, roster, llm, (place > 0) & is_own, inputs, outputs, is_error),
            "duration_ms": duration,
            "time_to_first_chunk_ms": np.maximum((duration * draw.uniform(0.12, 0.5, len(task))).astype(np.int64), 1),
            "is_error": is_error,
            "error_type": of_list(list(_ERRORS), draw.integers(0, len(_ERRORS), len(task))),
        }
    )
    speaks = pl.col("operation_name") != "embeddings"
    rows = rows.with_columns(
        pl.when("is_error").then("error_type").alias("error_type"),
        pl.when(speaks & ~pl.col("is_error")).then("time_to_first_chunk_ms").alias("time_to_first_chunk_ms"),
        pl.format("twin-{}", "span_id").alias("usage_id"),
    )
    rows, task = rows.filter(pl.Series(is_inside)), task[is_inside]
    return Calls(rows=_priced(rows, roster), task=task, trace_ids=trace_ids)


def _counts(frame: Frame, draw: np.random.Generator, done: Done) -> Ints:
    """Calls by task; together at least as many as the frame wants."""
    wanted = round(frame.count(USAGE_ROWS) * _SPARE)
    is_begun = done.is_begun
    mean = max(0.5, wanted / max(1, is_begun.sum()) - _FEWEST)
    counts = _FEWEST + draw.poisson(draw.gamma(2.2, mean / 2.2, len(is_begun)))
    counts = np.where(is_begun, np.minimum(counts, 80), 0).astype(np.int64)
    lacking = wanted - int(counts.sum())
    if lacking > 0:
        counts[np.nonzero(is_begun)[0][:lacking]] += 1
    return counts


def _answered_by(
    draw: np.random.Generator, roster: Roster, done: Done, task: Ints, place: Ints, is_last: Bools, system: Ints
) -> tuple[Ints, Bools]:
    """Language model and failure of each call; after a failure it is tried again, half of the time with another."""
    llm = done.llm[task]
    embeds = (place == 0) & ~is_last & (system != BARE) & (draw.random(len(task)) < _EMBEDS_SHARE)
    llm = np.where(embeds, roster.embedder, llm)
    shares = np.array([one.error_share for one in roster.llms])[llm]
    shares = shares * np.where(done.is_degraded[task], _DEGRADED_ERRORS, 1.0)
    is_error = (draw.random(len(task)) < shares) & ~is_last & (system != BARE)
    retried = np.concatenate([[False], is_error[:-1]]) & (place > 0)
    other = np.argsort(-roster.habits, axis=1)[done.assistant[task], 1]
    swapped = retried & (system == OWN) & (draw.random(len(task)) < _FALLBACK_SHARE)
    return np.where(swapped, other, llm), is_error


def _tokens(draw: np.random.Generator, roster: Roster, llm: Ints, is_last: Bools) -> tuple[Ints, Ints]:
    usual_in = np.array([one.input_tokens for one in roster.llms])[llm]
    usual_out = np.array([one.output_tokens for one in roster.llms])[llm] * np.where(is_last, 1.0, _STEP_SHARE)
    inputs = np.maximum(usual_in * draw.lognormal(-0.15, 0.55, len(llm)), 1)
    outputs = np.where(usual_out > 0, np.maximum(usual_out * draw.lognormal(-0.1, 0.5, len(llm)), 1), 0)
    return inputs.astype(np.int64), outputs.astype(np.int64)


def _when(
    draw: np.random.Generator,
    roster: Roster,
    done: Done,
    task: Ints,
    place: Ints,
    counts: Ints,
    llm: Ints,
    outputs: Ints,
) -> tuple[Ints, Ints]:
    """Begin (microseconds) and length (ms) of each call: inside its task's time, one after another or side by side."""
    usual = np.array([one.duration_ms for one in roster.llms])[llm]
    typical = np.maximum(np.array([one.output_tokens for one in roster.llms])[llm], 1)
    ms = usual * (0.1 + 0.9 * outputs / typical) * draw.lognormal(0, 0.3, len(llm))
    window = np.maximum((done.ended_us - done.started_us)[task] // 1000, 1)
    ms = np.maximum(np.minimum(ms, window * 0.95), 1).astype(np.int64)
    share = (place + draw.random(len(llm))) / counts[task]
    return done.started_us[task] + ((window - ms) * share).astype(np.int64) * 1000, ms


def _token_columns(
    draw: np.random.Generator, roster: Roster, llm: Ints, may_cache: Bools, inputs: Ints, outputs: Ints, is_error: Bools
) -> dict[str, pl.Series]:
    """The contract's counts; a failed call has none."""
    speaks = np.array([one.operation_name != "embeddings" for one in roster.llms])[llm]
    writes = np.array([one.provider_name == "anthropic" for one in roster.llms])[llm]
    is_cached = speaks & may_cache & (draw.random(len(llm)) < _CACHED_SHARE)
    read = np.where(is_cached, inputs // 2, 0)
    created = np.where(writes & may_cache & ~is_cached & (draw.random(len(llm)) < _CACHED_SHARE), inputs // 3, 0)
    counted = {
        "input_tokens": inputs,
        "output_tokens": outputs,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": created,
    }
    known = pl.Series(~is_error)
    none = pl.lit(None, dtype=pl.Int64)
    return {
        name: pl.select(pl.when(known).then(pl.Series(values)).otherwise(none)).to_series()
        for name, values in counted.items()
    }


def _priced(rows: pl.DataFrame, roster: Roster) -> pl.DataFrame:
    """With the announced price of the day as the cost that was logged, and with the cost that ingest will find."""
    days = roster.prices.with_columns(pl.col("valid_from").cast(pl.Datetime("us", "UTC"))).sort("valid_from")
    regional = rows.select(
        "occurred_at", "provider_name", "request_model", "input_tokens", "output_tokens"
    ).with_row_index()
    regional = regional.filter(pl.col("provider_name") == REGIONAL, pl.col("input_tokens").is_not_null())
    regional = regional.sort("occurred_at", maintain_order=True).join_asof(
        days.drop("provider_name"),
        left_on="occurred_at",
        right_on="valid_from",
        by="request_model",
        check_sortedness=False,
    )
    nano = (
        pl.col("input_tokens") * (pl.col("input_usd_per_mtok") * 1e4).round().cast(pl.Int64)
        + pl.col("output_tokens") * (pl.col("output_usd_per_mtok") * 1e4).round().cast(pl.Int64)
    ) // 10
    logged = regional.select(
        "index",
        (nano.cast(pl.Decimal(38, 0)) * pl.lit("0.000000001").cast(pl.Decimal(18, 9)))
        .cast(pl.Decimal(18, 9))
        .alias("reported_cost_usd"),
    )
    rows = rows.with_row_index().join(logged, on="index", how="left", maintain_order="left").drop("index")
    asked = rows.with_columns(
        pl.lit(None, dtype=pl.String).alias("response_model"),
        pl.col("occurred_at").dt.date().alias("occurred_date"),
        pl.lit(1, dtype=pl.Int64).alias("request_count"),
    ).select(PRICED_BY)
    return rows.with_columns(default_book().price(asked)["cost_usd"])
