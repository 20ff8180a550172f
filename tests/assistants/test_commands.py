"""Commands from issue to end, against real servers: delivered once, sent again, followed up, expired, refused."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable

import msgspec
import pytest

from aurora.assistants.client import AssistantClient
from aurora.assistants.commands import Fleet, find_command, issue, list_commands, rollback_of
from aurora.assistants.dispatcher import Dispatcher
from aurora.assistants.lifecycle import CLOSED, Move
from aurora.assistants.switch import switch_off, switch_on
from aurora.compliance.holds import hold_record, release_hold
from aurora.errors import ComplianceError, ConflictError, DataError, NotReadyError, PermissionDeniedError
from aurora.store.state import StateStore
from contracts.messages.assistants import CommandReply
from contracts.messages.commands import Command, CommandRequest, hashed
from contracts.messages.compliance import Hold


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Desk:
    """Issues commands and delivers them until all are closed."""

    def __init__(self, fleet: Fleet, settings) -> None:
        self.fleet = fleet
        self.store: StateStore = fleet.state
        self._settings = settings

    def send(self, assistant_id: str, kind: str, *, actor: str = "owner", **request: object) -> Command:
        wanted = CommandRequest(command_kind=kind, **request)
        made = issue(wanted, self.fleet, assistant_id=assistant_id, actor_id=actor)
        self.store.append(made.records, statements=made.statements).result()
        if made.refusal is not None:
            raise made.refusal
        return made.command

    def deliver(
        self, *, until: Callable[[], bool] | None = None, when: Callable[[Dispatcher], object] | None = None
    ) -> None:
        """Run the dispatcher until every command is closed, or `until` says so; `when` is run beside it."""

        async def run() -> None:
            async with AssistantClient(self.store.paths, self._settings) as client:

                async def append(move: Move) -> None:
                    await asyncio.wrap_future(self.store.append(move.records, statements=move.statements))

                dispatcher = Dispatcher(
                    self.store, client, append=append, on_closed=lambda _: None, clock=self.fleet.clock
                )
                running = asyncio.create_task(dispatcher.run())
                if when is not None:
                    await asyncio.to_thread(when, dispatcher)
                async with asyncio.timeout(30):
                    while not (until or self.all_closed)():  # noqa: ASYNC110 - the state is another thread's
                        await asyncio.sleep(0.02)
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(run())

    def all_closed(self) -> bool:
        return all(one.command_state in CLOSED for one in self.all())

    def all(self) -> list[Command]:
        return list_commands(self.store, assistant_id=None, command_state=None, cursor=None, limit=500).commands

    def states(self, command_id: str) -> list[str]:
        """States in the journal, in order."""
        entries = [entry for entry in self.store.after(0, limit=1000) if entry.subject_id == command_id]
        return [msgspec.json.decode(entry.body)["command_state"] for entry in entries]


@pytest.fixture
def desk(fleet: Fleet, settings) -> Desk:
    return Desk(fleet, settings)


def test_a_command_is_delivered_and_its_end_recorded(desk: Desk, small, join) -> None:
    clara = small("clara")
    join("clara", clara.url)
    command = desk.send("clara", "notify", arguments={"text": "The open house moves."})
    desk.deliver()
    done = find_command(desk.store, command.command_id)
    assert (done.command_state, done.result, done.attempt_count) == ("completed", {"answer": 41}, 1)
    assert desk.states(command.command_id) == ["issued", "delivered", "completed"]
    assert clara.effects == {command.command_id: 1}
    sent = clara.requests[command.command_id]
    assert sent["arguments"] == {"text": "The open house moves."}
    assert sent["callback_url"].startswith("http://127.0.0.1:1/api/v1/callbacks/demo/")


def test_the_log_holds_hashes_of_what_may_be_erased(desk: Desk, small, join) -> None:
    join("clara", small("clara").url)
    command = desk.send("clara", "notify", arguments={"text": "Call Ms Haddad, +971 50 123 4567."})
    desk.deliver()
    bodies = [entry.body for entry in desk.store.after(0, limit=100) if entry.subject_id == command.command_id]
    assert not [body for body in bodies if b"Haddad" in body or b"answer" in body]
    assert msgspec.json.decode(bodies[0])["arguments"] == hashed(command.arguments)


def test_a_busy_assistant_is_sent_it_again(desk: Desk, small, join) -> None:
    clara = small("clara", busy_count=2)
    join("clara", clara.url)
    command = desk.send("clara", "ping")
    desk.deliver()
    assert clara.deliveries[command.command_id] == 3
    assert find_command(desk.store, command.command_id).attempt_count == 3
    assert desk.states(command.command_id) == ["issued", "delivered", "completed"]


def test_accepted_work_is_asked_after(desk: Desk, small, join) -> None:
    clara = small("clara", is_slow_worker=True)
    join("clara", clara.url)
    command = desk.send("clara", "run_task", arguments={"task_type": "property_matching"})

    def finish_later(_: Dispatcher) -> None:
        assert clara.got_one.wait(10)
        clara.finish(command.command_id)

    desk.deliver(when=finish_later)
    assert find_command(desk.store, command.command_id).result == {"answer": 42}
    assert desk.states(command.command_id) == ["issued", "delivered", "accepted", "completed"]


def test_a_callback_ends_accepted_work_and_counts_once(desk: Desk, small, join) -> None:
    clara = small("clara", is_slow_worker=True)
    join("clara", clara.url)
    command = desk.send("clara", "run_task", arguments={"task_type": "property_matching"})
    desk.deliver(until=lambda: desk.states(command.command_id)[-1] == "accepted")
    reply = CommandReply(command_id=command.command_id, command_state="completed", updated_at=now(), quality=0.9)

    def call_back(dispatcher: Dispatcher) -> None:
        first = asyncio.run(dispatcher.settle(command.command_id, reply))
        assert first.command_state == "completed"
        assert asyncio.run(dispatcher.settle(command.command_id, reply)) is None

    desk.deliver(when=call_back)
    assert desk.states(command.command_id) == ["issued", "delivered", "accepted", "completed"]
    assert find_command(desk.store, command.command_id).quality == 0.9


def test_an_assistant_that_forgot_gets_the_same_bytes_again(desk: Desk, small, join) -> None:
    clara = small("clara", is_slow_worker=True)
    join("clara", clara.url)
    command = desk.send("clara", "run_task", arguments={"task_type": "property_matching"})
    desk.deliver(until=lambda: desk.states(command.command_id)[-1] == "accepted")
    sent = clara.requests.pop(command.command_id)
    clara.replies.clear()
    clara.is_slow_worker = False
    desk.deliver()
    assert clara.requests[command.command_id] == sent
    assert find_command(desk.store, command.command_id).command_state == "completed"


def test_what_is_not_delivered_by_its_deadline_expires(desk: Desk, small, join) -> None:
    gone = small("clara")
    join("clara", gone.url)
    gone.stop()
    command = desk.send("clara", "ping", deadline_s=1)
    desk.deliver()
    done = find_command(desk.store, command.command_id)
    assert (done.command_state, done.error_type) == ("expired", "deadline")
    assert done.attempt_count >= 1
    assert desk.states(command.command_id) == ["issued", "expired"]


@pytest.mark.parametrize(
    ("flags", "state", "error_type"),
    [
        ({"execute_status": 409}, "failed", "http_409"),
        ({"execute_status": 422}, "refused", "http_422"),
        ({"execute_body": b"<html>"}, "failed", "bad_reply"),
    ],
)
def test_answers_that_are_no_reply_close_it_with_a_reason(desk, small, join, flags, state, error_type) -> None:
    join("clara", small("clara", **flags).url)
    command = desk.send("clara", "ping")
    desk.deliver()
    done = find_command(desk.store, command.command_id)
    assert (done.command_state, done.error_type) == (state, error_type)
    assert done.error


def test_a_slow_assistant_does_not_hold_up_another(desk: Desk, small, join) -> None:
    slow, quick = small("clara", slow_s=20.0), small("mary")
    join("clara", slow.url)
    join("mary", quick.url)
    stuck = [desk.send("clara", "ping").command_id for _ in range(20)]
    fast = [desk.send("mary", "ping").command_id for _ in range(20)]
    desk.deliver(until=lambda: all(find_command(desk.store, one).command_state == "completed" for one in fast))
    assert {find_command(desk.store, one).command_state for one in stuck} == {"issued"}


def test_refusals_are_recorded(desk: Desk) -> None:
    for kind, actor, arguments, error, rule in (
        ("tune", "owner", {"parameter": "temperature", "value": 0.5}, ComplianceError, "control_level"),
        ("ping", "owner", {}, NotReadyError, "connected"),
        ("run_task", "owner", {"task_type": "none"}, DataError, "one_of"),
        ("ping", "elena", {}, ComplianceError, "allowed_edge"),
    ):
        with pytest.raises(error) as refused:
            desk.send("mary", kind, actor=actor, arguments=arguments)
        assert refused.value.rule == rule
    refusals = [(one.command_state, one.error_type) for one in reversed(desk.all())]
    assert refusals == [("refused", rule) for rule in ("control_level", "connected", "one_of", "allowed_edge")]
    assert len(list(desk.store.after(0, limit=100))) == 4


def test_the_kill_switch_refuses_what_waits_and_what_comes(desk: Desk, small, join) -> None:
    clara = small("clara")
    join("clara", clara.url)
    waiting = desk.send("clara", "ping")
    made = switch_off(desk.store, "clara", reason="It lies.", actor_id="person:amal", now=now())
    desk.store.append(made.records, statements=made.statements).result()
    assert made.switch.refused_count == 1
    assert find_command(desk.store, waiting.command_id).error_type == "kill_switch"
    with pytest.raises(ConflictError, match="It lies"):
        desk.send("clara", "ping")
    with pytest.raises(ConflictError):
        switch_off(desk.store, "clara", reason="again", actor_id="owner", now=now())
    desk.deliver()
    assert not clara.deliveries
    made = switch_on(desk.store, "clara", reason="It was mended.", actor_id="owner", now=now())
    desk.store.append(made.records, statements=made.statements).result()
    desk.send("clara", "ping")
    desk.deliver()
    assert sum(clara.effects.values()) == 1


@pytest.mark.parametrize("actor", ["clara", "propertygpt"])
def test_only_a_person_throws_the_switch(store, actor: str) -> None:
    with pytest.raises(PermissionDeniedError):
        switch_off(store, "clara", reason="no", actor_id=actor, now=now())
    with pytest.raises(PermissionDeniedError):
        switch_on(store, "clara", reason="no", actor_id=actor, now=now())


def test_a_tuned_value_is_remembered_and_put_back(desk: Desk, small, join) -> None:
    join("clara", small("clara").url)
    first = desk.send("clara", "tune", arguments={"parameter": "temperature", "value": 0.5})
    with pytest.raises(ConflictError, match="is being changed"):
        desk.send("clara", "tune", arguments={"parameter": "temperature", "value": 0.45})
    desk.deliver()
    second = desk.send("clara", "tune", arguments={"parameter": "temperature", "value": 0.6})
    desk.deliver()
    assert [find_command(desk.store, one.command_id).previous_value for one in (first, second)] == [0.4, 0.5]
    with pytest.raises(ConflictError, match="was set again"):
        rollback_of(desk.store, first.command_id)
    assistant_id, back = rollback_of(desk.store, second.command_id)
    assert (assistant_id, back.arguments) == ("clara", {"parameter": "temperature", "value": 0.5})
    desk.send("clara", "tune", arguments=back.arguments)
    desk.deliver()
    with pytest.raises(ConflictError, match="was set again"):
        rollback_of(desk.store, second.command_id)


def test_a_state_that_was_reopened_knows_every_command(desk: Desk, paths, settings, small, join) -> None:
    """What a kill leaves behind is the state on the disk: another process goes on with it."""
    clara = small("clara")
    join("clara", clara.url)
    ids = [desk.send("clara", "ping").command_id for _ in range(5)]
    with StateStore.open(paths, clock=now) as other:
        Desk(dataclasses.replace(desk.fleet, state=other), settings).deliver()
    assert clara.effects == dict.fromkeys(ids, 1)
    assert {find_command(desk.store, one).command_state for one in ids} == {"completed"}


def test_a_command_about_a_record_on_hold_is_refused_and_on_record(desk: Desk, small, join) -> None:
    hold = Hold(
        hold_id="hld-1", hold_kind="hold", finding_id="fnd-1", rule_id="DLD-007", about_contract="deal",
        record_source="desk", about_id="D-7", reason="Hold the deal.", placed_at=now(), actor_id="aurora",
    )  # fmt: skip
    desk.store.append([hold_record(hold)]).result()
    join("clara", small("clara").url)
    about = {"task_type": "property_matching", "deal_id": "D-7"}
    with pytest.raises(ComplianceError, match="deal D-7 is on hold by DLD-007: Hold the deal"):
        desk.send("clara", "run_task", arguments=about)
    assert [(one.command_state, one.error_type) for one in desk.all()] == [("refused", "on_hold")]
    assert desk.send("clara", "ping", arguments={"deal_id": "D-7"}).command_state == "issued"
    release_hold(desk.store, "hld-1", actor_id="laila", note="It came", now=now())
    assert desk.send("clara", "run_task", arguments=about).command_state == "issued"
