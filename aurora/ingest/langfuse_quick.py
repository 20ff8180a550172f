"""Plain documents of Langfuse as rows, set-wise: the same rows as `aurora.ingest.langfuse`, for a fraction of the work.

A trace with its observations is plain when all of them decode into the structs below and hold nothing odd; else it
is read with care as a whole. Observations that stand alone are compared with each other, so one that is odd has all
of them, that were read together with it, read with care.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl
from msgspec import UNSET, Raw

from aurora.ingest import foreign, langfuse
from aurora.ingest.documents import document_of
from aurora.ingest.langfuse import ObservationRows
from aurora.ingest.langfuse_structs import (
    CAMEL,
    NO_ATTRIBUTES,
    NO_METADATA,
    NO_TRACE,
    SNAKE,
    TRACES,
    Observation,
    PlainDocument,
    Trace,
)
from aurora.ingest.portions import ROW, Refusal, raw_texts
from aurora.ingest.quick_columns import QuickColumns, without_enclosed

_PLAIN_TIME: Final = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.(\d{3}|\d{6})Z?$"
_PLAIN_COUNTS: Final = frozenset({"input", "output", "total"})
_ALONE: Final = -1
"""Document number of the observations that stand alone: they are compared with each other."""


class _Read:
    """The observations of some documents, side by side."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        self.traces: list[Trace] = []
        self.raws: list[Raw | bytes] = []
        self.positions: list[int] = []
        self.documents: list[int] = []

    def keep_first(self, count: int) -> None:
        """Forget the observations after the first `count`."""
        for column in (self.seen, self.traces, self.raws, self.positions, self.documents):
            del column[count:]

    def add(self, one: Observation, *, trace: Trace, raw: Raw | bytes, position: int, document: int) -> None:
        """One observation."""
        self.seen.append(one)
        self.traces.append(trace)
        self.raws.append(raw)
        self.positions.append(position)
        self.documents.append(document)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A trace with its observations: its text, where its observations and itself stand in the counts."""

    document: PlainDocument
    raw: bytes
    trace: Trace
    first: int
    place: int | None
    """Position of its conversation row; None where it has none."""


@dataclass(slots=True)
class QuickObservations:
    """Gathers plain documents and makes rows of them."""

    found: ObservationRows
    _whole: list[_Whole] = field(default_factory=list)
    _alone: list[tuple[bytes, int, bool]] = field(default_factory=list)

    def add(self, document: PlainDocument, raw: bytes) -> bool:
        """One document and its text; what it holds takes its positions. False for one to be read with care."""
        if document.observations is UNSET:
            if document.type is UNSET or (document.traceId is UNSET and document.trace_id is UNSET):
                return False
            self._alone.append((raw, self.found.observations.next(), document.traceId is UNSET))
            return True
        try:
            trace = TRACES.decode(document.trace) if document.trace is not UNSET else None
        except (msgspec.DecodeError, RecursionError):
            return False
        if trace is None:
            return False
        first = self.found.observations.last + 1
        self.found.observations.last += len(document.observations)
        place = self.found.traces.next() if trace.id and not trace.session_id else None
        self._whole.append(_Whole(document, raw, trace, first, place))
        return True

    @property
    def has_alone(self) -> bool:
        """Observations that stand alone are among them."""
        return bool(self._alone)

    def rows(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Usage and conversation rows of what is plain; the rest goes to `found`, in its order."""
        read, odd = _Read(), set[int]()
        for number, whole in enumerate(self._whole):
            if not _decode(whole, number, read):
                odd.add(number)
        self._add_alone(read, odd)
        frame, times = _frame(read, odd)
        talks = _talks(self._whole, odd, times)
        for number in sorted(odd - {_ALONE}):
            self._with_care(self._whole[number])
        if _ALONE in odd:
            for raw, position, _ in self._alone:
                document = document_of(raw)
                if isinstance(document, Refusal):
                    self.found.refused.append(replace(document, row_number=position))
                else:
                    self.found.keep_alone(position, document, raw.decode())
        return frame, talks

    def _add_alone(self, read: _Read, odd: set[int]) -> None:
        kept = len(read.seen)
        for raw, position, is_snake in self._alone:
            one = None if self.found.has_alone else _alone(raw, is_snake=is_snake)
            if one is None:
                odd.add(_ALONE)
                read.keep_first(kept)
                return
            read.add(one, trace=NO_TRACE, raw=raw, position=position, document=_ALONE)

    def _with_care(self, whole: _Whole) -> None:
        observations, traces = self.found.observations.last, self.found.traces.last
        self.found.observations.last = whole.first - 1
        if whole.place is not None:
            self.found.traces.last = whole.place - 1
        document = document_of(whole.raw)
        if isinstance(document, Refusal):
            self.found.refused.append(self.found.observations.placed(document))
        else:
            self.found.add(document)
        self.found.observations.last, self.found.traces.last = observations, traces


def _alone(raw: bytes, *, is_snake: bool) -> Observation | None:
    """An observation in one of the two spellings; one that mixes them is not plain."""
    try:
        one: Observation = (SNAKE if is_snake else CAMEL).decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    return one


def _decode(whole: _Whole, number: int, read: _Read) -> bool:
    """Adds the document's observations; False, and nothing is added, when one of them is not plain."""
    kept, members = len(read.seen), whole.document.observations
    assert members is not UNSET  # noqa: S101 - the document is a trace with observations
    for position, raw in enumerate(members, start=whole.first):
        try:
            one = CAMEL.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            read.keep_first(kept)
            return False
        read.add(one, trace=whole.trace, raw=raw, position=position, document=number)
    return True


def _frame(read: _Read, odd: set[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Usage rows of all documents but the odd ones, and when each document's observations began and ended."""
    seen = read.seen
    columns = QuickColumns(len(seen))
    start, end = _moments(columns, [one.start_time for one in seen]), _moments(columns, [one.end_time for one in seen])
    operations = _operations(columns, seen)
    ids = columns.text("source_record_id", [one.id for one in seen])
    columns.mark(ids.is_null())
    columns.text("occurred_at", [one.start_time for one in seen])
    _names(columns, read)
    _counts(columns, seen)
    _times(columns, seen, start, end)
    _failures(columns, seen)
    costs = [_cost(one) for one in seen]
    columns.money("reported_cost_usd", costs)
    documents = pl.Series("_request", read.documents, dtype=pl.Int64)
    odd |= set(documents.filter(columns.odd).to_list())
    frame = pl.DataFrame(
        {
            **columns.columns,
            "operation_name": operations,
            ROW: pl.Series(read.positions, dtype=pl.Int64),
            "_request": documents,
            "_parent": pl.Series([one.parent_observation_id or None for one in seen], dtype=pl.String),
            "_start": start,
            "_end": end,
            "_place": pl.int_range(len(seen), eager=True),
        }
    ).filter(~pl.col("_request").is_in(list(odd)))
    times = frame.group_by("_request").agg(
        pl.min_horizontal(pl.col("_start").min(), pl.col("_end").min()).alias("first"),
        pl.max_horizontal(pl.col("_start").max(), pl.col("_end").max()).alias("last"),
    )
    kept = without_enclosed(frame.filter(pl.col("operation_name").is_not_null()))
    raws = raw_texts([bytes(read.raws[place]) for place in kept["_place"]])
    return kept.drop("_request", "_parent", "_start", "_end", "_place").with_columns(raws), times


def _moments(columns: QuickColumns, texts: Sequence[str | None]) -> pl.Series:
    """Times as Langfuse writes them; others are read with care."""
    given = pl.Series(texts, dtype=pl.String)
    given = pl.select(pl.when(given != "").then(given)).to_series()
    columns.mark(~given.str.contains(_PLAIN_TIME))
    plain = given.str.replace("T", " ", literal=True).str.strip_suffix("Z")
    moments = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    columns.mark(moments.is_null() & given.is_not_null())
    return moments


def _operations(columns: QuickColumns, seen: Sequence[Observation]) -> pl.Series:
    """What each one did; None for a step of the program, which is no row."""
    known: dict[str, str | None] = {}
    odd: list[bool] = []
    found: list[str | None] = []
    for one in seen:
        kind = one.type
        if kind not in known:
            known[kind] = langfuse.OPERATIONS.get(kind.upper())
        operation = known[kind]
        is_step = operation is None and kind.upper() in langfuse.STEPS
        odd.append(operation is None and not is_step)
        if is_step and (one.model or one.provided_model_name):
            operation = "chat" if any(langfuse.token_counts(_details(one)).values()) else None
        found.append(operation)
    columns.mark(pl.Series(odd, dtype=pl.Boolean))
    return pl.Series("operation_name", found, dtype=pl.String)


def _names(columns: QuickColumns, read: _Read) -> None:
    seen, traces = read.seen, read.traces
    about = [(one.metadata or NO_METADATA) for one in seen]
    attributes = [one.attributes or NO_ATTRIBUTES for one in about]
    columns.mapped(
        "provider_name",
        [
            _first(named.provider, named.system, named.llm_provider, named.llm_system) or one.ls_provider
            for named, one in zip(attributes, about, strict=True)
        ],
        langfuse.provider_name,
    )
    columns.put(
        "assistant_id", pl.Series([_first(one.agent_id, one.agent_name) for one in attributes], dtype=pl.String)
    )
    llms = [one.model if one.model is not None else one.provided_model_name for one in seen]
    columns.mapped("request_model", llms, langfuse.plain_llm)
    trace_ids = columns.text(
        "trace_id",
        [one.trace_id if one.trace_id is not None else trace.id for one, trace in zip(seen, traces, strict=True)],
    ).to_list()
    sessions = [
        (trace.session_id if trace.session_id is not None else one.session_id) or trace_id
        for one, trace, trace_id in zip(seen, traces, trace_ids, strict=True)
    ]
    columns.text("conversation_id", sessions)
    columns.text(
        "user_id",
        [trace.user_id if trace.user_id is not None else one.user_id for one, trace in zip(seen, traces, strict=True)],
    )


def _first(*values: str | None) -> str | None:
    return next((value for value in values if value is not None), None)


def _details(one: Observation) -> dict[str, Any]:
    """The counts of an observation as the API names them, for the rules that look at more than three of them."""
    found: dict[str, Any] = {"usageDetails": one.usage_details, "usage": one.usage}
    plain = {
        "promptTokens": one.prompt_tokens,
        "completionTokens": one.completion_tokens,
        "totalTokens": one.total_tokens,
    }
    return found | {name: value for name, value in plain.items() if value is not None}


def _counts(columns: QuickColumns, seen: Sequence[Observation]) -> None:
    names = (
        "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
        "reasoning_output_tokens",
    )  # fmt: skip
    found: dict[str, list[int | None]] = {name: [] for name in names}
    odd: list[bool] = []
    for one in seen:
        details = one.usage_details
        if details and details.keys() <= _PLAIN_COUNTS and (details.get("input") or details.get("output")):
            counts: dict[str, int | None] = {
                "input_tokens": details.get("input"),
                "output_tokens": details.get("output"),
            }
            odd.append(False)
        else:
            try:
                counts = langfuse.token_counts(_details(one))
                odd.append(False)
            except foreign.WrongValueError:
                counts = {}
                odd.append(True)
        for name, column in found.items():
            column.append(counts.get(name))
    columns.mark(pl.Series(odd, dtype=pl.Boolean))
    for name, column in found.items():
        columns.count(name, column)


def _times(columns: QuickColumns, seen: Sequence[Observation], start: pl.Series, end: pl.Series) -> None:
    columns.put("duration_ms", _milliseconds(end - start))
    begun = _moments(columns, [one.completion_start_time for one in seen])
    waited = _milliseconds(begun - start)
    told = columns.milliseconds("_told", [one.time_to_first_token for one in seen], per_unit=1000)
    del columns.columns["_told"]
    told = pl.select(pl.when(begun.is_null()).then(told).otherwise(waited)).to_series()
    columns.put("time_to_first_chunk_ms", told)


def _milliseconds(gaps: pl.Series) -> pl.Series:
    """Whole milliseconds, halves to the even one, as Python rounds them."""
    micro = gaps.dt.total_microseconds()
    rounded = np.rint(micro.fill_null(0).to_numpy() / 1000).astype(np.int64)
    return pl.select(pl.when(micro.is_not_null()).then(pl.Series(rounded))).to_series().cast(pl.String)


def _failures(columns: QuickColumns, seen: Sequence[Observation]) -> None:
    columns.put("is_error", pl.Series(["true" if one.level == "ERROR" else "false" for one in seen], dtype=pl.String))
    errors = [(one.status_message or "error")[:200] if one.level == "ERROR" else None for one in seen]
    columns.put("error_type", pl.Series(errors, dtype=pl.String))


def _cost(one: Observation) -> float | None:
    total = one.cost_details.get("total") if one.cost_details else None
    amount = next((part for part in (total, one.calculated_total_cost, one.total_cost) if part is not None), None)
    return amount or None


def _talks(wholes: Sequence[_Whole], odd: set[int], times: pl.DataFrame) -> pl.DataFrame:
    """Conversation rows of the traces without a session."""
    known = {number: (first, last) for number, first, last in times.iter_rows()}
    rows = [
        (whole.trace.id, whole.trace.user_id or None, _started(whole.trace, known.get(number)), _ended(known.get(number)),
         whole.place, bytes(whole.document.trace))  # type: ignore[arg-type]
        for number, whole in enumerate(wholes)
        if whole.place is not None and number not in odd
    ]  # fmt: skip
    names = ("conversation_id", "user_id", "started_at", "ended_at")
    columns = {name: pl.Series([row[place] for row in rows], dtype=pl.String) for place, name in enumerate(names)}
    return pl.DataFrame({**columns, ROW: pl.Series([row[4] for row in rows], dtype=pl.Int64)}).with_columns(
        raw_texts([row[5] for row in rows])
    )


def _started(trace: Trace, times: Any) -> str | None:
    if trace.timestamp:
        return trace.timestamp
    return None if times is None or times[0] is None else times[0].isoformat(timespec="microseconds") + "+00:00"


def _ended(times: Any) -> str | None:
    return None if times is None or times[1] is None else times[1].isoformat(timespec="microseconds") + "+00:00"
