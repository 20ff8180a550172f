"""Whether an assistant refuses what it must: who shows no token, what is no command, what came too late."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Final

import msgspec

from aurora.assistants.kit.check import Fault, Skip, check
from aurora.assistants.kit.probe import Answer
from aurora.assistants.kit.visit import Visit

_REFUSALS: Final = "Refusals"
_REFUSED: Final = frozenset({400, 422})
_PROBLEM: Final = "application/problem+json"


@check("authentication", "401 without the token, and with a wrong one", section="Authentication")
def authentication(visit: Visit) -> None:
    """Only where a token was given to show."""
    if visit.probe.token is None:
        raise Skip("no --token was given.")
    path = visit.probe.api("status")
    for words, token in (("without a token", None), ("with a wrong token", f"{visit.probe.token}x")):
        answer = visit.probe.ask("GET", path, token=token)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            raise Fault(f"401 {words}", answer.words, "Compare the Authorization header on every path of /api.")
    body = msgspec.json.encode(visit.command("ping"))
    answer = visit.probe.ask("POST", visit.probe.api("execute"), body=body, token=None)
    if answer.status != HTTPStatus.UNAUTHORIZED:
        raise Fault("401 to a command without a token", answer.words, "Ask for the token before reading the command.")


@check("unknown_kind", "400 or 422 for a command_kind that does not exist", section=_REFUSALS, needs=("ping",))
def unknown_kind(visit: Visit) -> None:
    """What is not understood is not done."""
    _refused(visit, "unknown_kind", {**visit.command("ping"), "command_kind": "dance"}, "Refuse kinds you do not know.")


@check("unknown_field", "400 or 422 for a field that does not exist", section=_REFUSALS, needs=("ping",))
def unknown_field(visit: Visit) -> None:
    """A misspelt field that is passed over is a deadline that is not kept."""
    command = {**visit.command("ping"), "deadline": "2026-10-01T08:00:00Z"}
    _refused(visit, "unknown_field", command, "Requests are strict: refuse a body with a field you do not know.")


@check("bad_json", "400 or 422 for a body that is no JSON", section=_REFUSALS, needs=("ping",))
def bad_json(visit: Visit) -> None:
    """Also a body that ends too soon."""
    body = msgspec.json.encode(visit.command("ping"))[:-1]
    _refused(visit, "bad_json", body, "Refuse a body that does not parse; do not let it end in a 500.")


@check("problem_json", "refusals are application/problem+json with status and detail", section=_REFUSALS)
def problem_json(visit: Visit) -> None:
    """Of the refusals that came so far."""
    if not visit.refusals:
        raise Skip("nothing was refused.")
    for what, answer in visit.refusals.items():
        problem = _problem(answer)
        if answer.content_type != _PROBLEM or problem.get("status") != answer.status or not problem.get("detail"):
            raise Fault(
                f"{_PROBLEM} with status {answer.status} and detail ({what})",
                answer.words,
                "Refuse with a problem object (RFC 9457): type, title, status, detail.",
            )


@check("unknown_command", "404 for a command_id that never came", section="Commands", needs=("ping",))
def unknown_command(visit: Visit) -> None:
    """Aurora asks so whether a command arrived."""
    answer = visit.probe.get(visit.probe.api(f"commands/kit-{visit.nonce}-never"))
    if answer.status != HTTPStatus.NOT_FOUND:
        raise Fault("404", answer.words, "Answer commands/{command_id} with 404 where no such command came.")


@check("deadline", "a command whose deadline has passed is refused", section="Deadlines", needs=("ping",))
def deadline(visit: Visit) -> None:
    """By `command_state` refused, or by 4xx."""
    late = (visit.clock() - dt.timedelta(hours=1)).isoformat()
    task_type = visit.options.task_type or next(iter(_skills(visit)), None)
    commands = [visit.command("ping")]
    if task_type is not None:
        commands.insert(0, visit.task_command(task_type))
    for command in commands:
        answer = visit.probe.execute({**command, "deadline_at": late})
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            continue
        reply = visit.reply(answer, command["command_id"])
        if reply.command_state != "refused":
            raise Fault(
                f"command_state refused for a {command['command_kind']} of an hour ago",
                f"command_state {reply.command_state}",
                "Compare deadline_at with the clock before any work is begun.",
            )


def _skills(visit: Visit) -> list[str]:
    return [one.id for one in visit.card.skills] if visit.card is not None else []


def _refused(visit: Visit, what: str, command: object, next_step: str) -> None:
    body = command if isinstance(command, bytes) else msgspec.json.encode(command)
    answer = visit.probe.execute(body)
    if answer.status not in _REFUSED:
        raise Fault("400 or 422", answer.words, next_step)
    visit.refusals[what] = answer


def _problem(answer: Answer) -> dict[str, object]:
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


BEFORE_COMMANDS: Final = (authentication,)
OF_COMMANDS: Final = (unknown_kind, unknown_field, bad_json, unknown_command, deadline)
OF_REFUSALS: Final = (problem_json,)
