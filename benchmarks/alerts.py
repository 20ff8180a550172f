"""How right pages are: on labelled series in NAB's layout, and on a history of the twin whose incidents are known.

The shipped threshold is measured as it is, at every other one, with thresholds chosen without the series (or its
whole group) that they are then measured on, and with threshold and tuning chosen on random halves. The shipped ones
were chosen on the series of `../shared/data/nab`; on others they are out of sample.

With `data` the series of that folder are measured and nothing else; without, NAB's and the twin's. Rules were tuned on
the twin's seeds 21 and 22; `SEED` is another.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from aurora.alerts.triage import PAGE_FROM, THRESHOLDS, wilson
from aurora.settings import Settings
from benchmarks.campaigns.alert_history import DAYS, measured_twin, twin_history
from benchmarks.campaigns.labelled_series import Counts, Series, at_threshold, curve, halves, learnt, left_out, measured
from benchmarks.harness import Result, seconds

MIN_PRECISION, MIN_RECALL = 0.95, 0.40
TWIN_RECALL, MAX_FALSE = 0.60, 0.05
SEED: Final = 77
TWIN_SCALE: Final = 0.2
"""Of the twin's brokerage, at scale 1 of the bench."""


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Labelled series of `data`, or NAB's and then the twin's; `scale` takes a share of the series and of the twin."""
    results = labelled(data or Settings().shared_data_dir / "nab", scale)
    return results if data is not None else [*results, *twin(scale)]


def labelled(folder: Path, scale: float) -> list[Result]:
    """Pages on the labelled series of a folder."""
    series: list[Series] = []
    took = seconds(lambda: series.extend(measured(folder, scale)))
    results = _rates("pages", at_threshold(series, PAGE_FROM), has_bar=True)
    results += _rates("leave_one_series_out", left_out(series, lambda one: one.name), has_bar=True)
    results += _rates("leave_one_group_out", left_out(series, lambda one: one.group))
    results += _halves("half_of_series", halves(series)) + _halves("half_of_groups", halves(series, by_group=True))
    totals = curve(series)
    results += [one for threshold in THRESHOLDS for one in _rates(f"at_{threshold:.2f}", totals[threshold])]
    found = learnt(series)
    return [
        *results,
        Result(metric="page_threshold_shipped", value=PAGE_FROM, unit="log ratio"),
        Result(metric="page_threshold_of_this_data", value=-1.0 if found is None else found, unit="log ratio"),
        Result(metric="series", value=len(series), unit="series"),
        Result(metric="samples_per_s", value=sum(one.sample_count for one in series) / took, unit="samples/s"),
    ]


def twin(scale: float) -> list[Result]:
    """Pages of ninety days of the twin, all rounds as they would have run then."""
    with tempfile.TemporaryDirectory(prefix="aurora-alerts-") as folder:
        paths = twin_history(Path(folder), seed=SEED, scale=TWIN_SCALE * scale)
        found, rounds = measured_twin(paths, Path(folder), seed=SEED, days=DAYS)
    right, wrong = sum(found.right.values()), sum(found.wrong.values())
    hit, missed = sum(found.found.values()), sum(found.missed.values())
    rules = sorted({*found.right, *found.wrong})
    kinds = sorted({*found.found, *found.missed})
    return [
        *_rate("twin_page_precision", right, right + wrong, "pages", bar=MIN_PRECISION),
        *_rate("twin_page_recall", hit, hit + missed, "incidents", bar=TWIN_RECALL),
        *_rate("twin_false_positive_rate", found.disturbed_count, found.quiet_count, "quiet days", most=MAX_FALSE),
        *[Result(metric=f"twin_rule_{name}_{said}", value=counts.get(name, 0), unit="pages")
          for name in rules for said, counts in (("right", found.right), ("wrong", found.wrong))],
        *[one for kind in kinds for one in _rate(
            f"twin_{kind}_recall", found.found.get(kind, 0), found.found.get(kind, 0) + found.missed.get(kind, 0), "incidents"
        )],
        Result(metric="twin_digest_alerts", value=sum(one.tier == "digest" for one in rounds.alerts), unit="alerts"),
        Result(metric="twin_rounds", value=rounds.round_count, unit="rounds"),
        Result(metric="twin_rows_seen_too_early", value=rounds.known_later_count, unit="rows", bar=0, op="<="),
    ]  # fmt: skip


def _rates(name: str, counts: Counts, *, has_bar: bool = False) -> list[Result]:
    return [
        *_rate(
            f"{name}_precision", counts.right, counts.right + counts.wrong, "pages",
            bar=MIN_PRECISION if has_bar else None,
        ),
        *_rate(f"{name}_recall", counts.found, counts.windows, "windows", bar=MIN_RECALL if has_bar else None),
    ]  # fmt: skip


def _rate(
    name: str, good: int, count: int, unit: str, *, bar: float | None = None, most: float | None = None
) -> list[Result]:
    """A share with its 95 % Wilson interval and what it is of."""
    low, high = wilson(good, count)
    limit = bar if bar is not None else most
    op = None if limit is None else ">=" if bar is not None else "<="
    return [
        Result(metric=name, value=good / count if count else 0.0, unit="share", bar=limit, op=op),  # type: ignore[arg-type]
        Result(metric=f"{name}_low", value=low, unit="share"),
        Result(metric=f"{name}_high", value=high, unit="share"),
        Result(metric=f"{name}_n", value=count, unit=unit),
    ]


def _halves(name: str, judged: Sequence[Counts]) -> list[Result]:
    """All splits together, and the tenth worst of a hundred. Splits share series, so there is no interval."""
    total = sum(judged, Counts())
    precisions, recalls = [one.precision for one in judged], [one.recall for one in judged]
    return [
        Result(metric=f"{name}_precision", value=total.precision, unit="share"),
        Result(metric=f"{name}_precision_of_ten_in_100", value=float(np.quantile(precisions, 0.1)), unit="share"),
        Result(metric=f"{name}_precision_worst", value=min(precisions), unit="share"),
        Result(metric=f"{name}_recall", value=total.recall, unit="share"),
        Result(metric=f"{name}_recall_of_ten_in_100", value=float(np.quantile(recalls, 0.1)), unit="share"),
        Result(metric=f"{name}_splits", value=len(judged), unit="splits"),
    ]
