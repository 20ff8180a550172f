"""ChatGPT's data export: `message_feedback.json`, the thumbs a person gave, each with what they wrote about it."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from aurora.ingest import foreign, litellm
from aurora.ingest.documents import Positions, as_json, document_portions
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.portions import Portion, Refusal, SourceFile

CONTRACTS: Final = ("evaluation",)
_SCORES: Final = {"thumbs_up": "1", "thumbsup": "1", "thumbs_down": "0", "thumbsdown": "0"}


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that names a rating and the conversation it was given in."""
    return (
        head.lstrip()[:1] in (b"{", b"[")
        and b'"rating"' in head
        and b'"conversation_id"' in head
        and b'"mapping"' not in head
    )


def _is_document(value: Mapping[str, Any]) -> bool:
    return "rating" in value and "conversation_id" in value


def read(file: SourceFile) -> Iterator[Portion]:
    """One evaluation a rating."""
    return document_portions(file, "evaluation", is_document=_is_document, add=_read)


def _read(document: dict[str, Any], positions: Positions, rows: list[Record], refused: list[Refusal]) -> None:
    position = positions.next()
    try:
        rows.append((position, _values(document), as_json(document)))
    except WrongValueError as wrong:
        refused.append(wrong.refusal(position, as_json(document)))


def _values(feedback: Mapping[str, Any]) -> Values:
    rating = foreign.text(feedback.get("rating"), "score_label")
    message = foreign.text(foreign.first(feedback, ("message_id", "id")), "evaluated_record_id")
    talk = foreign.text(feedback.get("conversation_id"), "conversation_id")
    if message is None:
        raise WrongValueError("evaluation_id", None, "the id of the rated message")
    return {
        "evaluation_id": f"chatgpt:{message}",
        "source_record_id": message,
        "occurred_at": _time(feedback.get("create_time"), "occurred_at"),
        "updated_at": _time(foreign.first(feedback, ("update_time", "create_time")), "updated_at"),
        "evaluation_name": "thumbs",
        "score_value": _SCORES.get((rating or "").lower().replace(" ", "_")),
        "score_label": rating,
        "evaluator_kind": "human",
        "evaluated_record_id": message,
        "trace_id": talk,
        "conversation_id": talk,
        "user_id": foreign.text(feedback.get("user_id"), "user_id"),
        "note": _note(feedback.get("content")),
    }


def _time(value: Any, column: str) -> str | None:
    return litellm.written(litellm.instant(value, column), value)


def _note(content: Any) -> str | None:
    """What the person wrote; `content` is an object, mostly as text."""
    about = litellm.nested(content, "note", is_free=True)
    said = [about["text"]] if isinstance(about.get("text"), str) else []
    tags = about.get("tags")
    said += [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return "; ".join(part for part in said if part) or None


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Thumbs up and down, one a line."""
    draw = random.Random(seed)
    first = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)
    lines = [
        {
            "message_id": f"{draw.getrandbits(128):032x}",
            "conversation_id": f"{draw.getrandbits(128):032x}",
            "user_id": "user-1",
            "rating": draw.choice(("thumbs_up", "thumbs_down")),
            "content": '{"tags": ["helpful"], "text": "made up"}',
            "create_time": (first + dt.timedelta(hours=number)).isoformat(),
            "workspace_id": None,
        }
        for number in range(row_count)
    ]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
