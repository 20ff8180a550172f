"""A tenant's own demand: requests a second, by assistant and by language model, from its usage.

A window in which an assistant was down, or in which no source told of anything although some always do, was not
observed: it is missing, not zero.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from aurora.decisions.capacity.book import TargetKind
from aurora.decisions.capacity.demand import WINDOW_S, WINDOWS_A_DAY, DemandSeries, mark_outages

if TYPE_CHECKING:
    from aurora.store.lake import LakeReader

DAYS = 28
TARGETS = 12
"""Of each kind at most, the busiest."""
STATES = "assistant_states"

_DEMAND = f"""
    WITH bounds AS (
        SELECT max(occurred_at) AS last_at FROM raw.usage WHERE occurred_at <= $now
    ), counted AS (
        SELECT CAST(floor(epoch(occurred_at) / {WINDOW_S}) AS BIGINT) AS window_number, assistant_id,
               coalesce(response_model, request_model) AS llm, sum(request_count) AS request_count
        FROM raw.usage, bounds
        WHERE occurred_at <= $now AND occurred_at > last_at - INTERVAL {DAYS} DAY
          AND occurred_date >= CAST(last_at AS DATE) - {DAYS + 1}
        GROUP BY 1, 2, 3
    )
    SELECT window_number, 'assistant' AS kind, assistant_id AS target_id, sum(request_count) AS request_count
    FROM counted WHERE assistant_id IS NOT NULL GROUP BY 1, 3
    UNION ALL
    SELECT window_number, 'llm', llm, sum(request_count) FROM counted WHERE llm IS NOT NULL GROUP BY 1, 3
    ORDER BY 2, 3, 1
"""
_DOWN = f"""
    SELECT assistant_id, CAST(epoch(started_at) AS BIGINT) AS from_s, CAST(epoch(last_report_at) AS BIGINT) AS to_s
    FROM mart.{STATES} WHERE assistant_state IN ('down', 'disabled') AND last_report_at > started_at
    ORDER BY assistant_id, started_at
"""


@dataclass(frozen=True, slots=True)
class TenantDemand:
    """Series of all targets over the same windows; empty for a tenant without usage."""

    series: tuple[DemandSeries, ...]
    kinds: dict[str, TargetKind]

    @property
    def ends_at(self) -> dt.datetime | None:
        """End of the last window."""
        return self.series[0].ends_at if self.series else None


def read_demand(lake: LakeReader, *, now: dt.datetime) -> TenantDemand:
    """Demand of the last DAYS days of data, whole windows only."""
    rows = lake.query(_DEMAND, {"now": now})
    if rows.is_empty():
        return TenantDemand((), {})
    first, last = int(rows["window_number"].min() or 0), int(rows["window_number"].max() or 0)  # type: ignore[arg-type]
    count = last - first  # the last window may not be over
    found, kinds = _series(rows, first, count)
    down = lake.query(_DOWN) if STATES in lake.table_names("mart") else None
    return TenantDemand(_without_outages(found, kinds, down, first), kinds)


def _series(rows: pl.DataFrame, first: int, count: int) -> tuple[list[DemandSeries], dict[str, TargetKind]]:
    found: list[DemandSeries] = []
    kinds: dict[str, TargetKind] = {}
    starts_at = dt.datetime.fromtimestamp(first * WINDOW_S, tz=dt.UTC)
    for kind in ("assistant", "llm"):
        of_kind = rows.filter(pl.col("kind") == kind)
        ranked = of_kind.group_by("target_id").agg(pl.col("request_count").sum()).sort("request_count", "target_id")
        for target_id in reversed(ranked["target_id"].to_list()[-TARGETS:]):
            if target_id in kinds:
                continue
            mine = of_kind.filter(pl.col("target_id") == target_id)
            values = np.zeros(count + 1)
            values[mine["window_number"].to_numpy() - first] = mine["request_count"].to_numpy() / WINDOW_S
            kinds[target_id] = "assistant" if kind == "assistant" else "llm"
            found.append(DemandSeries(target_id=target_id, starts_at=starts_at, values=values[:count]))
    return found, kinds


def _without_outages(
    found: list[DemandSeries], kinds: dict[str, TargetKind], down: pl.DataFrame | None, first: int
) -> tuple[DemandSeries, ...]:
    if not found or not len(found[0].values):
        return ()
    silent = mark_outages(np.stack([one.values for one in found]))
    spans: dict[str, list[tuple[int, int]]] = {}
    for assistant_id, from_s, to_s in [] if down is None else down.iter_rows():
        spans.setdefault(assistant_id, []).append((int(from_s), int(to_s)))
    for one in found:
        one.values[silent] = np.nan
        for from_s, to_s in spans.get(one.target_id, []) if kinds[one.target_id] == "assistant" else []:
            begin, end = -(-from_s // WINDOW_S) - first, to_s // WINDOW_S - first
            one.values[max(0, begin) : max(0, end)] = np.nan
    return tuple(found)


def is_old_enough(demand: TenantDemand, *, days: int) -> bool:
    """Whether there are `days` days of demand to learn from."""
    return bool(demand.series) and len(demand.series[0].values) >= days * WINDOWS_A_DAY
