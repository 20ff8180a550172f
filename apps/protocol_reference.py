"""The page on the assistant protocol, generated from `contracts/messages/assistants.py`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from contracts.messages import assistants, commands

_LEVELS = (
    "full_orchestration",
    "read_write",
    "read_only_alerts",
    "command_authority",
    "monitoring_thresholds",
)
_MESSAGES: tuple[type, ...] = (
    assistants.StatusReply,
    assistants.Latency,
    assistants.ExecuteRequest,
    assistants.CommandReply,
    assistants.RunTaskArguments,
    assistants.TuneArguments,
    assistants.ThresholdArguments,
    assistants.SyncArguments,
    commands.CommandRequest,
    commands.Command,
    commands.EndpointRequest,
    commands.LiveAssistant,
)
_ARGUMENTS = {
    "notify": "what is to be known, as the sender sees fit",
    "run_task": "`task_type`, `priority`, `privacy_class`, and the task's own",
    "cancel_task": "`task_id`, where the command names none",
    "sync": "`contract`, `record_id`, `values`",
    "hold": "`record_id`, where the command names no case and no task",
    "release": "as for `hold`",
    "tune": "`parameter`, `value`: one of the pack's parameters, within its bounds and its greatest step",
    "set_threshold": "`threshold`, `value`: one of the pack's thresholds",
}
_REPLIES = (
    ("200", "`CommandReply`", "closed as it says: completed, failed or refused"),
    ("202", "`CommandReply`, accepted", "asked after, ever more seldom, until done; or ended by the callback"),
    ("409", "problem", "failed: the id was used for another command"),
    ("429, 503", "problem, `Retry-After`", "sent again after that time, or after 0.5 s doubled with each try, at most 30 s"),
    ("other 4xx", "problem", "refused, with its `detail`"),
    ("5xx, no answer", "", "sent again, until the deadline; then it expires"),
)  # fmt: skip
Docs = Callable[[type], dict[str, str]]


def protocol_page(docs: Docs) -> str:
    """The whole page; `docs` gives the docstrings of a class's attributes."""
    text = inspect.cleandoc(assistants.__doc__ or "").split("\n", 2)
    head, paths, rest = text[0], *_paths_and_rest(text[2])
    lines = ["# The assistant protocol", "", head, "", "```", *paths, "```", "", *rest, ""]
    lines += ["How to write one: [Write an assistant](../how-to/write-an-assistant.md); how Aurora gets to know it:"]
    lines += ["[Connect an assistant](../how-to/connect-an-assistant.md). Version: "]
    lines[-1] += f"{assistants.PROTOCOL_VERSION}.\n"
    lines += [*_kinds(), *_levels(), *_replies(), "## Messages", ""]
    for message in _MESSAGES:
        lines += _message(message, docs(message))
    return "\n".join(lines).rstrip() + "\n"


def _paths_and_rest(text: str) -> tuple[list[str], list[str]]:
    paths = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    rest = [line for line in text.splitlines() if not line.startswith("    ")]
    return paths, "\n".join(rest).strip().splitlines()


def _kinds() -> Iterable[str]:
    yield from ("## Commands", "", "| kind | asks for | arguments |", "|---|---|---|")
    for kind, meaning in assistants.COMMAND_MEANINGS.items():
        yield f"| `{kind}` | {meaning} | {_ARGUMENTS.get(kind, 'none')} |"
    yield ""


def _levels() -> Iterable[str]:
    yield from ("## Control levels", "", "What Aurora lets through to an assistant, whoever asks:", "")
    yield f"| kind | {' | '.join(level.replace('_', ' ') for level in _LEVELS)} |"
    yield "|---" * (len(_LEVELS) + 1) + "|"
    for kind in assistants.COMMAND_MEANINGS:
        cells = ["yes" if kind in assistants.CONTROL[level] else "" for level in _LEVELS]
        yield f"| `{kind}` | {' | '.join(cells)} |"
    peers = ", ".join(f"`{kind}`" for kind in sorted(assistants.PEER_KINDS))
    authority = ", ".join(f"`{kind}`" for kind in sorted(assistants.AUTHORITY_KINDS))
    yield from (
        "",
        "- Under `read_only_alerts`, `run_task` runs task types that change nothing (`is_acting: false`) and no others.",
        f"- An assistant may send others {peers}, over an edge of the communication matrix (`sharing.yaml`).",
        f"- One with `command_authority` may send any other {authority}, without an edge and whatever the other's level.",
        "- A disabled assistant (the kill switch) gets no command at all; only a person switches it.",
        "",
    )


def _replies() -> Iterable[str]:
    yield from ("## Replies to `execute`", "", "| status | body | what becomes of the command |", "|---|---|---|")
    for status, body, meaning in _REPLIES:
        yield f"| {status} | {body} | {meaning} |"
    yield from (
        "",
        "`callback_url` is Aurora's; its last part is a token, so that no key is needed: `POST` the `CommandReply`",
        "there, 204 is the answer. The first word on a command's end counts.",
        "",
    )


def _message(message: type, docs: dict[str, str]) -> Iterable[str]:
    yield from (f"### {message.__name__}", "", inspect.cleandoc(message.__doc__ or ""), "")
    yield from ("| field | type | default | meaning |", "|---|---|---|---|")
    for field in msgspec.structs.fields(message):
        yield f"| `{field.encode_name}` | {_type(field.type)} | {_default(field)} | {docs.get(field.name, '')} |"
    yield ""


def _type(declared: Any) -> str:
    """A type as JSON has it: from its schema, in words."""
    schema = msgspec.json.schema(declared)
    while "$ref" in schema:
        schema = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    return _in_words(schema, schema.get("$defs", {}))


def _in_words(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_in_words(one, definitions) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("title"):
        return f"`{schema['title']}`"
    kind = str(schema.get("format") or schema.get("type", "any"))
    return {"date-time": "time", "array": "list"}.get(kind, kind)


def _default(field: Any) -> str:
    if field.default is msgspec.UNSET:
        return "absent"
    if field.default is not msgspec.NODEFAULT:
        return f"`{msgspec.json.encode(field.default).decode()}`"
    return (
        ""
        if field.default_factory is msgspec.NODEFAULT
        else f"`{msgspec.json.encode(field.default_factory()).decode()}`"
    )
