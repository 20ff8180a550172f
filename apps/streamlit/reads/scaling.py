"""What the scaling page wants to know: the published forecasts and plans, and what of them was carried out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin
from aurora.assistants.commands import list_commands
from aurora.decisions.capacity.book import CapacityBook, Hindsight, Simulation, TargetCapacity, load_book
from aurora.decisions.capacity.plan import DemandForecast, quantile_of
from aurora.decisions.kinds.scale import REPLICAS
from aurora.errors import NotReadyError
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths
from contracts.messages.commands import Command

WAYS = {"plan": "Plan", "autoscaler": "Autoscaler", "fixed": "Fixed fleet"}
_MINUTE = 60
_DEMAND: dict[str, pl.DataType] = {
    "window_at": pl.Datetime("us", "UTC"), "demand": pl.Float64(), "median": pl.Float64(), "low": pl.Float64(),
    "high": pl.Float64(),
}  # fmt: skip


def capacity_book(pin: Pin) -> CapacityBook | None:
    """What is published; None before the first forecast."""
    file = pin.paths.serving / "capacity.json"
    return _book(pin, file.stat().st_mtime_ns) if file.is_file() else None


@st.cache_data(max_entries=8, show_spinner=False)
def _book(pin: Pin, version: int) -> CapacityBook | None:
    del version  # part of the cache's key
    try:
        return load_book(pin.paths)
    except NotReadyError:
        return None


def demand_frame(past: Hindsight, forecast: DemandForecast | None) -> pl.DataFrame:
    """Requests a minute by window: what came, and what was forecast for it an hour before; the next hour last."""
    rows = [
        _row(at, demand, median, low, high)
        for at, demand, median, low, high in zip(
            _times(past.starts_at, past.window_s, len(past.demand)),
            past.demand, past.median, past.low, past.high, strict=True,
        )
    ]  # fmt: skip
    if forecast is not None:
        for at, row in zip(
            _times(forecast.made_at, forecast.window_s, len(forecast.values)), forecast.values, strict=True
        ):
            low, middle, high = (quantile_of(forecast.levels, row, level) for level in (0.05, 0.5, 0.95))
            rows.append(_row(at, None, middle, low, high))
    return pl.DataFrame(rows, schema=_DEMAND)


def _row(
    at: dt.datetime, demand: float | None, median: float | None, low: float | None, high: float | None
) -> dict[str, object]:
    values = {"demand": demand, "median": median, "low": low, "high": high}
    return {"window_at": at, **{name: None if one is None else one * _MINUTE for name, one in values.items()}}


def replica_frame(played: Simulation) -> pl.DataFrame:
    """Replicas by window and way to plan; where a figure stays the same, only its first and last window."""
    frames = []
    for name, words in WAYS.items():
        replicas = getattr(played, name).replicas
        frame = pl.DataFrame(
            {"window_at": _times(played.starts_at, played.window_s, len(replicas)), "replicas": replicas},
            schema={"window_at": pl.Datetime("us", "UTC"), "replicas": pl.Int64},
        )
        changed = (pl.col("replicas") != pl.col("replicas").shift(1)).fill_null(value=True)
        last = pl.int_range(pl.len()) == pl.len() - 1
        frames.append(frame.filter(changed | last).with_columns(way=pl.lit(words)))
    return pl.concat(frames)


def way_frame(played: Simulation) -> pl.DataFrame:
    """Figures of each way to plan."""
    return pl.DataFrame(
        [
            {
                "way": words,
                "replica_hours": one.replica_hours,
                "violation_share": one.violation_share,
                "unserved_share": one.unserved_share,
                "change_count": one.change_count,
                "replicas_max": one.replicas_max,
            }
            for name, words in WAYS.items()
            for one in (getattr(played, name),)
        ]
    )


def evidence_frame(targets: Sequence[TargetCapacity]) -> pl.DataFrame:
    """The gate's verdict on each target."""
    return pl.DataFrame(
        [
            {
                "target": one.target_id,
                "plans_by": "Forecast" if one.evidence.is_promoted else "Autoscaler",
                "replica_hours": one.evidence.replica_hours,
                "autoscaler_replica_hours": one.evidence.autoscaler_replica_hours,
                "violation_share": one.evidence.violation_share,
                "autoscaler_violation_share": one.evidence.autoscaler_violation_share,
                "why": one.evidence.reason,
            }
            for one in targets
            if one.evidence is not None
        ]
    )


_LOOKED_AT = 200
_ACTS: dict[str, pl.DataType] = {
    "issued_at": pl.Datetime("us", "UTC"), "what": pl.String(), "command_state": pl.String(), "carried_out_by": pl.String(),
    "asked_by": pl.String(), "why_not": pl.String(), "decision_id": pl.String(),
}  # fmt: skip


def acts_frame(paths: TenantPaths, target_id: str) -> pl.DataFrame:
    """Commands to a target that acting decisions sent: replicas, work taken from it, work given to it; newest first."""
    try:
        with StateReader(paths) as state:
            page = list_commands(state, assistant_id=target_id, command_state=None, cursor=None, limit=_LOOKED_AT)
    except NotReadyError:
        return pl.DataFrame([], schema=_ACTS)
    acted = [(one, words) for one in page.commands if one.decision_id and (words := _act_words(one))]
    return pl.DataFrame([_act(one, words) for one, words in acted], schema=_ACTS)


def _act(one: Command, words: str) -> dict[str, object]:
    is_simulated = bool((one.result or {}).get("is_simulated"))
    return {
        "issued_at": one.issued_at,
        "what": words,
        "command_state": one.command_state,
        "carried_out_by": f"{one.assistant_id} (simulated)" if is_simulated else one.assistant_id,
        "asked_by": one.actor_id,
        "why_not": one.error if one.command_state in {"failed", "refused", "expired"} else None,
        "decision_id": one.decision_id,
    }


def _act_words(one: Command) -> str:
    match one.command_kind:
        case "tune" if one.arguments.get("parameter") == REPLICAS:
            before = "" if one.previous_value is None else f" from {one.previous_value:g}"
            return f"Replicas{before} to {one.arguments.get('value')}"
        case "cancel_task":
            return f"Gave up task {one.task_id}"
        case "run_task":
            return f"Took over task {one.task_id}"
        case _:
            return ""


def _times(starts_at: dt.datetime, window_s: int, count: int) -> list[dt.datetime]:
    return [starts_at + dt.timedelta(seconds=window_s * number) for number in range(count)]
