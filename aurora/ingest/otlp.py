"""An OTLP request as usage rows and evaluations, span by span: what is not plain is looked at here.

A span becomes a usage row when an attribute tells that it is GenAI (`otlp_names`); its events named
`gen_ai.evaluation.result` become evaluations. Other spans of a trace (HTTP, database, a step of a chain) are no
rows of these contracts and are not counted; a span that cannot be told at all, or a GenAI span without ids, is
refused with its position among all the file's spans. Tokens of a span that encloses another one with tokens, in
the same request, are the inner one's: the outer stays as an operation without tokens.

Attributes are read by hand: opentelemetry-proto-json would build an object a value, to be taken apart again,
and refuses a request as a whole where one span is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aurora.ingest import foreign, otlp_names
from aurora.ingest.documents import Positions, as_json, unknown_shape
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.portions import Refusal

NANOS: Final = 10**9
EVALUATION: Final = "gen_ai.evaluation.result"
_IDS: Final = {"traceId": re.compile(r"[0-9a-fA-F]{32}"), "spanId": re.compile(r"[0-9a-fA-F]{16}")}
_ERROR_CODES: Final = (2, "2", "STATUS_CODE_ERROR")
_MAX_MS: Final = 2.0**52
RESOURCE_AGENT: Final = ("gen_ai.agent.id", "gen_ai.agent.name")
"""What a resource may say for all its spans."""


@dataclass(slots=True)
class SpanRows:
    """What was read of some requests: usage, evaluations, and the refusals of each."""

    spans: Positions
    judgements: Positions
    usage: list[Record] = field(default_factory=list)
    evaluations: list[Record] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    refused_evaluations: list[Refusal] = field(default_factory=list)

    def add(self, document: Mapping[str, Any]) -> None:
        """One request, decoded."""
        read: list[tuple[int, str, str, str | None, Values]] = []
        for resource, span in _spans(document, self.spans, self.refused):
            position = self.spans.next()
            try:
                values = usage_values(span, resource)
            except WrongValueError as wrong:
                self.refused.append(wrong.refusal(position, as_json(span)))
                continue
            if values:
                parent = f"{span['traceId']}/{span['parentSpanId']}" if span.get("parentSpanId") else None
                read.append((position, as_json(span), str(values["source_record_id"]), parent, values))
                self.judge(span.get("events"), values)
        outer = foreign.enclosing([(own, parent, values) for _, _, own, parent, values in read])
        self.usage += [
            (position, foreign.without_tokens(values) if own in outer else values, raw)
            for position, raw, own, _, values in read
        ]

    def judge(self, events: Any, usage: Values) -> None:
        """The evaluations among a span's events."""
        for number, event in enumerate(events if isinstance(events, list) else ()):
            if not isinstance(event, dict) or event.get("name") != EVALUATION:
                continue
            position = self.judgements.next()
            try:
                self.evaluations.append((position, _evaluation(event, number, usage), as_json(event)))
            except WrongValueError as wrong:
                self.refused_evaluations.append(wrong.refusal(position, as_json(event)))


def _spans(
    document: Mapping[str, Any], positions: Positions, refused: list[Refusal]
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Each span with its resource's attributes; what stands where a span belongs and is none is refused."""
    for resource_spans in _objects(document, ("resourceSpans", "resource_spans"), positions, refused):
        resource = resource_spans.get("resource")
        about = _attributes_or_none(resource.get("attributes")) if isinstance(resource, dict) else None
        scopes = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
        for scope_spans in _objects(resource_spans, scopes, positions, refused):
            for span in _objects(scope_spans, ("spans",), positions, refused):
                yield about or {}, span


def _objects(
    holder: Mapping[str, Any], names: Sequence[str], positions: Positions, refused: list[Refusal]
) -> Iterator[dict[str, Any]]:
    members = foreign.first(holder, names)
    if members is None:
        return
    if not isinstance(members, list):
        refused.append(unknown_shape(members, positions.next()))
        return
    for member in members:
        if isinstance(member, dict):
            yield member
        else:
            refused.append(unknown_shape(member, positions.next()))


def usage_values(span: Mapping[str, Any], resource: Mapping[str, Any]) -> Values | None:
    """The span as a usage row; None when it is no AI operation. `WrongValueError` where it cannot be told."""
    attributes = _attributes(span.get("attributes"))
    if not otlp_names.is_genai(attributes):
        return None
    operation = otlp_names.operation_name(
        foreign.text(foreign.first(attributes, otlp_names.OPERATION), "operation_name"), attributes
    )
    if operation is None:
        return None
    trace_id, span_id = _hex(span, "traceId"), _hex(span, "spanId")
    status = foreign.mapping(span.get("status"), "is_error")
    error = foreign.text(attributes.get("error.type"), "error_type")
    is_error = bool(error) or (isinstance(status.get("code"), int | str) and status["code"] in _ERROR_CODES)
    known = {name: resource[name] for name in RESOURCE_AGENT if name in resource} | attributes
    started, ended = span.get("startTimeUnixNano"), span.get("endTimeUnixNano")
    texts = {column: foreign.text(foreign.first(known, names), column) for column, names in otlp_names.TEXTS.items()}
    return {
        "source_record_id": f"{trace_id}/{span_id}",
        "trace_id": trace_id,
        "occurred_at": foreign.unix_time(started, "occurred_at", per_second=NANOS),
        "operation_name": operation,
        **texts,
        "provider_name": otlp_names.provider_name(texts["provider_name"]),
        **{
            column: foreign.count_text(foreign.count(foreign.first(attributes, names), column))
            for column, names in otlp_names.COUNTS.items()
        },
        "duration_ms": _duration(started, ended),
        "time_to_first_chunk_ms": _first_chunk(attributes),
        "is_error": "true" if is_error else "false",
        "error_type": error or ("error" if is_error else None),
        "reported_cost_usd": foreign.money(foreign.first(attributes, otlp_names.COST), "reported_cost_usd"),
    }


def _evaluation(event: Mapping[str, Any], number: int, usage: Values) -> Values:
    attributes = _attributes(event.get("attributes"))
    at = foreign.unix_time(foreign.first(event, ("timeUnixNano",)), "occurred_at", per_second=NANOS)
    return {
        "evaluation_id": f"{usage['source_record_id']}/{number}",
        "source_record_id": usage["source_record_id"],
        "occurred_at": at or usage["occurred_at"],
        "evaluation_name": foreign.text(attributes.get("gen_ai.evaluation.name"), "evaluation_name"),
        "score_value": foreign.number(attributes.get("gen_ai.evaluation.score.value"), "score_value"),
        "score_label": foreign.text(attributes.get("gen_ai.evaluation.score.label"), "score_label"),
        "evaluated_record_id": usage["source_record_id"],
        "trace_id": usage["trace_id"],
        "conversation_id": usage["conversation_id"],
        "assistant_id": usage["assistant_id"],
        "user_id": usage["user_id"],
        "note": foreign.text(attributes.get("gen_ai.evaluation.explanation"), "note"),
    }


def _hex(span: Mapping[str, Any], name: str) -> str:
    value = span.get(name)
    if not isinstance(value, str) or not _IDS[name].fullmatch(value) or not value.strip("0"):
        digits = _IDS[name].pattern[-4:-1].strip("{")
        raise WrongValueError("source_record_id", value, f"a {name} of {digits} hex digits")
    return value.lower()


def _duration(started: Any, ended: Any) -> str | None:
    start, end = foreign.count(started, "occurred_at"), foreign.count(ended, "duration_ms")
    return str((end - start) // 10**6) if start and end else None


def _first_chunk(attributes: Mapping[str, Any]) -> str | None:
    given, factor = foreign.first(attributes, otlp_names.FIRST_CHUNK_S), 1000
    if given is None:
        given, factor = foreign.first(attributes, otlp_names.FIRST_CHUNK_MS), 1
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given) < _MAX_MS:
        raise WrongValueError("time_to_first_chunk_ms", given, "a number of seconds")
    return str(round(given * factor))


def _attributes_or_none(given: Any) -> Mapping[str, Any] | None:
    try:
        return _attributes(given)
    except WrongValueError:
        return None


def _attributes(given: Any) -> dict[str, Any]:
    """Attributes by key; of values only scalars, since no column holds an array."""
    if given is None:
        return {}
    if not isinstance(given, list):
        raise WrongValueError("attributes", given, "an array of attributes")
    found: dict[str, Any] = {}
    for pair in given:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise WrongValueError("attributes", pair, "an attribute with a key")
        value = pair.get("value")
        if isinstance(value, dict):
            found[pair["key"]] = _scalar(value)
    return found


def _scalar(value: Mapping[str, Any]) -> Any:
    if "intValue" in value:  # 64 bits do not fit a JSON number everywhere: it comes as a text
        return value["intValue"]
    return foreign.first(value, ("stringValue", "doubleValue", "boolValue"))
