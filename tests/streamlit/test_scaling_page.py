"""The page Scaling: the published plan in words, its evidence, and the next step where there is no forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.scaling import acts_frame, demand_frame, replica_frame
from aurora.assistants.lifecycle import command_record
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
from aurora.store.fleet import CommandRow, add_command
from aurora.store.state import StateStore
from contracts.messages.assistants import CommandKind
from contracts.messages.commands import Command
from contracts.messages.decisions import canonical

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
    assert len(app.dataframe) == 2  # nothing was carried out: words in place of a table
    assert any("decisions advise until a person lets them act" in one.value for one in (*app.info, *app.caption))


def test_what_was_carried_out_is_told_with_who_did_it(own_pin: Pin) -> None:
    def command(kind: CommandKind, number: int, **facts: Any) -> Command:
        at = NOW + dt.timedelta(seconds=number)
        return Command(**{
            "command_id": f"cmd_{number}", "assistant_id": "clara", "command_kind": kind, "command_state": "completed",
            "control_level": "full_orchestration", "allowed_command_kinds": (), "actor_id": "owner", "arguments": {},
            "issued_at": at, "updated_at": at, "deadline_at": at, "region": "ae-dubai", "decision_id": "dec_1", **facts,
        })  # fmt: skip

    made = (
        command(
            "tune", 1, arguments={"parameter": "parallel_task_count", "value": 11}, previous_value=8.0,
            result={"is_simulated": True},
        ),
        command("tune", 2, arguments={"parameter": "temperature", "value": 0.5}),
        command("cancel_task", 3, task_id="task-7", command_state="refused", error="Switched off."),
        command("ping", 4),
        command("run_task", 5, task_id="task-8", decision_id=None),
    )  # fmt: skip
    with StateStore.open(own_pin.paths, clock=lambda: NOW) as store:
        for one in made:
            row = CommandRow(one.command_id, "clara", one.command_state, None, canonical(one), b"", None)
            store.append([command_record(one)], statements=add_command(row)).result()
    told = acts_frame(own_pin.paths, "clara").filter(decision_id="dec_1")
    assert told["what"].to_list() == ["Gave up task task-7", "Replicas from 8 to 11"]
    assert told["carried_out_by"].to_list() == ["clara", "clara (simulated)"]
    assert told["why_not"].to_list() == ["Switched off.", None]
    assert acts_frame(own_pin.paths, "mary").filter(decision_id="dec_1").is_empty()


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
