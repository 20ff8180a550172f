"""Langfuse's scores in JSON: the blob export's `scores/`, one a line or in an array, or the API's page of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from aurora.ingest.documents import Positions, as_json, document_portions, unknown_shape
from aurora.ingest.foreign import Record, WrongValueError
from aurora.ingest.langfuse_scores import evaluation_values
from aurora.ingest.portions import Portion, Refusal, SourceFile

CONTRACTS: Final = ("evaluation",)
_KINDS: Final = (b'"data_type"', b'"dataType"')
_OBSERVATIONS: Final = (b'"observations"', b'"startTime"', b'"start_time"')
"""A trace may hold its scores."""
_TARGETS: Final = (b'"trace_id"', b'"traceId"', b'"session_id"', b'"sessionId"')


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON that names a score's data type, value and what was judged."""
    return (
        head.lstrip()[:1] in (b"{", b"[")
        and b'"value"' in head
        and any(mark in head for mark in _KINDS)
        and any(mark in head for mark in _TARGETS)
        and not any(mark in head for mark in _OBSERVATIONS)
    )


def _is_document(value: Mapping[str, Any]) -> bool:
    return _is_score(value) or isinstance(value.get("data"), list)


def _is_score(value: Mapping[str, Any]) -> bool:
    return "id" in value and "name" in value and ("value" in value or "stringValue" in value or "string_value" in value)


def read(file: SourceFile) -> Iterator[Portion]:
    """One evaluation a score."""
    return document_portions(file, "evaluation", is_document=_is_document, add=_read)


def _read(document: dict[str, Any], positions: Positions, rows: list[Record], refused: list[Refusal]) -> None:
    for score in [document] if _is_score(document) else document["data"]:
        add(positions.next(), score, rows, refused)


def add(position: int, score: Any, rows: list[Record], refused: list[Refusal]) -> None:
    """One score: an evaluation, or a refusal."""
    if not isinstance(score, dict):
        refused.append(unknown_shape(score, position))
        return
    try:
        rows.append((position, evaluation_values(score), as_json(score)))
    except WrongValueError as wrong:
        refused.append(wrong.refusal(position, as_json(score)))


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Scores of people and of a language model, of each kind."""
    return b"".join(msgspec.json.encode(score) + b"\n" for score in scores(row_count, seed=seed))


def scores(row_count: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Made-up scores as the blob export has them."""
    draw = random.Random(seed)
    first = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)
    for number in range(row_count):
        kind = draw.choice(("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT"))
        at = f"{first + dt.timedelta(minutes=number):%Y-%m-%d %H:%M:%S.%f}"
        yield {
            "id": f"score-{seed}-{number}",
            "timestamp": at,
            "project_id": "fleet",
            "environment": "default",
            "trace_id": f"{draw.getrandbits(128):032x}",
            "observation_id": None,
            "session_id": None,
            "name": draw.choice(("helpfulness", "accuracy")),
            "value": round(draw.random(), 3) if kind == "NUMERIC" else draw.randrange(2) if kind != "TEXT" else 0,
            "source": draw.choice(("API", "ANNOTATION", "EVAL")),
            "comment": None,
            "data_type": kind,
            "string_value": {"CATEGORICAL": "good", "TEXT": "made up"}.get(kind),
            "created_at": at,
            "updated_at": at,
        }
