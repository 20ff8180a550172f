"""Acting decisions are carried out, once: replicas by the published forecast, work that changes hands."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from apps.api.deciding import _CARRIED_OUT
from aurora.assistants.endpoints import connect as connected
from aurora.assistants.lifecycle import has_let_go
from aurora.decisions.capacity.book import CapacityBook, TargetCapacity, publish_book
from aurora.decisions.capacity.plan import CapacityHistory, CapacityLimits, DemandForecast, Standing
from aurora.decisions.carrying import KINDS, next_step
from aurora.decisions.replay import replay_these
from aurora.identity.keys import create_key
from aurora.packs import Parameter
from aurora.settings import Settings
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.commands import Command, EndpointRequest
from tests.api.conftest import now
from tests.assistants.small_assistant import SmallAssistant

SCALE = {"kind": "scale", "target_id": "clara"}
TASK = {"task_id": "task-7", "task_type": "kyc_check", "assistant_id": "clara", "priority": "high"}
REBALANCE = {"kind": "rebalance", "tasks": [TASK], "mode": "act"}
ALLOWED = {"assistants_allowed": "127.0.0.0/8", "status_poll_s": 0.2}


def _publish(paths: TenantPaths, *, age_s: float = 60.0, is_promoted: bool = True) -> str:
    """A capacity file about clara; its hash."""
    made_at = now() - dt.timedelta(seconds=age_s)
    standing = Standing(observed_count=400, violation_count=1, saved_replica_windows=90.0, autoscaler_violation_count=2)
    target = TargetCapacity(
        target_id="clara",
        kind="assistant",
        history=CapacityHistory(
            target_id="clara", window_s=600, ends_at=made_at, demand=(0.5, None, 0.7), replicas=9, standing=standing
        ),
        limits=CapacityLimits(replica_rate=0.1, max_replicas=24, startup_s=600, target_share=0.5),
        forecast=DemandForecast(
            target_id="clara",
            made_at=made_at,
            window_s=600,
            levels=(0.5, 0.95),
            values=((0.7, 1.1),) * 6,
            is_promoted=is_promoted,
        ),
        evidence=None,
        simulation=None,
        hindsight=None,
    )
    book = CapacityBook(
        published_at=made_at, data_to=made_at, bundle_hash="b", trained_to=None, wape=None, naive_wape=None,
        coverage_95=None, reason="", targets=(target,),
    )  # fmt: skip
    publish_book(paths, book)
    return hashlib.sha256((paths.serving / "capacity.json").read_bytes()).hexdigest()


@pytest.fixture
def running(serve_tenant: Callable[..., Any]) -> Any:
    return serve_tenant(**ALLOWED)


@pytest.fixture
def owner(running: Any) -> Iterator[httpx.Client]:
    with running.client(running.key(actor="owner")) as client:
        yield client


@contextmanager
def assistant(owner: httpx.Client, name: str, **flags: Any) -> Iterator[SmallAssistant]:
    found = SmallAssistant(name, **flags)
    try:
        put = owner.put(f"/api/v1/assistants/{name}/endpoint", json={"base_url": found.url})
        assert put.status_code == 200, put.text
        yield found
    finally:
        found.stop()


def _grant(owner: httpx.Client, kind: str) -> None:
    change = {"kind": kind, "act_share": 1.0, "reason": "It may act"}
    assert owner.post("/api/v1/decision-modes", json=change).status_code == 200


def _decide(owner: httpx.Client, request: dict[str, Any]) -> dict[str, Any]:
    reply = owner.post("/api/v1/decisions", json=request)
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found


def _commands(owner: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = owner.get("/api/v1/commands").json()["commands"]
    return found[::-1]


def _closed(owner: httpx.Client, count: int) -> list[dict[str, Any]]:
    """All commands, once that many are closed. Each look is a request that takes its time."""
    for _ in range(4000):
        found = _commands(owner)
        if sum(one["completed_at"] is not None for one in found) >= count:
            return found
    raise AssertionError(_commands(owner))


# the published forecast -----------------------------------------------------------------------


def test_a_scale_decision_reads_the_published_forecast_and_replays(running, owner, tmp_path) -> None:
    paths = running.tenants["demo"]
    assert owner.post("/api/v1/decisions", json=SCALE).status_code == 503  # nothing is published
    book_hash = _publish(paths)
    unknown = owner.post("/api/v1/decisions", json={**SCALE, "target_id": "mary"})
    assert (unknown.status_code, "clara" in unknown.text) == (404, True)
    one = _decide(owner, SCALE)
    batch = owner.post("/api/v1/decisions:batch", json={"requests": [SCALE]}).json()["results"][0]["decision"]
    told = {"window_s": 600, "ends_at": now().isoformat(), "demand": [0.6], "replicas": 8}
    partly = _decide(owner, {**SCALE, "history": told, "limits": {"replica_rate": 0.1}})
    for made in (one, batch, partly):
        assert made["request"]["forecast"]["published_hash"] == made["details"]["forecast_hash"] == book_hash
        assert made["details"]["is_forecast_stale"] is False
        assert 60 <= made["details"]["forecast_age_s"] < 300
        assert made["details"]["forecast_replicas"] == 11
        assert made["request"]["history"]["standing"]["autoscaler_violation_count"] == 2
        assert "published forecast" in made["reason"]
    assert one["action"] == "replicas=11"
    assert partly["request"]["history"]["replicas"] == 8
    own = {
        "made_at": now().isoformat(),
        "window_s": 600,
        "levels": [0.95],
        "values": [[0.3]] * 6,
        "published_hash": "x",
    }
    mine = _decide(owner, {**SCALE, "forecast": own})
    assert "published_hash" not in mine["request"]["forecast"]
    assert "forecast_hash" not in mine["details"]
    (paths.serving / "capacity.json").unlink()
    ids = [made["decision_id"] for made in (one, batch, partly, mine)]
    assert {found.verdict for found in replay_these(paths, Settings(data_dir=tmp_path), ids)} == {"equal"}


def test_a_forecast_that_cannot_be_planned_by_leaves_it_to_demand_of_late(running, owner) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"age_s": 7200.0}, "old and says nothing"),
        ({"is_promoted": False}, "has not won its replay"),
    )
    for facts, words in cases:
        _publish(running.tenants["demo"], **facts)
        made = _decide(owner, SCALE)
        assert made["details"]["is_forecast_stale"] is ("age_s" in facts)
        assert (made["details"]["decided_by"], made["details"]["forecast_replicas"]) == ("reactive", None)
        assert made["details"]["planned_replicas"] == made["details"]["reactive_replicas"]
        assert words in made["reason"]
    (running.tenants["demo"].serving / "capacity.json").write_text("{", encoding="utf-8")
    refused = owner.post("/api/v1/decisions", json=SCALE)
    assert (refused.status_code, "damaged" in refused.text) == (422, True)


# replicas -------------------------------------------------------------------------------------


def test_replicas_are_set_by_a_command_and_by_nothing_else(running, owner) -> None:
    _publish(running.tenants["demo"])
    with assistant(owner, "clara") as clara:
        advice = _decide(owner, {**SCALE, "mode": "act"})
        assert advice["mode"] == "advise"  # nobody let it act
        assert _decide(owner, {**SCALE, "mode": "shadow"})["mode"] == "shadow"
        assert _commands(owner) == []
        _grant(owner, "scale")
        stop = owner.post("/api/v1/decision-modes:stop", json={"reason": "A drill"})
        assert stop.status_code == 200
        assert _decide(owner, {**SCALE, "mode": "act"})["mode"] == "advise"
        assert _commands(owner) == []
        owner.post("/api/v1/decision-modes:resume", json={"reason": "It is over"})
        with running.client(running.key("decide", "read")) as weak:  # may decide, may not command
            assert weak.post("/api/v1/decisions", json={**SCALE, "mode": "act"}).status_code == 403
        once = {"idempotency-key": "scale-1"}
        acted = owner.post("/api/v1/decisions", json={**SCALE, "mode": "act"}, headers=once)
        assert owner.post("/api/v1/decisions", json={**SCALE, "mode": "act"}, headers=once).json() == acted.json()
        (command,) = _closed(owner, 1)
        assert command["decision_id"] == acted.json()["decision_id"]
        assert command["arguments"] == {"parameter": "parallel_task_count", "value": 11}
        assert (command["command_state"], command["previous_value"]) == ("completed", 8.0)
        again = _decide(owner, {**SCALE, "mode": "act"})
        assert (again["mode"], again["request"]["history"]["replicas"]) == ("act", 11)
        assert len(_commands(owner)) == 1  # it runs on as many
        back = owner.post(f"/api/v1/commands/{command['command_id']}:rollback", json={"reason": "Too many"})
        assert back.json()["arguments"]["value"] == 8
        _closed(owner, 2)
        assert sum(clara.effects.values()) == 2


def test_a_step_stays_within_the_bounds_of_the_pack() -> None:
    declared = Parameter(meaning="Tasks at once.", value=8, minimum=2, maximum=12, max_step=3)
    assert [next_step(wanted, 8, declared) for wanted in (0, 6, 8, 10, 40)] == [5, 6, 8, 10, 11]
    assert (next_step(0, 3, declared), next_step(99, 11, declared)) == (2, 12)


# work that changes hands ----------------------------------------------------------------------


def _taker(owner: httpx.Client) -> str:
    (move,) = _decide(owner, {**REBALANCE, "mode": "advise"})["details"]["moves"]
    return str(move["to_assistant_id"])


def test_work_changes_hands_when_its_holder_has_let_go(owner) -> None:
    taker = _taker(owner)
    assert _commands(owner) == []
    _grant(owner, "rebalance")
    with assistant(owner, "clara", slow_s=0.3) as clara, assistant(owner, taker) as other:
        made = _decide(owner, REBALANCE)
        cancel, run = _closed(owner, 2)
        assert [one["command_kind"] for one in (cancel, run)] == ["cancel_task", "run_task"]
        assert (cancel["assistant_id"], run["assistant_id"]) == ("clara", taker)
        assert {one["decision_id"] for one in (cancel, run)} == {made["decision_id"]}
        assert run["after_command_id"] == cancel["command_id"]
        assert (cancel["command_state"], run["command_state"]) == ("completed", "completed")
        assert cancel["completed_at"] < run["completed_at"]
        (sent,) = other.requests.values()
        assert (sent["task_id"], sent["arguments"]["task_type"]) == ("task-7", "kyc_check")
        assert sum(clara.effects.values()) == sum(other.effects.values()) == 1


def test_work_that_its_holder_keeps_is_not_given_to_another(owner) -> None:
    taker = _taker(owner)
    _grant(owner, "rebalance")
    with assistant(owner, "clara", execute_status=409), assistant(owner, taker) as other:
        _decide(owner, REBALANCE)
        cancel, run = _closed(owner, 2)
        assert (cancel["command_state"], run["command_state"]) == ("failed", "refused")
        assert run["error_type"] == "not_moved"
        assert not other.deliveries


def test_undelivered_work_of_who_is_down_is_withdrawn_and_begun_elsewhere_at_once(owner) -> None:
    _grant(owner, "rebalance")
    given = {
        "command_kind": "run_task",
        "task_id": "task-8",
        "arguments": {"task_type": "lead_follow_up", "lead": "l-1"},
    }
    mine = {"task_id": "task-8", "task_type": "lead_follow_up", "assistant_id": "clara"}
    asked = {"kind": "rebalance", "tasks": [mine], "mode": "act"}
    with assistant(owner, "clara", busy_count=1_000_000) as clara:
        first = owner.post("/api/v1/assistants/clara/commands", json=given).json()
        assert clara.got_one.wait(20)
    for _ in range(4000):  # each look is a request that takes its time
        if owner.get("/api/v1/assistants/clara").json()["live"]["assistant_state"] == "down":
            break
    (move,) = _decide(owner, {**asked, "mode": "advise"})["details"]["moves"]
    assert move["is_failover"]
    with assistant(owner, move["to_assistant_id"]) as other:
        elsewhere = {**asked, "tasks": [{**mine, "assistant_id": None}]}
        wrong = owner.post("/api/v1/decisions", json=elsewhere)
        assert (wrong.status_code, "clara" in wrong.text) == (409, True)
        _decide(owner, asked)
        withdrawn = owner.get(f"/api/v1/commands/{first['command_id']}").json()
        assert (withdrawn["command_state"], withdrawn["error_type"]) == ("refused", "moved")
        _, cancel, run = _closed(owner, 2)
        assert (run["command_kind"], run["command_state"]) == ("run_task", "completed")
        assert (cancel["command_kind"], cancel["command_state"]) == ("cancel_task", "issued")  # for its return
        (sent,) = other.requests.values()
        assert sent["arguments"] == given["arguments"]
        assert not clara.effects


def test_what_comes_after_waits_for_who_lets_go() -> None:
    def closed(kind: str, state: str, **facts: Any) -> Command:
        return Command(
            command_id="c", assistant_id="clara", command_kind=kind, command_state=state, region="r",  # type: ignore[arg-type]
            control_level="full_orchestration", allowed_command_kinds=(), actor_id="owner", arguments={},
            issued_at=now(), updated_at=now(), deadline_at=now(), **facts,
        )  # fmt: skip

    assert has_let_go(closed("cancel_task", "completed", result={"task_state": "canceled"}))
    assert has_let_go(closed("cancel_task", "refused", error_type="http_404"))
    assert has_let_go(closed("run_task", "refused", error_type="moved"))
    assert not has_let_go(closed("cancel_task", "completed", result={"task_state": "completed"}))
    assert not has_let_go(closed("cancel_task", "refused", error_type="control_level"))
    assert not has_let_go(closed("cancel_task", "expired"))


def test_a_killed_server_moves_work_once(tmp_path, start_child) -> None:
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    holder = SmallAssistant("clara", slow_s=0.5)
    others: dict[str, SmallAssistant] = {}
    with StateStore.open(paths, clock=now) as store:
        scopes = ("decide", "read", "command:write", "admin")
        key = create_key(store, actor_id="owner", label="", scopes=scopes, created_by="t", now=now()).token

        def connect(name: str, found: SmallAssistant) -> None:
            _, (record, statements) = connected(
                EndpointRequest(base_url=found.url), Settings(data_dir=tmp_path),
                assistant_id=name, actor_id="owner", is_local=True, now=now(),
            )  # fmt: skip
            store.append([record], statements=statements).result()

        connect("clara", holder)
        for name in ("laila", "omar", "mary", "theodora", "amira", "daniel"):
            others[name] = SmallAssistant(name)
            connect(name, others[name])
    headers = {"authorization": f"Bearer {key}"}
    try:
        with start_child(tmp_path) as (child, port):
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as owner:
                _grant(owner, "rebalance")
                taker = _taker(owner)
                once = {"idempotency-key": "move-1"}
                made = owner.post("/api/v1/decisions", json=REBALANCE, headers=once).json()
                assert holder.got_one.wait(20)
            os.kill(child.pid, signal.SIGKILL)
            child.wait(30)
        holder.slow_s = 0.0
        with (
            start_child(tmp_path) as (_, port),
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as owner,
        ):
            assert owner.post("/api/v1/decisions", json=REBALANCE, headers=once).json() == made
            assert [one["command_state"] for one in _closed(owner, 2)] == ["completed", "completed"]
    finally:
        for one in (holder, *others.values()):
            one.stop()
    assert sorted(holder.effects.values()) == [1]
    assert {name: sum(one.effects.values()) for name, one in others.items() if one.effects} == {taker: 1}


def test_the_api_carries_out_what_the_engine_can():
    assert _CARRIED_OUT == KINDS
