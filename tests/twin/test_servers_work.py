"""A live assistant works: what is asked of it takes time and room, and commands change how it works."""

from __future__ import annotations

import datetime as dt

import pytest

from aurora.errors import ConflictError, DataError, NotFoundError, PermissionDeniedError, UsageError
from aurora.packs import Thresholds
from contracts import registry
from contracts.messages.assistants import AUTHORITY_KINDS, COMMAND_MEANINGS, CONTROL
from tests.twin.live import PACK, START, Life
from twin.servers.clock import TwinClock, live_clock
from twin.servers.demand import fleet_demand
from twin.servers.problems import BusyError, PausedError
from twin.servers.row_log import GoneError, RowLog
from twin.servers.tuning import effect_of
from twin.servers.worker import OWN_ERRORS

LONG = 3_600.0


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(START + seconds, dt.UTC)


def test_a_task_is_accepted_takes_its_time_and_ends():
    life = Life()
    accepted = life.send("run_task", command_id="c", task_id="t", case_id="case", decision_id="d")
    assert accepted.command_state == "accepted"
    life.wait(0.001)
    assert life.state("c") == "accepted"
    life.wait(LONG)
    done = life.desk.known("c")
    assert done.command_state in ("completed", "failed")
    assert done.result["is_simulated"]
    assert done.duration_ms is not None
    assert done.duration_ms > 0
    working, final = life.rows("task")
    assert (working["task_state"], working["is_success"], working["quality"]) == ("working", None, None)
    assert final["task_state"] == done.command_state
    assert (final["case_id"], final["decision_id"], final["assistant_id"]) == ("case", "d", "clara")
    assert life.rows("usage")


def test_the_same_seed_gives_the_same_life_in_whatever_steps_time_passes():
    lives = [Life(a_day=5_000.0), Life(a_day=5_000.0)]
    for life, step in zip(lives, (7_200, 37), strict=True):
        passed = 0
        while passed < 7_200:
            life.wait(min(step, 7_200 - passed))
            passed += step
    first, other = lives
    for contract in ("task", "usage", "conversation"):
        assert first.rows(contract) == other.rows(contract)
        assert len(first.rows(contract)) > 20
    another = Life(a_day=5_000.0, seed=8)
    another.wait(7_200)
    assert another.rows("task") != first.rows("task")


def test_rows_have_no_column_that_their_contract_has_not():
    life = Life(a_day=5_000.0)
    life.wait(7_200)
    for contract in ("task", "usage", "conversation", "assistant_status"):
        declared = set(registry.table(contract).columns)
        rows = life.rows(contract)
        assert rows
        assert {name for row in rows for name in row} <= declared


def test_a_full_queue_refuses_work_and_says_when_to_ask_again():
    life = Life()
    for _ in range(2 + 4):  # two at work, four that wait
        life.send("run_task")
    with pytest.raises(BusyError) as error:
        life.send("run_task")
    assert error.value.status == 429
    assert 0 < error.value.retry_after_s < 60
    life.wait(LONG)
    assert life.send("run_task").command_state == "accepted"


def test_what_is_urgent_goes_first():
    life = Life()
    for name, priority in (("a", "medium"), ("b", "medium"), ("low", "low"), ("critical", "critical")):
        life.send("run_task", task_id=name, arguments={"task_type": "property_matching", "priority": priority})
    life.wait(LONG)
    started = [row["task_id"] for row in life.rows("task") if row["task_state"] == "working"]
    assert started.index("critical") < started.index("low")


def test_a_paused_assistant_takes_nothing_and_finishes_what_it_has():
    life = Life()
    life.send("run_task", command_id="before")
    life.send("pause")
    assert life.worker.status(START).is_paused
    with pytest.raises(PausedError):
        life.send("run_task", command_id="during")
    life.wait(LONG)
    assert life.state("before") in ("completed", "failed")
    life.send("resume")
    assert life.send("run_task", command_id="during").command_state == "accepted"


def test_own_work_that_comes_while_it_is_paused_is_turned_away():
    life = Life(a_day=5_000.0)
    life.send("pause")
    life.wait(LONG)
    assert {row["task_state"] for row in life.rows("task")} == {"rejected"}


def test_held_work_stands_still_until_it_is_released():
    life = Life()
    life.send("run_task", command_id="c", task_id="t", case_id="case")
    life.wait(0.01)
    assert life.send("hold", case_id="case").result["task_ids"] == ["t"]
    life.send("run_task", command_id="later", task_id="u", case_id="case")
    life.wait(LONG)
    assert life.state("c") == life.state("later") == "accepted"
    assert life.worker.open_count == 2
    assert set(life.send("release", case_id="case").result["task_ids"]) == {"t", "u"}
    life.wait(LONG)
    assert {life.state("c"), life.state("later")} <= {"completed", "failed"}


def test_a_task_is_given_up():
    life = Life()
    life.send("run_task", command_id="c", task_id="t")
    assert life.send("cancel_task", task_id="t").result["task_state"] == "canceled"
    assert (life.state("c"), life.desk.known("c").error_type) == ("failed", "canceled")
    assert life.worker.open_count == 0
    with pytest.raises(NotFoundError):
        life.send("cancel_task", task_id="nobody")


def test_a_deadline_is_kept_or_the_work_fails_at_it():
    life = Life()
    assert life.send("run_task", deadline_at=at(-1)).command_state == "refused"
    life.send("run_task", command_id="c", deadline_at=at(0.001))
    life.wait(LONG)
    done = life.desk.known("c")
    assert (done.command_state, done.error_type, done.duration_ms) == ("failed", "deadline_exceeded", 1)


def test_a_command_comes_to_its_effect_once():
    life = Life()
    first = life.send("run_task", command_id="c", task_id="t")
    assert life.send("run_task", command_id="c", task_id="t") == first
    life.wait(LONG)
    again = life.send("run_task", command_id="c", task_id="t")
    assert again == life.desk.known("c")
    assert [row["task_state"] for row in life.rows("task")].count("working") == 1
    with pytest.raises(ConflictError, match="another body"):
        life.send("run_task", command_id="c", task_id="u")
    with pytest.raises(ConflictError, match="another command"):
        life.send("run_task", command_id="d", task_id="t")


def test_more_effort_is_slower_dearer_and_better():
    parameters = Life().worker.assistant.parameters
    none = effect_of(parameters, {})
    more = effect_of(parameters, {"escalation_confidence": 1.0, "parallel_task_count": 6.0})
    assert (none.time_factor, none.success_gain, none.capacity_factor) == (1.0, 0.0, 1.0)
    assert more.time_factor > 1
    assert more.cost_factor > 1
    assert more.success_gain > 0
    assert more.capacity_factor == 3


def test_tuning_has_effect_within_its_bounds():
    life = Life()
    reply = life.send("tune", arguments={"parameter": "parallel_task_count", "value": 4})
    assert reply.result["previous_value"] == 2
    assert life.worker.status(START).capacity_count == 4
    for wrong in ({"parameter": "parallel_task_count", "value": 9}, {"parameter": "zeal", "value": 1}, {"value": 1}):
        with pytest.raises(DataError) as error:
            life.send("tune", arguments=wrong)
        assert error.value.field.startswith("arguments")
    life.send("tune", arguments={"parameter": "parallel_task_count", "value": 8})
    with pytest.raises(DataError, match="cannot be 1"):
        life.send("tune", arguments={"parameter": "parallel_task_count", "value": 1})


def test_a_threshold_decides_when_it_calls_itself_degraded():
    life = Life()
    assert life.worker.status(START).assistant_state == "active"
    life.send("run_task")
    life.send("set_threshold", arguments={"threshold": "max_open_share", "value": 0.1})
    assert life.worker.status(START).assistant_state == "degraded"
    assert set(life.worker.thresholds) == set(Thresholds.__struct_fields__)
    with pytest.raises(DataError):
        life.send("set_threshold", arguments={"threshold": "max_error_share", "value": 2})


def test_a_record_is_synchronised():
    life = Life()
    record = {"contract": "party", "record_id": "p1"}
    assert life.send("sync", arguments={**record, "values": {"a": 1, "b": 2}}).result["changed"] == ["a", "b"]
    assert life.send("sync", arguments={**record, "values": {"a": 1, "b": 3}}).result["changed"] == ["b"]
    assert life.send("notify", arguments={"message": "hello"}).result["note_count"] == 1


@pytest.mark.parametrize("level", CONTROL)
def test_kinds_that_nobody_may_send_are_refused(level):
    life = Life(level=level)
    for kind in COMMAND_MEANINGS:
        if kind not in CONTROL[level] | AUTHORITY_KINDS:
            with pytest.raises(PermissionDeniedError):
                life.send(kind)
    if level == "read_only_alerts":
        with pytest.raises(PermissionDeniedError, match="change nothing"):
            life.send("run_task", arguments={"task_type": "viewing_scheduling"})


def test_health_is_what_happened():
    life = Life()
    for _ in range(40):
        life.send("run_task")
        life.wait(30)
    status = life.worker.status(life.now)
    final = [row for row in life.rows("task") if row["task_state"] in ("completed", "failed")]
    waits = sorted(row["duration_ms"] for row in final)
    assert status.request_count == 40
    own = [work for work in life.worker.works.values() if work.error_type in OWN_ERRORS]
    assert status.error_share == pytest.approx(len(own) / 40, abs=1e-6)
    assert len(own) < sum(not row["is_success"] for row in final)
    assert status.latency.p50_ms == pytest.approx(waits[19], abs=1)
    assert status.latency.p95_ms == pytest.approx(waits[37], abs=1)
    life.worker.health.go_down(life.now)
    life.wait(600)
    life.worker.health.come_up(life.now)
    assert life.worker.status(life.now).uptime_share == pytest.approx(1 - 600 / 3600, abs=0.01)
    life.wait(5 * LONG)
    assert life.worker.status(life.now).request_count == 0


def test_who_asked_is_told_when_accepted_work_is_done():
    life = Life()
    life.send("run_task", command_id="c", callback_url="http://127.0.0.1:1/done")
    assert life.callbacks == []
    life.wait(LONG)
    assert life.callbacks == [("http://127.0.0.1:1/done", life.desk.known("c"))]


def test_a_fast_life_catches_up_with_the_wall_and_then_keeps_step():
    now = [START]
    clock = live_clock(lambda: now[0], speed=61, days_back=1)
    assert clock.life() == START - 86_400
    now[0] = START + 720
    assert clock.life() == START - 86_400 + 720 * 61
    assert clock.wall_of(clock.life()) == pytest.approx(now[0])
    now[0] = START + 1_440
    assert clock.life() == pytest.approx(now[0])
    now[0] = START + 5_000
    assert clock.life() == clock.life_of(now[0]) == clock.wall_of(now[0]) == now[0]
    for wrong in (0.5, 1e9):
        with pytest.raises(UsageError):
            TwinClock(lambda: START, started=START, life_start=START, speed=wrong)


def test_asked_work_is_of_the_walls_time_at_any_speed():
    life = Life(speed=61, behind=86_400)
    life.send("run_task", command_id="c", task_id="t")
    life.wait(300)
    final = life.rows("task")[-1]
    ended = dt.datetime.fromisoformat(final["completed_at"])
    assert at(0) <= ended <= at(300)
    assert life.desk.known("c").updated_at == ended


def test_work_arrives_by_the_hours_that_people_work():
    demand = fleet_demand(PACK, seed=7, load=1.0)
    assert len(demand) == 16
    hours = [0] * 24
    moment = 1_789_948_800.0  # a Monday, 00:00 UTC
    until = moment + 5 * 86_400
    count = 0
    while (moment := demand["clara"].after(moment)) < until:
        hours[dt.datetime.fromtimestamp(moment, dt.UTC).hour] += 1
        count += 1
    assert sum(hours[6:14]) > 4 * sum(hours[16:24])
    share = 24 / sum(one.capacity_count for one in PACK.assistants)
    assert count == pytest.approx(5 * 2_250 * share, rel=0.15)


def test_a_cursor_begins_where_the_page_before_ended():
    log = RowLog("run")
    assert log.page(None, 5).cursor is None
    for number in range(7):
        log.append({"n": number})
    first = log.page(None, 5)
    second = log.page(first.cursor, 5)
    assert [*first.rows, *second.rows] == [b'{"n":%d}' % number for number in range(7)]
    assert log.page(second.cursor, 5).cursor == second.cursor
    other = RowLog("another run")
    other.append({"n": 9})
    assert other.page(first.cursor, 5).rows == [b'{"n":9}']
    for wrong in ("???", "bm90IG91cnM", first.cursor[:-3] + "0000"):
        with pytest.raises(UsageError):
            log.page(wrong, 5)


def test_rows_that_are_no_longer_kept_are_gone_and_said_so():
    log = RowLog("run", retained=10)
    log.append({"n": 0})
    cursor = log.page(None, 1).cursor
    for number in range(1, 40):
        log.append({"n": number})
    with pytest.raises(GoneError):
        log.page(cursor, 5)
    assert log.page(None, 1).rows != [b'{"n":0}']
