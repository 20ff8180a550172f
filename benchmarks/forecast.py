"""Demand forecasts an hour ahead, on public traces of language-model services: ServeGen and BurstGPT.

`data` is a folder with files as in the shared `servegen/` and `burstgpt/`. Days after the shared ones are judged
by an estimator trained on all shared days; other series of the same days, and the shared ones themselves, from
60 % on by an estimator trained on windows before that. It learns from ServeGen alone; BurstGPT it has never seen. Origins roll by ten minutes and nothing ahead is seen.
`scale` below 1 takes fewer clients and training rows.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from aurora.decisions.capacity.demand import HORIZON
from aurora.errors import DataError
from aurora.settings import Settings
from benchmarks.harness import Result
from ml.demand.estimator import ROWS, fit
from ml.demand.evaluate import Judged, best_naive, best_naive_each, judge_series
from ml.demand.predict import hindcasts
from ml.demand.sources import CLIENTS, grouped, load_traces, training_series

WAPE_RATIO = 0.92
_logger = logging.getLogger("benchmarks")
COVERAGE = (0.94, 0.96)


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Figures of services, clients and BurstGPT, each where it is among the data."""
    shared = Settings().shared_data_dir
    traces = load_traces(data or shared, shared, clients=max(3, round(CLIENTS * min(scale, 1.0))))
    judged: dict[str, list[Judged]] = {"service": [], "client": [], "burstgpt": []}
    most = max(5000, round(ROWS * min(scale, 1.0)))
    skipped = 0
    for _, until, group in grouped(traces):
        try:
            estimator = fit(training_series(shared, until=until), most=most).estimator
        except DataError as error:
            _logger.warning("Not judged: %s. %s", ", ".join(one.series.target_id for one in group), error)
            skipped += len(group)
            continue
        for trace in group:
            found = hindcasts(estimator, trace.series, (HORIZON,))[HORIZON]
            judged[trace.kind].append(judge_series(trace.series, found, since=trace.judged_from))
    results = [
        Result(metric="series_judged", value=len(traces) - skipped, unit="count", bar=1.0, op=">="),
        Result(metric="series_skipped", value=skipped, unit="count"),
    ]
    for kind, found_of in judged.items():
        if found_of:
            results += _figures(kind, found_of, has_bars=kind != "burstgpt")
    return results + _services(judged["service"])


def _figures(kind: str, judged: Sequence[Judged], *, has_bars: bool) -> list[Result]:
    demand, error = sum(one.demand for one in judged), sum(one.error for one in judged)
    name, naive = best_naive(judged)
    active = [one for one in judged if one.is_active] or list(judged)
    covered = sum(one.covered_count for one in active) / max(1, sum(one.window_count for one in active))
    spread = [one.coverage for one in active]
    return [
        Result(metric=f"{kind}.series", value=len(judged), unit="count"),
        Result(metric=f"{kind}.wape", value=error / demand, unit="share"),
        Result(metric=f"{kind}.wape_best_naive.{name}", value=naive / demand, unit="share"),
        Result(
            metric=f"{kind}.wape_over_best_naive",
            value=error / naive,
            unit="ratio",
            bar=WAPE_RATIO if has_bars else None,
            op="<=" if has_bars else None,
        ),
        Result(metric=f"{kind}.wape_over_each_best_naive", value=error / best_naive_each(judged), unit="ratio"),
        Result(metric=f"{kind}.active_series", value=len(active), unit="count"),
        *(_covered(kind, covered) if has_bars else [Result(metric=f"{kind}.coverage_95", value=covered, unit="share")]),
        Result(metric=f"{kind}.coverage_95_lowest", value=min(spread), unit="share"),
        Result(metric=f"{kind}.coverage_95_highest", value=max(spread), unit="share"),
        Result(
            metric=f"{kind}.series_covered_93_to_97",
            value=sum(0.93 <= one <= 0.97 for one in spread) / len(spread),
            unit="share",
        ),
        Result(metric=f"{kind}.width_95", value=sum(one.width for one in active) / demand, unit="share"),
    ]


def _covered(kind: str, covered: float) -> list[Result]:
    return [
        Result(metric=f"{kind}.coverage_95", value=covered, unit="share", bar=COVERAGE[0], op=">="),
        Result(metric=f"{kind}.coverage_95_at_most", value=covered, unit="share", bar=COVERAGE[1], op="<="),
    ]


def _services(judged: Sequence[Judged]) -> list[Result]:
    return [
        result
        for one in judged
        for result in (
            Result(
                metric=f"service.{one.target_id}.wape_over_best_naive",
                value=one.error / min(one.naive_errors.values()),
                unit="ratio",
            ),
            Result(metric=f"service.{one.target_id}.coverage_95", value=one.coverage, unit="share"),
        )
    ]
