"""The pack's benchmarks beside what the fleet does: ours, theirs, and where theirs come from."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import streamlit as st

from apps.streamlit.reads.fleet import fleet_pack
from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.performance import PerformanceFigures
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import code_words, precise

_OURS: dict[str, Callable[[PerformanceFigures], float | None]] = {
    "cross_assistant_success_share": lambda figures: figures.cross_assistant_success,
    "ecosystem_uptime_share": lambda figures: figures.mean("kpi_ecosystem_uptime"),
    "handoff_latency_ms": lambda figures: figures.mean("kpi_cross_assistant_latency_p95"),
    "handoff_error_share": lambda figures: figures.mean("kpi_handoff_error_rate"),
    "ai_response_s": lambda figures: _seconds(figures.mean("kpi_ai_operation_response_p95")),
}
"""What of a benchmark is measured here; the others wait for the marts of their own area."""
_BASIS = {"published": "Published", "plan": "Target of the plan", "assumption": "Working assumption"}


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / 1000


def _named(key: str) -> str:
    words = code_words(key.removesuffix("_share").removesuffix("_ms").removesuffix("_s"))
    return f"{words[0].upper()}{words[1:]}".replace("Ai ", "AI ")


def benchmark_rows(figures: PerformanceFigures) -> pl.DataFrame:
    """A row a benchmark, those that are measured here first."""
    rows = []
    for name, benchmark in fleet_pack().benchmarks.items():
        ours = _OURS[name](figures) if name in _OURS else None
        is_met = None if ours is None else (
            ours >= benchmark.value if benchmark.better == "higher" else ours <= benchmark.value
        )  # fmt: skip
        rows.append({
            "benchmark": _named(name),
            "ours": precise(ours, benchmark.unit),
            "theirs": precise(benchmark.value, benchmark.unit),
            "verdict": "– Not measured" if is_met is None else "✓ Reached" if is_met else "✗ Not reached",
            "better": f"{benchmark.better.capitalize()} is better",
            "meaning": benchmark.meaning,
            "basis": _BASIS[benchmark.basis],
            "source": benchmark.source,
        })  # fmt: skip
    return (
        pl.DataFrame(rows).sort(pl.col("verdict") == "– Not measured", maintain_order=True) if rows else pl.DataFrame()
    )


def show_benchmarks(pin: Pin, figures: PerformanceFigures) -> None:
    """The table of them, of the whole fleet in the period."""
    show_table(
        benchmark_rows(figures),
        title="Benchmarks",
        pin=pin,
        empty=f"The pack {fleet_pack().name} names no benchmark: add them to its pack.yaml.",
        columns={name: st.column_config.TextColumn(name.capitalize(), width=120) for name in ("ours", "theirs")},
        note="Of the whole fleet in the period. What is a plan's target or a working assumption says so.",
    )
