"""ChatGPT's data export: `conversations.json`, its parts `conversations-NNN.json`, and `export_manifest.json`.

A conversation is a graph: `mapping` holds every message with its parent, `current_node` the last one shown. The way
from there to the root is the conversation; answers off that way were asked again or edited, and are kept as
`is_side_branch`. Each message of the assistant is a usage row.

The export counts no tokens. `input_tokens` and `output_tokens` stay empty and the row unpriced; what the texts say is
in `estimated_...` (`aurora.ingest.token_estimate`): the answer, and everything above it on its own way.

The manifest lists the parts. Those that are not beside it are refused by name, so that a missing part is seen.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from aurora.ingest import foreign, litellm
from aurora.ingest.documents import Positions, as_json, read_documents, unknown_shape
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.portions import Portion, Refusal, SourceFile
from aurora.ingest.token_estimate import estimated_tokens

CONTRACTS: Final = ("usage", "conversation")
_ASSISTANT: Final = "assistant"
_SPOKEN: Final = ("user", _ASSISTANT)
_FAILED: Final = ("system_error",)
_LONGEST_ANSWER_S: Final = 3600
"""A longer gap between question and answer is a pause, not an answer's time."""
_MANIFEST: Final = "logical_files"


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """Conversations with a mapping and a current node, or the manifest of their parts."""
    if head.lstrip()[:1] not in (b"{", b"["):
        return False
    return (b'"mapping"' in head and (b'"current_node"' in head or b'"children"' in head)) or (
        b'"logical_files"' in head and b'"manifest_file"' in head
    )


def _is_document(value: Mapping[str, Any]) -> bool:
    return "mapping" in value or _MANIFEST in value


class _Found:
    """What was read of some conversations."""

    def __init__(self, messages: Positions, talks: Positions) -> None:
        self.messages, self.talks = messages, talks
        self.usage: list[Record] = []
        self.conversations: list[Record] = []
        self.refused: list[Refusal] = []
        self.refused_talks: list[Refusal] = []


def read(file: SourceFile) -> Iterator[Portion]:
    """A usage row an answer, on the way or off it, and a conversation row a conversation."""
    messages, talks = Positions(), Positions()
    for documents in read_documents(file, is_document=_is_document):
        found = _Found(messages, talks)
        for document in documents:
            if isinstance(document, Refusal):
                found.refused.append(messages.placed(document))
            elif "mapping" in document:
                _read_conversation(document, found)
            else:
                _read_manifest(document, file.path.parent, found)
        yield foreign.text_portion("usage", found.usage, found.refused)
        if found.conversations or found.refused_talks:
            yield foreign.text_portion("conversation", found.conversations, found.refused_talks)


def _read_manifest(manifest: Mapping[str, Any], folder: Path, found: _Found) -> None:
    listed = manifest[_MANIFEST]
    about = listed.get("conversations.json") if isinstance(listed, dict) else None
    files = about.get("files") if isinstance(about, dict) else None
    if not isinstance(files, list):
        found.refused.append(unknown_shape(manifest, found.messages.next()))
        return
    for name in files:
        if not isinstance(name, str) or not (folder / Path(name).name).is_file():
            reason = f"The export's manifest lists {str(name)[:100]}, which is not beside it. Drop it there as well."
            found.refused.append(Refusal(found.messages.next(), "missing_file", reason, as_json(name)))


def _read_conversation(document: Mapping[str, Any], found: _Found) -> None:
    nodes = document["mapping"]
    talk = foreign.first(document, ("conversation_id", "id"))
    if not isinstance(nodes, dict) or not isinstance(talk, str):
        found.refused.append(unknown_shape({**document, "mapping": None}, found.messages.next()))
        return
    way = set(_way(nodes, document.get("current_node")))
    tokens = {key: estimated_tokens(_text(_message(node) or {})) for key, node in nodes.items()}
    turns = 0
    for key, node in nodes.items():
        message = _message(node)
        role = _role(message)
        if role in _SPOKEN and key in way and tokens[key]:
            turns += 1
        if role == _ASSISTANT or not isinstance(node, dict) or (node.get("message") is not None and role is None):
            _read_answer(document, key, tokens, is_side=key not in way, found=found)
    _read_talk(document, talk, turns, found)


def _way(nodes: Mapping[str, Any], last: Any) -> list[str]:
    """Keys from a node up to the root; a ring of parents is followed once."""
    way: list[str] = []
    seen: set[str] = set()
    while isinstance(last, str) and last in nodes and last not in seen:
        way.append(last)
        seen.add(last)
        last = nodes[last].get("parent") if isinstance(nodes[last], dict) else None
    return way


def _message(node: Any) -> dict[str, Any] | None:
    message = node.get("message") if isinstance(node, dict) else None
    return message if isinstance(message, dict) else None


def _role(message: Any) -> str | None:
    author = message.get("author") if isinstance(message, dict) else None
    role = author.get("role") if isinstance(author, dict) else None
    return role if isinstance(role, str) else None


def _text(message: Mapping[str, Any]) -> str:
    """What a message says: its parts, or its text."""
    content = message.get("content")
    if not isinstance(content, dict):
        return ""
    parts = content.get("parts")
    found = [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
    found += [content[name] for name in ("text", "content", "result") if isinstance(content.get(name), str)]
    thoughts = content.get("thoughts")
    found += (
        [str(one.get("content", "")) for one in thoughts if isinstance(one, dict)] if isinstance(thoughts, list) else []
    )
    return "\n".join(found)


def _read_answer(
    document: Mapping[str, Any], key: str, tokens: Mapping[str, int], *, is_side: bool, found: _Found
) -> None:
    node = document["mapping"][key]
    message = _message(node)
    if message is None or _role(message) is None:
        found.refused.append(unknown_shape(node, found.messages.next()))
        return
    content = message.get("content")
    kind = content.get("content_type") if isinstance(content, dict) else None
    is_error = kind in _FAILED or message.get("status") == "error"
    if not tokens[key] and not is_error:
        return  # a step without words is no answer
    position = found.messages.next()
    raw = as_json({"conversation_id": document.get("conversation_id"), "node": node})
    try:
        values = _answer(document, key, message, tokens)
    except WrongValueError as wrong:
        found.refused.append(wrong.refusal(position, raw))
        return
    values |= {
        "is_side_branch": "true" if is_side else "false",
        "is_error": "true" if is_error else "false",
        "error_type": "error" if is_error else None,
    }
    found.usage.append((position, values, raw))


def _answer(document: Mapping[str, Any], key: str, message: Mapping[str, Any], tokens: Mapping[str, int]) -> Values:
    nodes = document["mapping"]
    above = _way(nodes, key)[1:]
    metadata = foreign.mapping(message.get("metadata"), "request_model")
    at = litellm.instant(message.get("create_time"), "occurred_at")
    talk = foreign.text(foreign.first(document, ("conversation_id", "id")), "conversation_id")
    llm = foreign.text(metadata.get("model_slug") or document.get("default_model_slug"), "request_model")
    return {
        "source_record_id": foreign.text(message.get("id") or key, "source_record_id"),
        "occurred_at": litellm.written(at, message.get("create_time") or document.get("create_time")),
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": llm,
        "assistant_id": foreign.text(document.get("gizmo_id"), "assistant_id"),
        "conversation_id": talk,
        "trace_id": talk,
        "estimated_input_tokens": str(sum(tokens[name] for name in above)),
        "estimated_output_tokens": str(tokens[key]),
        "duration_ms": _duration([_message(nodes[name]) for name in above], at),
    }


def _duration(above: list[dict[str, Any] | None], at: dt.datetime | None) -> str | None:
    """From the question to the answer, where both say when they were made."""
    question = next((one for one in above if _role(one) == "user"), None)
    asked = litellm.instant(question.get("create_time"), "duration_ms") if question else None
    if asked is None or at is None or not 0 <= (at - asked).total_seconds() <= _LONGEST_ANSWER_S:
        return None
    return foreign.milliseconds(asked, at)


def _read_talk(document: Mapping[str, Any], talk: str, turns: int, found: _Found) -> None:
    position = found.talks.next()
    raw = as_json({name: value for name, value in document.items() if name != "mapping"})
    try:
        start = litellm.instant(document.get("create_time"), "started_at")
        end = litellm.instant(document.get("update_time"), "ended_at")
        values: Values = {
            "conversation_id": talk,
            "assistant_id": foreign.text(document.get("gizmo_id"), "assistant_id"),
            "channel": "chatgpt",
            "started_at": litellm.written(start, document.get("create_time")),
            "ended_at": litellm.written(end, document.get("update_time")),
            "turn_count": str(turns),
        }
        found.conversations.append((position, values, raw))
    except WrongValueError as wrong:
        found.refused_talks.append(wrong.refusal(position, raw))


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Conversations with two answers each, one of them asked again; one a line, so that a cut loses only the last."""
    draw = random.Random(seed)
    lines: list[bytes] = []
    left = row_count
    while left > 0:
        answers = 1 if contract == "conversation" else min(left, 2)
        lines.append(msgspec.json.encode(_talk(draw, len(lines), answers)))
        left -= answers
    return b"\n".join(lines) + b"\n"


def _talk(draw: random.Random, number: int, answers: int) -> dict[str, Any]:
    """A conversation of one question and as many answers to it, the last of which was kept."""
    began = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC).timestamp() + number * 600
    talk = f"{draw.getrandbits(128):032x}"
    question = f"{talk}-q"
    nodes: dict[str, Any] = {
        f"{talk}-root": {"id": f"{talk}-root", "message": None, "parent": None, "children": [question]},
        question: _node(question, f"{talk}-root", "user", "Which areas have two-bedroom flats near the sea?", began),
    }
    for place in range(answers):
        key = f"{talk}-a{place}"
        said = f"Dubai Marina, Palm Jumeirah and Jumeirah Beach Residence, option {draw.randrange(100)}."
        nodes[key] = _node(key, question, _ASSISTANT, said, began + 2.5 + place * 30)
        nodes[question]["children"].append(key)
    return {
        "title": "made up",
        "create_time": began,
        "update_time": began + 60,
        "mapping": nodes,
        "current_node": f"{talk}-a{answers - 1}",
        "conversation_id": talk,
        "default_model_slug": "gpt-5",
        "gizmo_id": None,
    }


def _node(key: str, parent: str, role: str, said: str, at: float) -> dict[str, Any]:
    metadata = {"model_slug": "gpt-5"} if role == _ASSISTANT else {}
    message = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": {"content_type": "text", "parts": [said]},
        "status": "finished_successfully",
        "metadata": metadata,
        "recipient": "all",
    }
    return {"id": key, "message": message, "parent": parent, "children": []}
