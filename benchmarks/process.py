"""Process insight: graphs identical to published figures of real logs, and the graph of 1 M events in a second.

`data` is a folder laid out as the shared one; `eventlogs/` absent gives no golden. Golden figures: pm4py's, as the
shared data's manifest has them. `scale` takes that share of the events.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from aurora.process.graph import Edge, bottlenecks, graph_sql, hours, mine_log
from aurora.process.logs import read_log
from aurora.settings import Settings
from benchmarks.harness import Result, seconds

EVENTS: Final = 1_000_000
CASE_EVENTS: Final = 16
ACTIVITIES: Final = 24
ROUNDS: Final = 5
_GOLDEN: Final = {
    "helpdesk.parquet": (55, "Resolve ticket", "Closed", 4558, 705.0, 0.716),
    "receipt.parquet": (
        99,
        "T05 Print and send confirmation of receipt",
        "T06 Determine necessity of stop advice",
        791,
        73.5,
        0.312,
    ),
}


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Figures of every event log below `data`, the goldens, and the speed."""
    folder = (data or Settings().shared_data_dir) / "eventlogs"
    results = []
    for file in sorted(folder.glob("*.parquet")) + sorted(folder.glob("*.xes")):
        results += _figures(file)
    return [*results, *_speed(max(1_000, round(EVENTS * scale)))]


def _figures(file: Path) -> list[Result]:
    edges = mine_log(read_log(file))
    first = bottlenecks(edges, limit=1)
    name = file.name.replace(".", "_")
    results = [Result(metric=f"{name}.edge_kinds", value=len(edges), unit="count")]
    if first:
        results += [
            Result(metric=f"{name}.first_count", value=first[0].edge.edge_count, unit="count"),
            Result(metric=f"{name}.first_waiting_mean", value=_mean_h(first[0].edge), unit="hours"),
            Result(metric=f"{name}.first_waiting_share", value=first[0].waiting_share, unit="share"),
        ]
    golden = _GOLDEN.get(file.name)
    if golden is not None and first:
        edge = first[0].edge
        found = (
            len(edges), edge.from_activity, edge.to_activity, edge.edge_count, round(_mean_h(edge), 1),
            round(first[0].waiting_share, 3),
        )  # fmt: skip
        wrong = sum(ours != theirs for ours, theirs in zip(found, golden, strict=True))
        results.append(Result(metric=f"{name}.differs_from_golden", value=wrong, unit="count", bar=0.0, op="<="))
    return results


def _mean_h(edge: Edge) -> float:
    return hours(edge.waiting_us) / edge.edge_count


def _speed(count: int) -> list[Result]:
    """The whole of it: events in memory to the graph with waits, percentiles and causes."""
    graph_sql()
    place = np.arange(count)
    draws = np.random.default_rng(7).integers(0, ACTIVITIES, count)
    log = pl.DataFrame(
        {
            "case_id": pl.Series(place % max(1, count // CASE_EVENTS)).cast(pl.String),
            "activity": pl.Series(draws).cast(pl.String),
            "timestamp": pl.Series(1_767_225_600_000_000 + place * 7_000_000).cast(pl.Datetime("us", "UTC")),
        }
    )
    mine_log(log.head(1_000))
    took = statistics.median(seconds(lambda: mine_log(log)) for _ in range(ROUNDS))
    return [
        Result(metric="events", value=count, unit="count"),
        Result(metric="graph_seconds", value=took, unit="s", bar=1.0, op="<="),
    ]
