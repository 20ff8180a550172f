"""OpenAI's usage API: pages of buckets of completions, embeddings, moderations, images, audio and the rest.

`input_tokens` holds cached ones, as the contract counts. A result without tokens (images, speech, stores) has its
own count instead.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from aurora.ingest import foreign
from aurora.ingest.foreign import Values, WrongValueError
from aurora.ingest.openai_pages import joined, read_pages
from aurora.ingest.portions import Portion, SourceFile

CONTRACTS: Final = ("provider_usage",)
_OBJECT: Final = re.compile(r"organization\.usage\.([a-z_]+)\.result")
_OPERATIONS: Final = {
    "completions": "chat",
    "embeddings": "embeddings",
    "moderations": "moderation",
    "images": "image_generation",
    "audio_speeches": "speech",
    "audio_transcriptions": "transcription",
    "vector_stores": "retrieval",
    "file_searches": "retrieval",
    "web_searches": "retrieval",
    "code_interpreter_sessions": "execute_tool",
}
_COUNTS: Final = {
    "input_tokens": ("input_tokens",),
    "cache_read_input_tokens": ("input_cached_tokens",),
    "cache_creation_input_tokens": ("input_cache_write_tokens",),
    "output_tokens": ("output_tokens",),
    "input_audio_tokens": ("input_audio_tokens",),
    "output_audio_tokens": ("output_audio_tokens",),
    "provider_request_count": ("num_model_requests", "num_requests"),
    "image_count": ("images", "num_images"),
    "character_count": ("characters", "num_characters"),
    "session_count": ("num_sessions", "sessions"),
    "storage_bytes": ("usage_bytes",),
}
_GROUPS: Final = ("project_id", "api_key_id", "user_id", "model", "service_tier", "size", "source", "context_level")


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """JSON with results of the usage API."""
    return head.lstrip()[:1] in (b"{", b"[") and b'"organization.usage.' in head


def read(file: SourceFile) -> Iterator[Portion]:
    """One row a result of a bucket."""
    return read_pages(file, "provider_usage", _values)


def _values(result: Mapping[str, Any]) -> Values:
    kind = _OBJECT.fullmatch(str(foreign.text(result.get("object"), "operation_name") or ""))
    if kind is None:
        raise WrongValueError("operation_name", result.get("object"), "organization.usage.<kind>.result")
    groups = {name: foreign.text(result.get(name), name) for name in _GROUPS}
    batch = result.get("batch")
    if batch is not None and not isinstance(batch, bool):
        raise WrongValueError("is_batch", batch, "true or false")
    is_batch = None if batch is None else str(batch).lower()
    return {
        "provider_usage_id": joined("openai", kind[1], *groups.values(), is_batch),
        "operation_name": _OPERATIONS.get(kind[1], kind[1]),
        "project_id": groups["project_id"],
        "api_key_id": groups["api_key_id"],
        "account_user_id": groups["user_id"],
        "request_model": groups["model"],
        "service_tier": groups["service_tier"],
        "is_batch": is_batch,
        **{
            column: foreign.count_text(foreign.count(foreign.first(result, names), column))
            for column, names in _COUNTS.items()
        },
        "audio_s": foreign.number(foreign.first(result, ("seconds", "num_seconds")), "audio_s"),
    }


def write(results: Sequence[tuple[dt.datetime, Mapping[str, Any]]]) -> bytes:
    """Pages of one day's bucket each, one a line: the day and a result."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(page(day, result)) + b"\n" for day, result in results)


def page(day: dt.datetime, result: Mapping[str, Any]) -> dict[str, Any]:
    """A page with one bucket of a day."""
    start = int(day.timestamp())
    bucket = {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": [result]}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None}


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Days of several projects' completions."""
    draw = random.Random(seed)
    first = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
    return write([(first + dt.timedelta(days=number), _result(draw)) for number in range(row_count)])


def _result(draw: random.Random) -> dict[str, Any]:
    inputs = draw.randrange(10_000, 900_000)
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": inputs,
        "output_tokens": draw.randrange(1_000, 200_000),
        "input_cached_tokens": inputs // 3,
        "input_audio_tokens": 0,
        "output_audio_tokens": 0,
        "num_model_requests": draw.randrange(10, 900),
        "project_id": f"proj_{draw.randrange(3)}",
        "user_id": None,
        "api_key_id": f"key_{draw.randrange(5)}",
        "model": draw.choice(("gpt-5-mini-2025-08-07", "gpt-4o-mini-2024-07-18")),
        "batch": draw.random() < 0.1,
        "service_tier": None,
    }
