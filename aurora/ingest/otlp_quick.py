"""Plain OTLP/JSON requests as usage rows, set-wise: the same rows as `aurora.ingest.otlp`, for a tenth of the work.

A request is plain when it decodes into the structs below and every value in it is of the kind its column
wants. Any other one is handed to `SpanRows`, as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import polars as pl
from msgspec import UNSET, Raw, Struct, UnsetType

from aurora.ingest import otlp_names
from aurora.ingest.documents import document_of
from aurora.ingest.otlp import RESOURCE_AGENT, SpanRows
from aurora.ingest.portions import RAW, ROW, Refusal, raw_texts
from aurora.ingest.quick_columns import QuickColumns, resolved, without_enclosed

_ERROR_CODES: Final = frozenset({2, "2", "STATUS_CODE_ERROR"})
_EVALUATION_MARK: Final = b"gen_ai.evaluation"


class _Value(Struct, gc=False):
    stringValue: str | None = None  # noqa: N815 - OTLP/JSON's name, here and below
    intValue: str | int | UnsetType = UNSET  # noqa: N815
    doubleValue: float | None = None  # noqa: N815
    boolValue: bool | None = None  # noqa: N815


class _Attribute(Struct, gc=False):
    key: str
    value: _Value | None = None


class _Status(Struct, gc=False):
    code: int | str | None = None


class _Span(Struct, gc=False):
    traceId: str  # noqa: N815
    spanId: str  # noqa: N815
    parentSpanId: str | None = None  # noqa: N815
    startTimeUnixNano: str | int | None = None  # noqa: N815
    endTimeUnixNano: str | int | None = None  # noqa: N815
    attributes: list[_Attribute] | None = None
    status: _Status | None = None


class _ScopeSpans(Struct, gc=False):
    spans: list[Raw]


class _Resource(Struct, gc=False):
    attributes: list[_Attribute] | None = None


class _ResourceSpans(Struct, gc=False):
    scopeSpans: list[_ScopeSpans]  # noqa: N815
    resource: _Resource | None = None


class PlainRequest(Struct, gc=False):
    """An ExportTraceServiceRequest; a span in it is decoded later, so that its text is at hand."""

    resourceSpans: list[_ResourceSpans]  # noqa: N815


REQUESTS: Final = msgspec.json.Decoder(PlainRequest)
_SPANS: Final = msgspec.json.Decoder(_Span)


class _Read:
    """The GenAI spans of some requests, side by side."""

    def __init__(self) -> None:
        self.spans: list[_Span] = []
        self.attributes: list[dict[str, Any]] = []
        self.agents: list[Mapping[str, Any]] = []
        self.raws: list[Raw] = []
        self.positions: list[int] = []
        self.requests: list[int] = []
        self._telling: set[str] = set()
        """Names of attributes that tell a GenAI span, and others, as far as they were met."""
        self._plain: set[str] = set()

    def keep_first(self, count: int) -> None:
        """Forget the spans after the first `count`."""
        for column in (self.spans, self.attributes, self.agents, self.raws, self.positions, self.requests):
            del column[count:]

    def is_genai(self, attributes: Mapping[str, Any]) -> bool:
        """Whether a span with these attributes is an AI operation's."""
        if not self._telling.isdisjoint(attributes):
            return True
        new = attributes.keys() - self._plain
        told = {name for name in new if otlp_names.is_genai((name,))}
        self._telling |= told
        self._plain |= new - told
        return bool(told)


@dataclass(slots=True)
class QuickSpans:
    """Gathers plain requests and makes rows of them."""

    found: SpanRows
    _requests: list[tuple[PlainRequest, bytes, int]] = field(default_factory=list)

    def add(self, request: PlainRequest, raw: bytes) -> None:
        """One request and its text; its spans take their positions."""
        first = self.found.spans.last + 1
        count = sum(len(scope.spans) for resource in request.resourceSpans for scope in resource.scopeSpans)
        self.found.spans.last += count
        if count:
            self._requests.append((request, raw, first))

    def rows(self) -> pl.DataFrame:
        """The rows of the requests that are plain to the last value; the others go to `found`, in their order."""
        read, odd = _Read(), set[int]()
        for number, (request, raw, first) in enumerate(self._requests):
            if _EVALUATION_MARK in raw or not _decode(request, number, first, read):
                odd.add(number)
        frame = _frame(read, odd)
        for number in sorted(odd):
            self._with_care(*self._requests[number][1:])
        return frame

    def _with_care(self, raw: bytes, first: int) -> None:
        last = self.found.spans.last
        self.found.spans.last = first - 1
        document = document_of(raw)
        if isinstance(document, Refusal):
            self.found.refused.append(self.found.spans.placed(document))
        else:
            self.found.add(document)
        self.found.spans.last = last


def _decode(request: PlainRequest, number: int, first: int, read: _Read) -> bool:
    """Adds the request's spans; False, and nothing is added, when one of them is not plain."""
    position, kept = first, len(read.spans)
    for resource_spans in request.resourceSpans:
        about = _attributes(resource_spans.resource.attributes) if resource_spans.resource else {}
        agent = {name: about[name] for name in RESOURCE_AGENT if name in about}
        for scope in resource_spans.scopeSpans:
            for raw in scope.spans:
                try:
                    span = _SPANS.decode(raw)
                except (msgspec.DecodeError, RecursionError):
                    read.keep_first(kept)
                    return False
                attributes = _attributes(span.attributes)
                if read.is_genai(attributes):
                    read.spans.append(span)
                    read.attributes.append(attributes)
                    read.agents.append(agent)
                    read.raws.append(raw)
                    read.positions.append(position)
                    read.requests.append(number)
                position += 1
    return True


def _attributes(given: list[_Attribute] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in given or ():
        value = pair.value
        if value is None:
            continue
        if value.intValue is not UNSET:
            found[pair.key] = value.intValue
        elif value.stringValue is not None:
            found[pair.key] = value.stringValue
        else:
            found[pair.key] = value.doubleValue if value.doubleValue is not None else value.boolValue
    return found


def _frame(read: _Read, odd: set[int]) -> pl.DataFrame:
    """Rows of all requests but the odd ones; those that turn out odd are added to `odd`."""
    names = frozenset[str]().union(*read.attributes)
    columns = QuickColumns(len(read.spans))
    operations = _operations(read, names, columns)
    _facts(read, names, columns)
    frame = pl.DataFrame(
        {
            **columns.columns,
            "operation_name": pl.Series(operations, dtype=pl.String),
            ROW: pl.Series(read.positions, dtype=pl.Int64),
            RAW: raw_texts([bytes(raw) for raw in read.raws]),
            "_request": pl.Series(read.requests, dtype=pl.Int64),
            "_parent": _parents(read.spans),
        }
    )
    odd |= set(frame["_request"].filter(columns.odd).to_list())
    # a step that is no operation is no row, whatever else is wrong with it
    frame = frame.filter(pl.col("operation_name").is_not_null() & ~pl.col("_request").is_in(list(odd)))
    return without_enclosed(frame).drop("_request", "_parent")


def _operations(read: _Read, names: frozenset[str], columns: QuickColumns) -> list[str | None]:
    given = columns.text("operation_name", resolved(read.attributes, otlp_names.OPERATION, names)).to_list()
    plain = {one: otlp_names.operation_name(one, {}) for one in set(given) if one is not None}
    return [
        plain.get(one) or otlp_names.operation_name(one, attributes)
        for one, attributes in zip(given, read.attributes, strict=True)
    ]


def _facts(read: _Read, names: frozenset[str], columns: QuickColumns) -> None:
    traces = _hex([span.traceId for span in read.spans], 32, columns)
    ids = _hex([span.spanId for span in read.spans], 16, columns)
    columns.put("source_record_id", traces + "/" + ids)
    columns.put("trace_id", traces)
    start, _ = columns.whole([span.startTimeUnixNano for span in read.spans])
    end, _ = columns.whole([span.endTimeUnixNano for span in read.spans])
    columns.nanoseconds("occurred_at", start)
    columns.duration("duration_ms", start, end)
    for column, called in otlp_names.TEXTS.items():
        columns.text(column, resolved(read.attributes, called, names))
    if any(read.agents):
        known = [{**agent, **own} for agent, own in zip(read.agents, read.attributes, strict=True)]
        columns.text("assistant_id", resolved(known, otlp_names.TEXTS["assistant_id"], names | set(RESOURCE_AGENT)))
    columns.mapped("provider_name", columns.columns["provider_name"].to_list(), otlp_names.provider_name)
    for column, called in otlp_names.COUNTS.items():
        columns.count(column, resolved(read.attributes, called, names))
    columns.milliseconds(
        "time_to_first_chunk_ms", resolved(read.attributes, otlp_names.FIRST_CHUNK_S, names), per_unit=1000
    )
    if not names.isdisjoint(otlp_names.FIRST_CHUNK_MS):
        columns.mark(pl.Series([not set(otlp_names.FIRST_CHUNK_MS).isdisjoint(one) for one in read.attributes]))
    columns.money("reported_cost_usd", resolved(read.attributes, otlp_names.COST, names))
    errors = columns.text("error_type", [attributes.get("error.type") for attributes in read.attributes])
    failed = pl.Series([span.status is not None and span.status.code in _ERROR_CODES for span in read.spans])
    is_error = errors.is_not_null() | failed.cast(pl.Boolean)
    columns.put("error_type", pl.select(pl.coalesce(errors, pl.when(is_error).then(pl.lit("error")))).to_series())
    columns.put("is_error", is_error.cast(pl.String))


def _hex(values: list[str], digits: int, columns: QuickColumns) -> pl.Series:
    ids = pl.Series(values, dtype=pl.String)
    columns.mark(~ids.str.contains(f"^[0-9a-fA-F]{{{digits}}}$") | (ids == "0" * digits))
    return ids.str.to_lowercase()


def _parents(spans: Sequence[_Span]) -> pl.Series:
    return pl.Series(
        [f"{span.traceId}/{span.parentSpanId}" if span.parentSpanId else None for span in spans], dtype=pl.String
    )
