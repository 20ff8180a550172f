"""Whether an assistant that speaks A2A speaks it as its card says. Aurora's own protocol does not need it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from aurora.assistants.kit.check import Fault, Skip, check
from aurora.assistants.kit.probe import Answer
from aurora.assistants.kit.visit import Visit

_SECTION: Final = "Agent card"
_WRONG: Final = frozenset({400, 422})
_BUSY: Final = frozenset({429, 503})


@check(
    "a2a",
    "the HTTP+JSON interface of the card takes messages and knows its tasks",
    section=_SECTION,
    needs=("agent_card",),
)
def a2a(visit: Visit) -> None:
    """A message that is none is refused, a message becomes a task, and a task nobody gave is not found."""
    root = _root(visit)
    wrong = visit.probe.ask("POST", f"{root}/message:send", body=b"{}")
    unknown = visit.probe.get(f"{root}/tasks/kit-{visit.nonce}-none")
    if wrong.status == unknown.status == HTTPStatus.NOT_FOUND:
        raise Skip("A2A is not served there; Aurora's own protocol does without.")
    if unknown.status != HTTPStatus.NOT_FOUND:
        raise Fault("404 for GET /tasks/{id} of no task", unknown.words, "Serve A2A there, or take it off the card.")
    if wrong.status not in _WRONG:
        raise Fault("400 or 422 for a message:send without a message", wrong.words, "Refuse what is no message.")
    message = {"messageId": f"kit-{visit.nonce}", "role": "ROLE_USER", "parts": [{"text": "A test of the protocol."}]}
    body = msgspec.json.encode({"message": message, "configuration": {"returnImmediately": True}})
    sent = visit.probe.ask("POST", f"{root}/message:send", body=body)
    if sent.status in _BUSY or sent.status == HTTPStatus.FORBIDDEN:
        raise Skip(f"it takes no message now ({sent.status}).")
    told = _object(sent)
    task = told.get("task")
    if sent.status != HTTPStatus.OK or not (isinstance(task, dict) or isinstance(told.get("message"), dict)):
        raise Fault("200 with a task or a message", sent.words, "Answer message:send as A2A 1.0 says.")
    if isinstance(task, dict):
        _look_up(visit, root, task)


def _look_up(visit: Visit, root: str, task: dict[str, Any]) -> None:
    status = task.get("status")
    state = status.get("state", "") if isinstance(status, dict) else ""
    if not str(state).startswith("TASK_STATE_"):
        raise Fault("a state such as TASK_STATE_WORKING", f"{state!r}", "Write states as A2A 1.0 names them.")
    found = visit.probe.get(f"{root}/tasks/{task.get('id')}")
    if found.status != HTTPStatus.OK or _object(found).get("id") != task.get("id"):
        raise Fault(f"the task {task.get('id')}", found.words, "Answer GET /tasks/{id} for every task.")


def _root(visit: Visit) -> str:
    """Path of the interface. Errors: `Skip` where there is none on this server."""
    named = (
        [one for one in visit.card.supported_interfaces if one.protocol_binding == "HTTP+JSON"] if visit.card else []
    )
    if not named:
        raise Skip("the card names no HTTP+JSON interface.")
    base, there = urlsplit(visit.probe.base_url), urlsplit(named[0].url)
    if (there.hostname, there.port) != (base.hostname, base.port):
        raise Skip(f"the interface is elsewhere, at {named[0].url[:200]}.")
    return there.path.rstrip("/").removeprefix(base.path.rstrip("/"))


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


CHECKS: Final = (a2a,)
