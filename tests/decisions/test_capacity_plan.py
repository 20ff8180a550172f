"""How many replicas: the larger of a promoted forecast and a stabilised reactive figure, within limits."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from aurora.decisions.capacity.plan import CapacityHistory, CapacityLimits, DemandForecast, plan_replicas
from aurora.errors import DataError

NOW = dt.datetime(2026, 7, 1, 9, 0, tzinfo=dt.UTC)
LIMITS = CapacityLimits(
    replica_rate=10, max_replicas=20, target_share=0.5, stabilisation_s=1200, startup_s=600, hysteresis_share=0.0
)


def history(*demand: float | None, replicas: int = 4, **more: object) -> CapacityHistory:
    values = {"target_id": "llm", "window_s": 600, "ends_at": NOW, "demand": demand, "replicas": replicas, **more}
    return msgspec.convert(values, CapacityHistory)


def forecast(*upper: float, is_promoted: bool = True, made_at: dt.datetime = NOW) -> DemandForecast:
    return DemandForecast(
        target_id="llm",
        made_at=made_at,
        window_s=600,
        levels=(0.5, 0.95),
        values=tuple((value / 2, value) for value in upper),
        is_promoted=is_promoted,
    )


def test_without_a_forecast_the_stabilised_reactive_figure_decides() -> None:
    plan = plan_replicas(history(90, 20, 42, 20), None, LIMITS, now=NOW)
    assert (plan.replicas, plan.decided_by, plan.forecast_replicas) == (9, "reactive", None)
    assert plan.until == NOW + dt.timedelta(seconds=600)


def test_a_promoted_forecast_of_more_is_planned_for_before_it_comes() -> None:
    plan = plan_replicas(history(20, 20), forecast(30, 118), LIMITS, now=NOW)
    assert (plan.replicas, plan.decided_by, plan.reactive_replicas) == (12, "forecast", 4)
    assert plan.is_forecast_used
    assert plan.forecast_quantile == 0.95
    assert "12" in plan.reason


@pytest.mark.parametrize("other", [forecast(30, 118, is_promoted=False), forecast(118)])
def test_an_unpromoted_or_outdated_forecast_changes_nothing(other: DemandForecast) -> None:
    plan = plan_replicas(history(20, 20), other, LIMITS, now=NOW)
    assert (plan.replicas, plan.forecast_replicas) == (4, None)


def test_what_was_not_observed_is_missing_and_never_zero() -> None:
    assert plan_replicas(history(42, None, None), None, LIMITS, now=NOW).replicas == 9
    blind = plan_replicas(history(None, None, None, replicas=7), None, LIMITS, now=NOW)
    assert (blind.replicas, blind.decided_by) == (7, "held")


def test_a_backlog_is_worked_off_in_the_time_allowed() -> None:
    limits = msgspec.structs.replace(LIMITS, drain_s=600)
    assert plan_replicas(history(20, 20, backlog=18_000), None, limits, now=NOW).replicas == 10


def test_nothing_is_taken_away_during_the_cool_down_or_for_a_small_change() -> None:
    cooling = msgspec.structs.replace(LIMITS, cooldown_s=900)
    before = history(20, replicas=9, scaled_at=NOW - dt.timedelta(seconds=600))
    assert plan_replicas(before, None, cooling, now=NOW).replicas == 9
    later = NOW + dt.timedelta(seconds=300)
    assert plan_replicas(before, None, cooling, now=later).replicas == 4
    steady = msgspec.structs.replace(LIMITS, hysteresis_share=0.3)
    assert plan_replicas(history(20, replicas=5), None, steady, now=NOW).decided_by == "held"
    assert plan_replicas(history(20, replicas=6), None, steady, now=NOW).replicas == 4


def test_limits_cut_the_plan_and_say_so() -> None:
    most = plan_replicas(history(900), None, LIMITS, now=NOW)
    least = plan_replicas(history(0.0), None, LIMITS, now=NOW)
    assert (most.replicas, most.decided_by) == (20, "maximum")
    assert (least.replicas, least.decided_by) == (1, "minimum")


def test_what_does_not_fit_together_is_refused_by_name() -> None:
    other = msgspec.structs.replace(forecast(30, 40), target_id="else")
    with pytest.raises(DataError, match="forecast is of else"):
        plan_replicas(history(20), other, LIMITS, now=NOW)
    with pytest.raises(DataError, match="min_replicas"):
        plan_replicas(history(20), None, msgspec.structs.replace(LIMITS, min_replicas=30), now=NOW)
