"""The page Scaling: the published plan in words, its evidence, and the next step where there is no forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.scaling import demand_frame, replica_frame
from aurora.decisions.capacity.book import (
    CapacityBook,
    Hindsight,
    Played,
    Simulation,
    TargetCapacity,
    publish_book,
)
from aurora.decisions.capacity.gate import GateEvidence
from aurora.decisions.capacity.plan import CapacityHistory, CapacityLimits, DemandForecast

Open = Callable[[str], AppTest]
NOW = dt.datetime(2026, 7, 1, 9, 0, tzinfo=dt.UTC)


def _played(*replicas: int) -> Played:
    return Played(
        replica_hours=sum(replicas) / 6, violation_share=0.004, unserved_share=0.001, change_count=1,
        replicas_max=max(replicas), replicas=replicas,
    )  # fmt: skip


def _target() -> TargetCapacity:
    past: dict[str, Any] = {"starts_at": NOW - dt.timedelta(minutes=30), "window_s": 600, "demand": (0.5, None, 0.7)}
    return TargetCapacity(
        target_id="clara",
        kind="assistant",
        history=CapacityHistory(
            target_id="clara", window_s=600, ends_at=NOW, demand=(0.5, None, 0.7), replicas=6
        ),
        limits=CapacityLimits(replica_rate=0.1, startup_s=600, forecast_quantile=0.95),
        forecast=DemandForecast(
            target_id="clara",
            made_at=NOW,
            window_s=600,
            levels=(0.05, 0.5, 0.95),
            values=((0.4, 0.8, 1.1),) * 6,
            is_promoted=True,
        ),
        evidence=GateEvidence(
            is_promoted=True, reason="8.0% fewer replica-hours.", window_count=1008, replica_hours=920.0,
            autoscaler_replica_hours=1000.0, violation_share=0.004, autoscaler_violation_share=0.005,
        ),
        simulation=Simulation(**past, plan=_played(6, 6, 8), autoscaler=_played(9, 9, 9), fixed=_played(8, 8, 8)),
        hindsight=Hindsight(**past, median=(0.5, 0.6, 0.6), low=(0.3, 0.3, 0.4), high=(0.8, 0.9, 0.9)),
    )  # fmt: skip


def _book(*targets: TargetCapacity, reason: str = "") -> CapacityBook:
    return CapacityBook(
        published_at=NOW, data_to=NOW, bundle_hash=None, trained_to=NOW, wape=0.2, naive_wape=0.25, coverage_95=0.95,
        reason=reason, targets=targets,
    )  # fmt: skip


def test_the_page_says_how_many_replicas_and_why(own_pin: Pin, open_page: Open) -> None:
    publish_book(own_pin.paths, _book(_target()))
    app = open_page("scaling").run()
    assert not app.exception
    assert (
        app.title[0].value
        == "Planning ahead has paid for 1 of 1 assistant or language model; the autoscaler plans the rest."
    )
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Replicas planned"] == "11"
    assert figures["Autoscaler"] == "10"
    assert figures["Next hour, at most"] == "66 a min"
    assert any("Decided by the forecast" in caption.value for caption in app.caption)
    assert len(app.dataframe) == 2


def test_without_a_forecast_the_page_says_the_next_step(own_pin: Pin, open_page: Open) -> None:
    assert "aurora capacity train" in open_page("scaling").run().info[0].value
    publish_book(own_pin.paths, _book(reason="There are 2.0 days of usage; a forecast needs 5."))
    told = open_page("scaling").run()
    assert told.title[0].value == "No demand is forecast yet."
    assert "2.0 days" in told.info[0].value


def test_frames_are_in_requests_a_minute_and_keep_gaps() -> None:
    target = _target()
    assert target.hindsight is not None
    assert target.simulation is not None
    demand = demand_frame(target.hindsight, target.forecast)
    assert demand.height == 3 + 6
    assert demand["demand"].to_list()[:3] == [30.0, None, 42.0]
    assert demand["window_at"][3] == NOW
    steps = replica_frame(target.simulation)
    assert steps.filter(way="Plan")["replicas"].to_list() == [6, 8]
    assert steps.filter(way="Autoscaler").height == 2
