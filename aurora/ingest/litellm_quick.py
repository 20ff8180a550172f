"""Plain payloads of LiteLLM's log as usage rows, set-wise: the same rows as `aurora.ingest.litellm`, for less work.

Whatever does not decode into these structs, or is odd in them, is read with care.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import polars as pl
from msgspec import Raw, Struct

from aurora.ingest import foreign, litellm
from aurora.ingest.quick_columns import QuickColumns


class _Details(Struct, gc=False):
    cached_tokens: int | None = None
    cache_creation_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(Struct, gc=False):
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Noted(Struct, gc=False):
    assistant_id: str | None = None
    agent_id: str | None = None
    conversation_id: str | None = None
    session_id: str | None = None
    decision_id: str | None = None


class _Prices(Struct, gc=False):
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None


class _Listed(Struct, gc=False):
    model_map_value: _Prices | None = None


class _Error(Struct, gc=False):
    error_class: str | None = None
    error_code: str | None = None


class _Metadata(Struct, gc=False):
    spend_logs_metadata: _Noted | None = None
    usage_object: _Usage | None = None
    user_api_key_alias: str | None = None
    user_api_key_team_alias: str | None = None
    user_api_key_end_user_id: str | None = None
    status: None = None
    error_information: None = None
    model_map_information: None = None


class _Response(Struct, gc=False):
    model: str | None = None
    usage: _Usage | None = None


class _Hidden(Struct, gc=False):
    usage_object: _Usage | None = None


class PlainPayload(Struct, gc=False):
    """The parts of a StandardLoggingPayload that are read, in the types that LiteLLM gives them."""

    id: str
    call_type: str
    startTime: float  # noqa: N815 - LiteLLM's name, here and below
    endTime: float | None = None  # noqa: N815
    completionStartTime: float | None = None  # noqa: N815
    trace_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    stream: bool | None = None
    response_cost: float | None = None
    status: str | None = None
    custom_llm_provider: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str | None = None
    metadata: _Metadata | None = None
    cache_hit: bool | None = None
    end_user: str | None = None
    response: _Response | list[Raw] | None = None
    error_information: _Error | None = None
    hidden_params: _Hidden | None = None
    model_map_information: _Listed | None = None


PAYLOADS: Final = msgspec.json.Decoder(PlainPayload)
_MAX_EXACT: Final = 2.0**53
_NO_METADATA: Final = _Metadata()
_NOT_NOTED: Final = _Noted()
_NO_USAGE: Final = _Usage()
_NO_DETAILS: Final = _Details()
_NO_RESPONSE: Final = _Response()
_COUNTS: Final = ("cache_read_input_tokens", "cache_creation_input_tokens", "reasoning_output_tokens")


def usage_columns(payloads: Sequence[PlainPayload]) -> QuickColumns:
    """The payloads' usage rows, side by side."""
    columns = QuickColumns(len(payloads))
    about = [payload.metadata or _NO_METADATA for payload in payloads]
    noted = [one.spend_logs_metadata or _NOT_NOTED for one in about]
    responses = [one.response if isinstance(one.response, _Response) else _NO_RESPONSE for one in payloads]
    ids = columns.text("source_record_id", [payload.id for payload in payloads])
    columns.mark(ids.is_null())
    _texts(columns, payloads, about, noted)
    columns.text("response_model", [one.model for one in responses])
    _times(columns, payloads)
    _tokens(columns, payloads, about, responses)
    _failures(columns, payloads)
    columns.mark(pl.Series([abs(payload.response_cost or 0) >= _MAX_EXACT for payload in payloads], dtype=pl.Boolean))
    columns.put("reported_cost_usd", pl.Series([_cost(payload) for payload in payloads], dtype=pl.String))
    return columns


def _texts(
    columns: QuickColumns, payloads: Sequence[PlainPayload], about: Sequence[_Metadata], noted: Sequence[_Noted]
) -> None:
    providers = columns.text("provider_name", [payload.custom_llm_provider for payload in payloads]).to_list()
    columns.mapped("provider_name", providers, lambda name: litellm.PROVIDERS.get(name or "", name))
    llms = [litellm.plain_llm(one.model or None, name) for one, name in zip(payloads, providers, strict=True)]
    columns.text("request_model", llms)
    columns.mapped("operation_name", [payload.call_type or None for payload in payloads], litellm.operation_name)
    columns.text("trace_id", [payload.trace_id or payload.session_id for payload in payloads])
    columns.text("decision_id", [one.decision_id for one in noted])
    columns.text(
        "user_id",
        [one.end_user or kept.user_api_key_end_user_id for one, kept in zip(payloads, about, strict=True)],
    )
    columns.text(
        "assistant_id",
        [
            _first(own.assistant_id, own.agent_id)
            or payload.agent_id
            or _first(kept.user_api_key_alias, kept.user_api_key_team_alias)
            for payload, kept, own in zip(payloads, about, noted, strict=True)
        ],
    )
    columns.text(
        "conversation_id",
        [
            _first(own.conversation_id, own.session_id) or one.session_id
            for one, own in zip(payloads, noted, strict=True)
        ],
    )


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def _times(columns: QuickColumns, payloads: Sequence[PlainPayload]) -> None:
    starts = [litellm.instant(payload.startTime, "occurred_at") for payload in payloads]
    ends = [litellm.instant(payload.endTime, "duration_ms") for payload in payloads]
    firsts = [
        litellm.instant(payload.completionStartTime, "time_to_first_chunk_ms") if payload.stream else None
        for payload in payloads
    ]
    columns.mark(pl.Series([start is None for start in starts], dtype=pl.Boolean))
    texts = [start.isoformat(timespec="microseconds") if start else None for start in starts]
    columns.put("occurred_at", pl.Series(texts, dtype=pl.String))
    took = [foreign.milliseconds(start, end) for start, end in zip(starts, ends, strict=True)]
    columns.put("duration_ms", pl.Series(took, dtype=pl.String))
    waited = [foreign.milliseconds(start, first) for start, first in zip(starts, firsts, strict=True)]
    columns.put("time_to_first_chunk_ms", pl.Series(waited, dtype=pl.String))


def _tokens(
    columns: QuickColumns,
    payloads: Sequence[PlainPayload],
    about: Sequence[_Metadata],
    responses: Sequence[_Response],
) -> None:
    found = [
        _counts(payload, kept, response) for payload, kept, response in zip(payloads, about, responses, strict=True)
    ]
    for place, name in enumerate(("input_tokens", "output_tokens", *_COUNTS)):
        columns.count(name, [counts[place] for counts in found])


def _counts(payload: PlainPayload, about: _Metadata, response: _Response) -> tuple[int | None, ...]:
    """Input, output, read from the cache, written to it, reasoning."""
    inputs, outputs, is_error = payload.prompt_tokens, payload.completion_tokens, payload.status in litellm.FAILED
    if payload.cache_hit and not is_error:
        return 0, 0, None, None, None
    if is_error and not inputs and not outputs:
        return None, None, None, None, None
    hidden = payload.hidden_params.usage_object if payload.hidden_params else None
    usage = about.usage_object or hidden or response.usage or _NO_USAGE
    inside = usage.prompt_tokens_details or _NO_DETAILS
    read = _first(usage.cache_read_input_tokens, inside.cached_tokens)
    write = _first(usage.cache_creation_input_tokens, inside.cache_creation_tokens)
    reasoning = (usage.completion_tokens_details or _NO_DETAILS).reasoning_tokens
    return litellm.with_cached(inputs, read, write), outputs, read or None, write or None, reasoning or None


def _failures(columns: QuickColumns, payloads: Sequence[PlainPayload]) -> None:
    failed = pl.Series([payload.status in litellm.FAILED for payload in payloads], dtype=pl.Boolean)
    columns.put("is_error", failed.cast(pl.String))
    columns.put("error_type", pl.Series([_error(payload) for payload in payloads], dtype=pl.String))


def _error(payload: PlainPayload) -> str | None:
    if payload.status not in litellm.FAILED:
        return None
    about = payload.error_information
    named = _first(about.error_class, about.error_code) if about else None
    return str(named)[:200] if named else "error"


def _cost(payload: PlainPayload) -> str | None:
    amount = payload.response_cost
    if amount or payload.cache_hit:
        return foreign.money(amount, "reported_cost_usd")
    prices = payload.model_map_information.model_map_value if payload.model_map_information else None
    is_free = prices is not None and prices.input_cost_per_token == 0 and prices.output_cost_per_token == 0
    return foreign.money(amount, "reported_cost_usd") if is_free else None
