"""Demand forecasts: no look ahead, trees as scikit-learn grew them, quantiles that hold, a tenant's file published."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from aurora.decisions.capacity.book import load_book
from aurora.decisions.capacity.demand import HORIZON, DemandSeries, Floats
from aurora.errors import DataError, NotFoundError, NotReadyError
from aurora.ingest.batch import ingest_landing
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from ml.demand import publish, sources
from ml.demand.conformal import mixed, tracked_scores
from ml.demand.estimator import LEVELS, Fit, as_trees, fit, training_rows
from ml.demand.evaluate import best_naive, judge_series
from ml.demand.features import basis, matrix
from ml.demand.history import read_demand
from ml.demand.predict import forecast_at, hindcasts
from ml.demand.train import train_and_publish
from tests.ingest.conftest import usage_row

NOW = dt.datetime(2026, 7, 8, 12, 3, tzinfo=dt.UTC)
SMALL = {"max_iter": 25, "learning_rate": 0.15, "max_leaf_nodes": 12, "max_bins": 63, "min_samples_leaf": 20}


def wave(name: str, days: int = 9, *, seed: int = 0, scale: float = 1.0) -> DemandSeries:
    """A day's wave, a job on every hour, noise that comes and goes slowly."""
    windows = np.arange(days * 144)
    draws = np.random.default_rng(seed)
    slow = np.convolve(draws.normal(0, 1, len(windows) + 35), np.ones(36) / 36, "valid") * 60
    values = 100 + 60 * np.sin(windows / 144 * 2 * np.pi) + 80 * (windows % 6 == 0) + slow
    values = np.maximum(values + draws.normal(0, 4, len(windows)), 0) * scale
    return DemandSeries(target_id=name, starts_at=NOW.replace(hour=0, minute=0), values=values)


@pytest.fixture(scope="module")
def waves() -> list[DemandSeries]:
    return [wave(f"t{n}", seed=n, scale=10.0**n) for n in range(4)]


@pytest.fixture(scope="module")
def fitted(waves: list[DemandSeries]) -> Fit:
    return fit([one.until(900) for one in waves], most=6000, settings=SMALL)


def test_no_column_looks_ahead(waves: list[DemandSeries]) -> None:
    whole = waves[0].values.copy()
    whole[500:504] = np.nan
    changed = whole.copy()
    changed[800:] = 7.0
    for horizon in (1, HORIZON):
        before, after = (matrix(basis(replace(waves[0], values=values)), horizon)[:800] for values in (whole, changed))
        assert np.array_equal(before, after, equal_nan=True)


def test_columns_do_not_depend_on_the_unit(waves: list[DemandSeries]) -> None:
    small, large = (matrix(basis(replace(waves[0], values=waves[0].values * unit)), 3) for unit in (1.0, 1000.0))
    assert np.allclose(small[200:], large[200:], equal_nan=True)


def test_numpy_reads_the_trees_as_scikit_learn_grew_them(waves: list[DemandSeries], fitted: Fit) -> None:
    rows = training_rows(waves, most=2000, seed=3).features
    rows[::7, 3] = np.nan
    expected = fitted.forest.predict(rows.astype(np.float32))
    assert np.allclose(as_trees(fitted.forest).predict(rows.astype(np.float32).astype(np.float64)), expected)


def test_forecasts_beat_every_naive_one_and_their_quantile_holds(waves: list[DemandSeries], fitted: Fit) -> None:
    judged = [judge_series(one, hindcasts(fitted.estimator, one, (HORIZON,))[HORIZON], since=900) for one in waves]
    for one in judged:  # each series for itself: they differ a thousandfold in size
        assert one.error < min(one.naive_errors.values())
    assert np.mean([one.error / min(one.naive_errors.values()) for one in judged]) < 0.95
    covered = sum(one.covered_count for one in judged) / sum(one.window_count for one in judged)
    assert 0.93 <= covered <= 0.97
    assert best_naive(judged)[1] >= sum(one.error for one in judged)


def test_a_job_on_the_hour_is_seen_before_it_comes(waves: list[DemandSeries], fitted: Fit) -> None:
    point = hindcasts(fitted.estimator, waves[0], (1,))[1].point
    target = np.arange(901, 1200)
    on_hour, others = target[target % 6 == 0], target[target % 6 != 0]
    assert point[on_hour - 1].mean() - point[others - 1].mean() > 60


def test_an_outage_teaches_nothing_and_does_not_look_like_quiet(waves: list[DemandSeries], fitted: Fit) -> None:
    values = waves[0].values.copy()
    values[1000:1012] = np.nan
    seen = hindcasts(fitted.estimator, replace(waves[0], values=values), (1,))[1]
    down = hindcasts(fitted.estimator, replace(waves[0], values=np.nan_to_num(values)), (1,))[1]
    truth = waves[0].values[1013]
    assert abs(seen.point[1012] - truth) < abs(down.point[1008] - truth)
    assert np.isfinite(seen.quantiles[1005]).all()
    assert seen.point[1008] > 0.5 * truth


def test_quantiles_follow_their_misses_whatever_the_errors_do() -> None:
    draws = np.random.default_rng(1)
    scores = np.concatenate([draws.normal(0, 1, 1500), draws.standard_t(2, 1500) * 4 + 2])
    levels = np.array([0.5, 0.95])
    held = tracked_scores(scores, levels, np.array([0.0, 1.6]), delay=6)
    for part in (slice(100, 1500), slice(1700, 3000)):
        assert abs((scores[part] <= held[part, 1]).mean() - 0.95) < 0.012
    blank = tracked_scores(np.full(50, np.nan), levels, np.array([0.0, 1.6]), delay=1)
    assert (blank == [0.0, 1.6]).all()


def test_a_mixture_comes_to_believe_the_guess_that_is_right() -> None:
    truth = np.random.default_rng(2).normal(50, 5, 400)
    guesses = np.stack([truth + 1, truth + 20], axis=1)
    assert mixed(guesses, truth, delay=2)[0] - truth[0] == pytest.approx(10.5)
    assert mixed(guesses, truth, delay=2)[-1] - truth[-1] < 2


def test_a_bundle_comes_back_as_it_went_and_is_refused_when_changed(fitted: Fit, tmp_path: Path) -> None:
    folder = publish.publish_bundle(tmp_path, fitted.estimator, {"recipe": "test"}, is_champion=False)
    newest = publish.newest_bundle(tmp_path)
    assert newest is not None
    one = wave("again")
    ours, theirs = (hindcasts(found, one, (2,))[2].quantiles for found in (fitted.estimator, newest[0]))
    assert np.array_equal(ours, theirs, equal_nan=True)
    (folder / "manifest.json").write_text(json.dumps({"recipe": "other"}), encoding="utf-8")
    with pytest.raises(DataError, match="does not give its hash"):
        publish.load_bundle(folder)
    with pytest.raises(NotFoundError):
        publish.load_bundle(folder.parent / "absent")


def test_a_forecast_has_a_row_a_window_and_none_while_the_series_is_too_young(fitted: Fit) -> None:
    one = wave("young", days=3)
    found = hindcasts(fitted.estimator, one)
    said = forecast_at(found, one, 300, is_promoted=True)
    assert said is not None
    assert (len(said.values), said.levels, said.is_promoted) == (HORIZON, LEVELS, True)
    assert said.made_at == one.starts_at + dt.timedelta(minutes=3010)
    assert forecast_at(found, one, 20, is_promoted=True) is None
    assert all(row == tuple(sorted(row)) for row in said.values)


# traces ---------------------------------------------------------------------------------------


def _write_trace(folder: Path, values: Floats, *, first: int = 0) -> None:
    (folder / "servegen").mkdir(parents=True)
    seconds = (np.arange(len(values)) + first) * 600
    frame = pl.DataFrame({"category": "language", "model": "m", "t_s": seconds, "rate_rps": values})
    frame.write_csv(folder / "servegen" / "servegen_model_rates_10min.csv")


def test_later_days_continue_the_known_ones_and_alone_are_judged(tmp_path: Path) -> None:
    known, later = wave("m", days=4).values, wave("m", days=2, seed=5).values
    known[100:103] = 0.0
    _write_trace(tmp_path / "shared", known)
    _write_trace(tmp_path / "later", later, first=600)
    (trace,) = sources.load_traces(tmp_path / "later", tmp_path / "shared")
    assert (len(trace.series.values), trace.judged_from) == (600 + 288, 600)
    assert np.isnan(trace.series.values[[100, 101, 102, 580]]).all()
    (alone,) = sources.load_traces(tmp_path / "shared", tmp_path / "shared")
    assert alone.judged_from == int(0.6 * 576)
    _write_trace(tmp_path / "longer", np.concatenate([known, later]))
    (longer,) = sources.load_traces(tmp_path / "longer", tmp_path / "shared")
    assert longer.judged_from == 576
    _write_trace(tmp_path / "other", later)
    assert sources.load_traces(tmp_path / "other", tmp_path / "shared") == []  # two days are too few
    _write_trace(tmp_path / "anew", wave("m", days=4, seed=7).values)
    (anew,) = sources.load_traces(tmp_path / "anew", tmp_path / "shared")
    assert sources.grouped([anew, trace]) == [(345, None, [anew]), (600, 600, [trace])]
    assert len(sources.training_series(tmp_path / "shared", until=400)[0].values) == 400


# a tenant -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("capacity")
    return Settings(data_dir=folder, shared_data_dir=folder / "absent")


@pytest.fixture(scope="module")
def paths(settings: Settings) -> TenantPaths:
    """Seven days of one assistant, asked more by day, with an hour of silence of everybody on the fifth."""
    paths = create_tenant(settings.data_dir, "demo", "ae-dubai")
    create_lake(paths)
    with pytest.raises(NotReadyError):
        load_book(paths)
    draws, first = np.random.default_rng(4), NOW.replace(hour=12, minute=0) - dt.timedelta(days=7)
    rows = []
    for window in range(7 * 144):
        if 600 <= window < 606:
            continue
        asked = draws.poisson(3 + 2 * np.sin(window / 144 * 2 * np.pi)) or 1
        at = first + dt.timedelta(seconds=600 * window + 5)
        rows.append(usage_row(f"u{window}", occurred_at=at.isoformat(), request_count=int(asked), assistant_id="clara"))
    folder = paths.landing / "gateway"
    folder.mkdir(parents=True)
    (folder / "calls.ndjson").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ingest_landing(paths, clock=lambda: NOW)
    return paths


def test_a_tenants_demand_is_read_in_whole_windows_with_silence_missing(paths: TenantPaths) -> None:
    with read_lake(paths) as lake:
        demand = read_demand(lake, now=NOW)
        young = read_demand(lake, now=NOW - dt.timedelta(days=6, hours=20))
    values = demand.series[0].values
    assert set(demand.kinds.values()) == {"assistant", "llm"}
    assert len(values) == 7 * 144 - 1
    assert np.flatnonzero(np.isnan(values)).tolist() == list(range(600, 606))
    assert np.nanmin(values) >= 1 / 600
    assert len(young.series[0].values) < 60


def test_training_publishes_plans_with_evidence_and_the_next_run_only_forecasts(
    paths: TenantPaths, settings: Settings
) -> None:
    young = train_and_publish(paths, settings, clock=lambda: NOW - dt.timedelta(days=5))
    assert young.outcome == "too_young"
    assert "needs 5" in load_book(paths).reason
    first = train_and_publish(paths, settings, clock=lambda: NOW)
    second = train_and_publish(paths, settings, clock=lambda: NOW)
    assert (first.outcome, second.outcome) == ("trained", "forecast")
    book = load_book(paths)
    assert book.bundle_hash == first.bundle_hash
    for target in book.targets:
        assert target.forecast is not None
        assert target.evidence is not None
        assert target.simulation is not None
        assert target.forecast.is_promoted == target.evidence.is_promoted
        assert target.forecast.made_at == target.history.ends_at == book.data_to
        plan = target.plan(now=target.history.ends_at)
        assert target.limits.min_replicas <= plan.replicas <= target.limits.max_replicas
        played = target.simulation.plan
        assert played.replica_hours == pytest.approx(sum(played.replicas) / 6)
        assert played.replica_hours <= target.simulation.autoscaler.replica_hours + 1e-9
    with pytest.raises(NotFoundError, match="'nobody'"):
        book.target("nobody")
