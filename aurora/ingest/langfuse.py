"""What Langfuse exports of traces and observations, as usage and conversation rows.

Names are camelCase in the API's and the UI's exports, snake_case in blob exports; both are read. What becomes a
usage row: a generation, an embedding, an agent, a tool, a retriever, a guardrail; and any other observation that
names a language model and tokens. Steps of the program are no operations, and are not counted; what is no
observation at all is refused. Tokens of an observation that encloses another one with tokens are the inner one's:
it stays as an operation without tokens, so that nothing is paid for twice. Observations that stand alone, one a
line, are compared with those that are read together with them (8 MiB of lines).

A trace without a session is a conversation of its own and becomes a `conversation` row. Sessions span
traces and files, so no single trace knows where they begin or end: theirs are read off the usage rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from aurora.ingest import foreign
from aurora.ingest.documents import Positions, as_json, unknown_shape
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.portions import Refusal

OPERATIONS: Final = {
    "GENERATION": "chat",
    "EMBEDDING": "embeddings",
    "TOOL": "execute_tool",
    "AGENT": "invoke_agent",
    "RETRIEVER": "retrieval",
    "GUARDRAIL": "moderation",
}
STEPS: Final = frozenset({"SPAN", "CHAIN", "EVENT", "EVALUATOR"})
_TRACE_MARKS: Final = ("bookmarked", "release", "public", "sessionId")
_INPUT: Final = ("input", "input_tokens", "promptTokens", "prompt_tokens")
_OUTPUT: Final = ("output", "output_tokens", "completionTokens", "completion_tokens")
_READ_INSIDE: Final = ("prompt_details.cache_read", "prompt_tokens_details.cached_tokens")
_READ_BESIDE: Final = ("input_cache_read", "input_cached_tokens", "cache_read_input_tokens")
_WRITE_BESIDE: Final = ("input_cache_creation", "cache_creation_input_tokens")
_REASON_INSIDE: Final = ("completion_details.reasoning", "completion_tokens_details.reasoning_tokens")
_REASON_BESIDE: Final = ("output_reasoning", "output_reasoning_tokens")
_LISTED_PROVIDER: Final = {"google_vertexai": "gcp.vertex_ai", "google_genai": "gcp.gemini", "google": "gcp.gen_ai"}


@dataclass(slots=True)
class ObservationRows:
    """What was read of some documents: usage, conversations, and the refusals of each."""

    observations: Positions
    traces: Positions
    usage: list[Record] = field(default_factory=list)
    talks: list[Record] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    refused_talks: list[Refusal] = field(default_factory=list)
    _alone: list[tuple[int, Any, str | None]] = field(default_factory=list)

    def add(self, document: Mapping[str, Any], raw: str | None = None) -> None:
        """A trace with its observations, an observation, or a trace alone."""
        if "observations" not in document:
            plain = {camel(name): value for name, value in document.items()}
            if is_trace(plain):
                self._trace(plain, [], raw)
            else:
                self._alone.append((self.observations.next(), document, raw))
            return
        about = document.get("trace", {key: value for key, value in document.items() if key != "observations"})
        members = document["observations"]
        if not isinstance(about, dict) or not isinstance(members, list):
            self.refused.append(unknown_shape(document, self.observations.next()))
            return
        trace = {camel(key): value for key, value in about.items()}
        starts = self._observations([(self.observations.next(), member, None) for member in members], trace)
        if trace.get("id") and not trace.get("sessionId"):
            self._trace(trace, starts, as_json(about))

    def keep_alone(self, position: int, document: Mapping[str, Any], raw: str) -> None:
        """An observation that stands alone and has its position already."""
        self._alone.append((position, document, raw))

    @property
    def has_alone(self) -> bool:
        """An observation that stands alone waits to be compared."""
        return bool(self._alone)

    def settle(self) -> None:
        """Compare the observations that stood alone, after the last of them."""
        self._observations(sorted(self._alone, key=lambda one: one[0]), {})
        self._alone = []

    def _observations(
        self, members: Sequence[tuple[int, Any, str | None]], trace: Mapping[str, Any]
    ) -> list[dt.datetime]:
        """Adds the members' rows and refusals; returns when they began and ended."""
        read: list[tuple[int, str, str | None, str | None, Values]] = []
        times: list[dt.datetime] = []
        for position, member, raw in members:
            if not isinstance(member, dict):
                self.refused.append(unknown_shape(member, position))
                continue
            seen = {camel(key): value for key, value in member.items()}
            times += [at for at in (foreign.moment(seen.get("startTime")), foreign.moment(seen.get("endTime"))) if at]
            try:
                values = usage_values(seen, trace)
                if values:
                    parent = foreign.text(seen.get("parentObservationId"), "parent id")
                    read.append((position, raw or as_json(member), values["source_record_id"], parent, values))
            except WrongValueError as wrong:
                self.refused.append(wrong.refusal(position, raw or as_json(member)))
        outer = foreign.enclosing([(own, parent, values) for _, _, own, parent, values in read])
        self.usage += [
            (position, foreign.without_tokens(values) if own in outer else values, raw)
            for position, raw, own, _, values in read
        ]
        return times

    def _trace(self, trace: Mapping[str, Any], times: Sequence[dt.datetime], raw: str | None) -> None:
        if trace.get("sessionId"):
            return
        position = self.traces.next()
        shown = raw or as_json(trace)
        try:
            started = foreign.text(trace.get("timestamp"), "started_at")
            values: Values = {
                "conversation_id": foreign.text(trace.get("id"), "conversation_id"),
                "user_id": foreign.text(trace.get("userId"), "user_id"),
                "started_at": started or (written(min(times)) if times else None),
                "ended_at": written(max(times)) if times else None,
            }
            self.talks.append((position, values, shown))
        except WrongValueError as wrong:
            self.refused_talks.append(wrong.refusal(position, shown))


def written(moment: dt.datetime) -> str:
    """A time for the gate."""
    return moment.isoformat(timespec="microseconds")


def is_trace(plain: Mapping[str, Any]) -> bool:
    """Whether an object without observations is a trace, by the keys that only traces have (camelCase)."""
    return "timestamp" in plain and "traceId" not in plain and any(mark in plain for mark in _TRACE_MARKS)


def camel(name: str) -> str:
    """Blob exports write `start_time` where the API writes `startTime`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest) if head else name


def usage_values(seen: Mapping[str, Any], trace: Mapping[str, Any]) -> Values | None:
    """The observation as a usage row; None for a step that is no AI operation."""
    kind = str(foreign.text(seen.get("type"), "type") or "").upper()
    spelled = (foreign.text(foreign.first(seen, (key,)), "request_model") for key in ("model", "providedModelName"))
    llm = next((name for name in spelled if name), None)  # an empty name is no name
    tokens = token_counts(seen)
    named = instrumented(seen.get("metadata"))
    operation = OPERATIONS.get(kind)
    if operation is None and kind not in STEPS:
        raise WrongValueError("operation_name", kind, f"one of {', '.join([*OPERATIONS, *sorted(STEPS)])}")
    if operation is None and not (llm and any(tokens.values())):
        return None
    own = foreign.text(seen.get("id"), "source_record_id")
    if own is None:
        raise WrongValueError("source_record_id", None, "the observation's id")
    trace_id = foreign.text(foreign.first(seen, ("traceId",)) or trace.get("id"), "trace_id")
    session = foreign.text(foreign.first(trace, ("sessionId",)) or seen.get("sessionId"), "conversation_id")
    start, end = foreign.moment(seen.get("startTime")), foreign.moment(seen.get("endTime"))
    is_error = foreign.text(seen.get("level"), "is_error") == "ERROR"
    cost = _cost(seen)
    return {
        "source_record_id": own,
        "occurred_at": foreign.text(seen.get("startTime"), "occurred_at"),
        "operation_name": operation or "chat",
        "provider_name": named.get("provider_name"),
        "request_model": plain_llm(llm),
        "assistant_id": named.get("assistant_id"),
        "conversation_id": session or trace_id,
        "trace_id": trace_id,
        "user_id": foreign.text(foreign.first(trace, ("userId",)) or seen.get("userId"), "user_id"),
        **{name: foreign.count_text(value) for name, value in tokens.items()},
        "duration_ms": foreign.milliseconds(start, end),
        "time_to_first_chunk_ms": _first_chunk(seen, start),
        "is_error": "true" if is_error else "false",
        "error_type": (foreign.text(seen.get("statusMessage"), "error_type") or "error")[:200] if is_error else None,
        "reported_cost_usd": foreign.money(cost, "reported_cost_usd"),
    }


def token_counts(seen: Mapping[str, Any]) -> dict[str, int | None]:
    """Counts under old and new names. Details may be part of input and output or stand beside them.

    `total` tells which where it is there; else the name does: `input_...` and `output_...` stand beside.
    """
    plain = _counts(seen)

    def one(names: Sequence[str], column: str) -> int | None:
        return foreign.count(foreign.first(plain, names), column)

    inputs, outputs = one(_INPUT, "input_tokens"), one(_OUTPUT, "output_tokens")
    read, write = one(_READ_BESIDE, "cache_read_input_tokens"), one(_WRITE_BESIDE, "cache_creation_input_tokens")
    reasoning = one(_REASON_BESIDE, "reasoning_output_tokens")
    whole = one(("total", "totalTokens", "total_tokens"), "total_tokens")
    if not any((inputs, outputs, whole)):  # zeros are written where nothing is known
        inputs = outputs = None
    elif whole is None or whole != foreign.total(inputs, outputs):
        inputs = inputs if inputs is None else foreign.total(inputs, read, write)
        outputs = outputs if outputs is None else foreign.total(outputs, reasoning)
    return {
        "input_tokens": inputs,
        "output_tokens": outputs,
        "cache_read_input_tokens": read if read is not None else one(_READ_INSIDE, "cache_read_input_tokens"),
        "cache_creation_input_tokens": write,
        "reasoning_output_tokens": reasoning
        if reasoning is not None
        else one(_REASON_INSIDE, "reasoning_output_tokens"),
    }


def _counts(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """The observation's counts by name, wherever its version keeps them; none where they count no tokens."""
    for name in ("usageDetails", "usage"):
        block = foreign.flat(foreign.mapping(seen.get(name), name))
        if block:
            return block if str(block.get("unit", "TOKENS")).upper() == "TOKENS" else {}
    # beside these, `input` and `output` are what was said
    return {name: seen[name] for name in ("promptTokens", "completionTokens", "totalTokens") if name in seen}


def _cost(seen: Mapping[str, Any]) -> Any:
    """The exporter's total; 0 is what it writes where it knows no price."""
    details = foreign.mapping(seen.get("costDetails"), "reported_cost_usd")
    amount = foreign.first({**seen, "total": details.get("total")}, ("total", "calculatedTotalCost", "totalCost"))
    if isinstance(amount, str) and not amount.strip().strip("0."):
        return None
    return amount or None


def _first_chunk(seen: Mapping[str, Any], start: dt.datetime | None) -> str | None:
    """From the time of the first token; `timeToFirstToken` is in seconds."""
    began = foreign.moment(seen.get("completionStartTime"))
    if began:
        return foreign.milliseconds(start, began)
    seconds = seen.get("timeToFirstToken")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return foreign.number_text(float(round(seconds * 1000)) if abs(seconds) < 2.0**52 else float(seconds))
    return foreign.text(seconds, "time_to_first_chunk_ms")


def instrumented(metadata: Any) -> dict[str, str | None]:
    """Provider and agent, as instrumentations leave them in the observation's metadata."""
    known = _object(metadata)
    attributes = _object(known.get("attributes"))
    provider = foreign.first(attributes, ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"))
    provider = provider or known.get("ls_provider")
    agent = foreign.first(attributes, ("gen_ai.agent.id", "gen_ai.agent.name"))
    return {
        "provider_name": provider_name(provider) if isinstance(provider, str) else None,
        "assistant_id": agent if isinstance(agent, str) else None,
    }


def provider_name(given: str | None) -> str | None:
    """OpenTelemetry's name of a provider as instrumentations give it."""
    name = given.lower() if given else None
    return _LISTED_PROVIDER.get(name, name) if name else None


def plain_llm(given: str | None) -> str | None:
    """The language model without the path some providers put before it."""
    return None if not given or given == "unknown" else given.rsplit("/models/", 1)[-1]


def _object(value: Any) -> Mapping[str, Any]:
    """Metadata is free: an object, an object as text, or anything else, which says nothing here."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
