"""Whether commands do what they say, once each, however often they come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final

from aurora.assistants.kit.check import Fault, Skip, check
from aurora.assistants.kit.probe import Answer
from aurora.assistants.kit.visit import DONE, Visit
from contracts.messages.assistants import CommandReply

_COMMANDS: Final = "Commands"
_ONCE: Final = "Idempotency"
_WORK: Final = "Work"
_PAUSE: Final = "Pause"
_AT_ONCE: Final = 8
_TIMES_CAPACITY: Final = 4
_LONGEST_WAIT_S: Final = 10.0
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@check("ping", "200 with a completed CommandReply", section=_COMMANDS)
def ping(visit: Visit) -> None:
    """The one kind that every assistant does."""
    visit.done(visit.command("ping"), expected="200 with a completed CommandReply")


@check("idempotency", "the same command again gets the same reply", section=_ONCE, needs=("ping",))
def idempotency(visit: Visit) -> None:
    """Field by field; a reply that is made anew shows by its updated_at."""
    command = visit.command("ping", nonce=visit.nonce)
    first = visit.done(command, expected="200")
    again = visit.done(command, expected="200 for the same command again")
    _same(first, again)


@check("conflict", "409 for a known command_id with another body", section=_ONCE, needs=("idempotency",))
def conflict(visit: Visit) -> None:
    """Two commands under one id: one of them would be lost."""
    command = visit.command("ping", nonce=1)
    visit.done(command, expected="200")
    answer = visit.probe.execute({**command, "arguments": {"nonce": 2}})
    if answer.status != HTTPStatus.CONFLICT:
        raise Fault("409", answer.words, "Keep the body beside the reply, and compare.")
    visit.refusals["conflict"] = answer


@check("concurrency", "the same command many times at once gets one reply", section=_ONCE, needs=("idempotency",))
def concurrency(visit: Visit) -> None:
    """As when a caller's patience ends before the answer comes."""
    command = visit.command("ping", nonce=visit.nonce)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda _: visit.probe.execute(command), range(_AT_ONCE)))
    for answer in answers:
        if answer.status != HTTPStatus.OK:
            raise Fault("200 each time", answer.words, "Let the second wait for the first, and give it its reply.")
    replies = [visit.reply(answer, command["command_id"]) for answer in answers]
    for other in replies[1:]:
        _same(replies[0], other)


@check("work", "a task that is accepted is finished, and can be asked for", section=_WORK, needs=("ping",))
def work(visit: Visit) -> None:
    """The first task type that it takes; whether it succeeds is its own affair."""
    card = visit.card
    wanted = [visit.options.task_type] if visit.options.task_type else [one.id for one in card.skills] if card else []
    if not wanted:
        raise Skip("no task type is known: --task-type names one, or the card's skills do.")
    command, answer = _first_taken(visit, wanted)
    if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
        raise Fault("200 or 202", answer.words, "Take a task of one of the card's skills.")
    reply = visit.reply(answer, command["command_id"])
    if answer.status == HTTPStatus.ACCEPTED and reply.command_state != "accepted":
        raise Fault(
            "command_state accepted with 202", f"command_state {reply.command_state}", "Answer 200 if it is done."
        )
    if reply.command_state not in DONE:
        reply = visit.finished(command["command_id"])
    if reply.command_state == "refused":
        raise Fault("completed or failed", f"refused: {reply.error}", "Refuse a task before it is accepted, not after.")
    visit.task_type = command["arguments"]["task_type"]
    visit.work, visit.work_reply = command, reply


@check("once", "work that is done is not done again", section=_ONCE, needs=("work", "idempotency"))
def once(visit: Visit) -> None:
    """The whole command again: the reply it had in the end, at once."""
    assert visit.work is not None  # noqa: S101 - work passed
    assert visit.work_reply is not None  # noqa: S101
    answer = visit.probe.execute(visit.work)
    if answer.status != HTTPStatus.OK:
        raise Fault("200 with the reply it had", answer.words, "Give the reply that is known by now.")
    _same(visit.work_reply, visit.reply(answer, visit.work["command_id"]))


@check("cancel", "a task can be given up", section=_WORK, needs=("work",))
def cancel(visit: Visit) -> None:
    """Given up or finished before: either way it ends."""
    command = visit.task_command()
    answer = taken(visit, command)
    if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
        raise Fault("200 or 202", answer.words, "Take another task of the same type.")
    visit.reply(answer, command["command_id"])
    given_up = {**visit.command("cancel_task", task_id=command["task_id"]), "task_id": command["task_id"]}
    visit.done(given_up, expected="200 with a completed CommandReply")
    visit.finished(command["command_id"])


@check("pause", "while it is paused it takes no work, and afterwards again", section=_PAUSE, needs=("work",))
def pause(visit: Visit) -> None:
    """Whatever happens, it is resumed."""
    visit.done(visit.command("pause"), expected="200 with a completed CommandReply")
    try:
        refused = visit.probe.execute(visit.task_command())
        visit.paused_status = visit.status() if visit.first_status is not None else None
    finally:
        visit.done(visit.command("resume"), expected="200 with a completed CommandReply")
    visit.paused = refused
    if refused.status not in _BUSY:
        raise Fault("503 or 429 while paused", refused.words, "Take no run_task between pause and resume.")
    command = visit.task_command()
    answer = taken(visit, command)
    if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
        raise Fault("200 or 202 after resume", answer.words, "Take work again after resume.")
    if visit.reply(answer, command["command_id"]).command_state not in DONE:
        visit.finished(command["command_id"])


@check("retry_after", "503 and 429 say when to ask again", section=_PAUSE, needs=("pause",))
def retry_after(visit: Visit) -> None:
    """Without it nobody knows whether to wait or to fail over."""
    assert visit.paused is not None  # noqa: S101 - pause passed
    wait = visit.paused.headers.get("retry-after")
    if wait is None or not wait.strip().isdigit():
        raise Fault("Retry-After in seconds", f"Retry-After {wait!r}", "Send Retry-After with every 503 and 429.")
    visit.refusals["paused"] = visit.paused


@check(
    "overload",
    "when it has all that it can take, it says so and when to ask again",
    section=_PAUSE,
    needs=("status", "cancel"),
)
def overload(visit: Visit) -> None:
    """Only where it is wished for: it gives the assistant as much as it takes, and takes it back."""
    if not visit.options.is_overloaded:
        raise Skip("--overload was not given.")
    given: list[dict[str, Any]] = []
    most = _TIMES_CAPACITY * max(1, visit.status().capacity_count) + _AT_ONCE
    try:
        while True:
            command = visit.task_command()
            answer = visit.probe.execute(command)
            if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
                break
            given.append(command)
            if len(given) >= most:
                raise Fault(
                    "429 or 503 when its capacity is used up",
                    f"{len(given)} tasks were taken, and each answered {answer.status}",
                    "Refuse what you cannot begin soon, so that another assistant can take it.",
                )
    finally:
        for one in given:
            visit.probe.execute({**visit.command("cancel_task", task_id=one["task_id"]), "task_id": one["task_id"]})
    wait = answer.headers.get("retry-after", "")
    if answer.status not in _BUSY or not wait.strip().isdigit():
        raise Fault("429 or 503 with Retry-After in seconds", answer.words, "Say when there will be room again.")


@check("state", "the status tells what is so", section="Status", needs=("status", "ping"))
def state(visit: Visit) -> None:
    """It counts what was asked of it, and says when it is paused."""
    assert visit.first_status is not None  # noqa: S101 - status passed
    now = visit.status()
    if now.request_count <= visit.first_status.request_count:
        raise Fault(
            f"request_count above {visit.first_status.request_count} after commands were done",
            f"request_count {now.request_count}",
            "Count requests over the window that the status names.",
        )
    if now.is_paused:
        raise Fault("is_paused false after resume", "is_paused true", "Say what is so now.")
    if visit.paused_status is not None and not visit.paused_status.is_paused:
        raise Fault(
            "is_paused true between pause and resume", "is_paused false", "Say in the status that it is paused."
        )


def taken(visit: Visit, command: dict[str, Any]) -> Answer:
    """The answer to a task; while there is no room, it is asked again as Retry-After says."""
    waited = 0.0
    while True:
        answer = visit.probe.execute(command)
        visit.skip_forbidden(answer, "run_task")
        text = answer.headers.get("retry-after", "")
        if answer.status not in _BUSY or not text.isdigit() or waited >= visit.options.wait_s:
            return answer
        wait = min(float(text), _LONGEST_WAIT_S)
        visit.sleep(wait)
        waited += wait


def _first_taken(visit: Visit, wanted: list[str]) -> tuple[dict[str, Any], Answer]:
    """The first task type that is not forbidden. Errors: `Skip` when all are."""
    for task_type in wanted:
        command = visit.task_command(task_type)
        try:
            return command, taken(visit, command)
        except Skip:
            continue
    raise Skip("it lets nobody send run_task for any of its skills (403).")


def _same(first: CommandReply, other: CommandReply) -> None:
    if first != other:
        raise Fault(f"the reply it had: {first}", f"{other}", "Keep each reply by its command_id and give it again.")


SMALL_COMMANDS: Final = (ping, idempotency, conflict, concurrency)
WORK: Final = (work, once, cancel, pause, retry_after, overload, state)
