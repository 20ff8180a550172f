"""A tenant's demand: train once a day of new data, forecast at every build, publish both.

The estimator learns from the tenant's own usage and, where they are present, from public traces; the gate judges
on the tenant's own newest days alone, by an estimator that has not seen them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from aurora.decisions.capacity.book import CapacityBook, load_book, publish_book
from aurora.decisions.capacity.demand import HORIZON, WINDOWS_A_DAY, DemandSeries
from aurora.decisions.capacity.gate import GateEvidence
from aurora.decisions.kinds.scale import REPLICAS
from aurora.errors import AuroraError
from aurora.packs import Parameter, load_pack
from aurora.settings import Settings
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from ml import tracking
from ml.demand import publish
from ml.demand.estimator import LEVELS, SETTINGS, Estimator, Fit, fit
from ml.demand.evaluate import Judged, best_naive, judge_series
from ml.demand.history import TenantDemand, is_old_enough, read_demand
from ml.demand.predict import KIND, hindcasts
from ml.demand.sources import training_series
from ml.demand.targets import ADAPT_WINDOWS, Looked, look_back, published_target
from ml.demand.tuning import Target, horizons_for, sized, tune

RECIPE = "demand/2"
MIN_DAYS = 5
GATE_DAYS = 7
ROWS = 20_000
TREES = 50
REQUIREMENTS = ("scikit-learn", "numpy")
Outcome = Literal["trained", "forecast", "too_young"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandReport:
    """What a run did: trained anew, or only forecast with what stands, or found too little to learn from."""

    outcome: Outcome
    target_count: int
    promoted_count: int
    bundle_hash: str | None
    reason: str
    metrics: Mapping[str, float]

    def figures(self) -> dict[str, str | int | float]:
        """For a run's record."""
        return {
            "outcome": self.outcome,
            "target_count": self.target_count,
            "promoted_count": self.promoted_count,
            "reason": self.reason,
            **self.metrics,
        }


@dataclass(frozen=True, slots=True)
class _Trained:
    fit: Fit
    looked: dict[str, Looked]
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Standing:
    """An estimator with what is known about it."""

    estimator: Estimator
    manifest: Mapping[str, Any]
    looked: Mapping[str, Looked]


def train_and_publish(
    paths: TenantPaths, settings: Settings, *, clock: Callable[[], dt.datetime], force: bool = False
) -> DemandReport:
    """Publish forecasts and plans of the tenant's targets; train first when a day of data has come since the last.

    Errors: `NotReadyError` from the lake before it is made.
    """
    now = clock()
    with read_lake(paths) as lake:
        demand = read_demand(lake, now=now)
    if not is_old_enough(demand, days=MIN_DAYS):
        return _too_young(paths, demand, now)
    standing = None if force else _standing(paths, demand)
    if standing is not None:
        return _forecast(paths, demand, standing, now, outcome="forecast")
    trained = _train(demand, settings)
    manifest = _publish(paths, demand, trained, now)
    return _forecast(paths, demand, _Standing(trained.fit.estimator, manifest, trained.looked), now, outcome="trained")


def tracking_of(paths: TenantPaths) -> tracking.Tracking:
    """The tenant's own MLflow store."""
    return tracking.Tracking.below(paths.data_dir / "mlflow" / paths.tenant)


def _train(demand: TenantDemand, settings: Settings) -> _Trained:
    count = len(demand.series[0].values)
    since = max(count - GATE_DAYS * WINDOWS_A_DAY, 2 * count // 3)
    public = training_series(settings.shared_data_dir, until=None) if settings.shared_data_dir.is_dir() else []
    shaped: dict[str, Any] = {**SETTINGS, "max_iter": TREES}
    before = fit([*public, *(one.until(since) for one in demand.series)], most=ROWS, settings=shaped).estimator
    declared = _declared(settings)
    targets = [_target(one, before, since, declared.get(one.target_id)) for one in demand.series]
    tuned = tune(targets, since=since)
    judged = [judge_series(one.series, one.found[HORIZON], since=since) for one in targets]
    looked = {
        one.series.target_id: look_back(
            Target(one.series, tuned.limits[one.series.target_id], one.found),
            tuned.evidence[one.series.target_id],
            since=since,
        )
        for one in targets
    }
    found = fit([*public, *demand.series], most=ROWS, settings=shaped)
    return _Trained(found, looked, _metrics(judged, tuned.evidence))


def _declared(settings: Settings) -> dict[str, Parameter]:
    """Assistants that may be scaled, with the bounds that the pack sets."""
    pack = load_pack(settings.packs_dir, settings.pack)
    return {one.assistant_id: one.parameters[REPLICAS] for one in pack.assistants if REPLICAS in one.parameters}


def _target(series: DemandSeries, estimator: Estimator, since: int, declared: Parameter | None) -> Target:
    """Its busiest windows need as many replicas as it may have; REPLICAS_AT_PEAK where nobody said."""
    if declared is None:
        limits = sized(series, until=since)
    else:
        limits = msgspec.structs.replace(
            sized(series, until=since, replicas=int(declared.maximum)),
            min_replicas=max(1, math.ceil(declared.minimum)),
            max_replicas=int(declared.maximum),
        )
    horizons = (*horizons_for(limits), HORIZON)
    return Target(series, limits, hindcasts(estimator, series, horizons, since=since - ADAPT_WINDOWS))


def _metrics(judged: Sequence[Judged], evidence: Mapping[str, GateEvidence]) -> dict[str, float]:
    demand = max(sum(one.demand for one in judged), 1e-12)
    active = [one for one in judged if one.is_active]
    windows = sum(one.window_count for one in active)
    hours = sum(one.autoscaler_replica_hours for one in evidence.values())
    return {
        "wape": sum(one.error for one in judged) / demand,
        "naive_wape": best_naive(judged)[1] / demand,
        **({"coverage_95": sum(one.covered_count for one in active) / windows} if windows else {}),
        "promoted_share": sum(one.is_promoted for one in evidence.values()) / max(1, len(evidence)),
        "replica_hours_ratio": sum(one.replica_hours for one in evidence.values()) / max(hours, 1e-12),
    }


def _publish(paths: TenantPaths, demand: TenantDemand, trained: _Trained, now: dt.datetime) -> dict[str, Any]:
    """Record the run, write the bundle and return its manifest."""
    is_champion = any(one.evidence.is_promoted for one in trained.looked.values())
    data_hash = publish.data_hash({one.target_id: one.values for one in demand.series})
    store = tracking_of(paths)
    registered = tracking.record_run(store, _run(paths, trained, data_hash))
    alias: tracking.Alias = "champion" if is_champion else "challenger"
    manifest = {
        "created_at": now.isoformat(),
        "recipe": RECIPE,
        "trained_to": _day(demand),
        "training_data_hash": data_hash,
        "metrics": trained.metrics,
        "levels": list(LEVELS),
        "mlflow": {"run_id": registered.run_id, "version": registered.version, "alias": alias},
    }
    folder = publish.publish_bundle(paths.serving, trained.fit.estimator, manifest, is_champion=is_champion)
    tracking.log_bundle(store, registered.run_id, folder, {"card.md": _card(trained)})
    tracking.set_alias(store, KIND, alias, registered.version)
    return {**manifest, "bundle_hash": folder.name}


def _run(paths: TenantPaths, trained: _Trained, data_hash: str) -> tracking.RunRecord:
    looked = sorted(trained.looked.items())
    return tracking.RunRecord(
        experiment=KIND,
        registered_name=KIND,
        params={
            "recipe": RECIPE,
            "training_data_hash": data_hash,
            "row_count": str(trained.fit.row_count),
            "target_count": str(len(looked)),
        },
        metrics=trained.metrics,
        tags={
            "tenant": paths.tenant,
            "gate": "; ".join(f"{name}: {one.evidence.reason}" for name, one in looked)[:4000],
        },
        tables={
            "gate.json": {
                "target_id": [name for name, _ in looked],
                "is_promoted": [one.evidence.is_promoted for _, one in looked],
                "replica_hours": [one.evidence.replica_hours for _, one in looked],
                "autoscaler_replica_hours": [one.evidence.autoscaler_replica_hours for _, one in looked],
                "violation_share": [one.evidence.violation_share for _, one in looked],
            }
        },
        estimator=trained.fit.forest,
        example=[[0.0] * trained.fit.forest.n_features_in_],
        requirements=REQUIREMENTS,
    )


def _card(trained: _Trained) -> str:
    """One page for a person: what it says, from what, how good it is, where not to trust it."""
    figures = "\n".join(f"| {name} | {value:.4f} |" for name, value in sorted(trained.metrics.items()))
    return f"""# demand: how much will be asked in the next hour

Two small forests of regression trees say, from the last days of a target's requests, the median of the next six
windows of ten minutes and how far from it demand usually lands. Quantiles learn online from their own misses: over
time one window in twenty lies above the 95 % quantile, whatever happens. Windows in which nothing was observed
teach nothing. A plan uses the forecast only for targets whose replay over days it had not seen took fewer
replica-hours than an autoscaler within the budget of violations.

Do not trust it for a target younger than a week, or for events nobody has seen before: the reactive floor and the
safeguards of the plan are there for these.

| figure, on days not trained on | value |
|---|---|
{figures}
"""


def _standing(paths: TenantPaths, demand: TenantDemand) -> _Standing | None:
    """What was trained up to this day of data, if all of it is there; else None."""
    try:
        newest, book = publish.newest_bundle(paths.serving), load_book(paths)
    except AuroraError:
        return None
    if newest is None or newest[1].get("recipe") != RECIPE or newest[1].get("trained_to") != _day(demand):
        return None
    looked = {
        one.target_id: Looked(one.limits, one.evidence, one.simulation, one.hindsight, one.history.standing)
        for one in book.targets
        if one.evidence is not None and one.simulation is not None and one.hindsight is not None
    }
    return _Standing(*newest, looked) if {one.target_id for one in demand.series} <= set(looked) else None


def _day(demand: TenantDemand) -> str:
    return "" if demand.ends_at is None else demand.ends_at.date().isoformat()


def _forecast(
    paths: TenantPaths,
    demand: TenantDemand,
    standing: _Standing,
    now: dt.datetime,
    *,
    outcome: Literal["trained", "forecast"],
) -> DemandReport:
    """Forecast every target from its newest windows and publish the book."""
    bundle_hash, metrics = str(standing.manifest["bundle_hash"]), dict(standing.manifest["metrics"])
    targets = tuple(
        published_target(
            one, demand.kinds[one.target_id], standing.estimator, standing.looked[one.target_id], bundle_hash
        )
        for one in demand.series
    )
    book = CapacityBook(
        published_at=now,
        data_to=demand.ends_at,
        bundle_hash=bundle_hash,
        trained_to=dt.datetime.fromisoformat(f"{standing.manifest['trained_to']}T00:00:00+00:00"),
        wape=metrics["wape"],
        naive_wape=metrics["naive_wape"],
        coverage_95=metrics.get("coverage_95"),
        reason="",
        targets=targets,
    )
    publish_book(paths, book)
    return DemandReport(
        outcome=outcome,
        target_count=len(targets),
        promoted_count=sum(one.evidence.is_promoted for one in targets if one.evidence is not None),
        bundle_hash=bundle_hash,
        reason="",
        metrics=metrics,
    )


def _too_young(paths: TenantPaths, demand: TenantDemand, now: dt.datetime) -> DemandReport:
    windows = len(demand.series[0].values) if demand.series else 0
    reason = (
        f"There are {windows / WINDOWS_A_DAY:.1f} days of usage; a forecast needs {MIN_DAYS}."
        if windows
        else "There is no usage yet."
    )
    book = CapacityBook(
        published_at=now, data_to=demand.ends_at, bundle_hash=None, trained_to=None, wape=None, naive_wape=None,
        coverage_95=None, reason=reason, targets=(),
    )  # fmt: skip
    publish_book(paths, book)
    return DemandReport(
        outcome="too_young", target_count=0, promoted_count=0, bundle_hash=None, reason=reason, metrics={}
    )
