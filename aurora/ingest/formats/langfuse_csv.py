"""Langfuse's blob exports as CSV: `observations_v2/`, `observations/` and `traces/`, objects as JSON in their column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from aurora.ingest import foreign
from aurora.ingest.documents import Positions, as_json
from aurora.ingest.formats import langfuse_json
from aurora.ingest.langfuse import ObservationRows
from aurora.ingest.portions import ROW, Portion, SourceFile
from aurora.ingest.sample_operations import Operation, sample_operations
from aurora.ingest.tables import csv_header, csv_tables

CONTRACTS: Final = ("usage", "conversation")
_OBSERVATION: Final = frozenset({"id", "trace_id", "type", "start_time"})
_TRACE: Final = frozenset({"id", "timestamp", "bookmarked", "session_id"})
_OBJECTS: Final = ("usage_details", "cost_details", "metadata", "model_parameters")
_NUMBERS: Final = ("total_cost", "latency", "time_to_first_token")


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header of observations or traces."""
    names = frozenset(csv_header(head.lstrip().split(b"\n", 1)[0]))
    return names >= _OBSERVATION or names >= _TRACE


def read(file: SourceFile) -> Iterator[Portion]:
    """Usage rows of the observations, and a conversation row for each trace without a session."""
    observations, traces = Positions(), Positions()
    for _, frame, refused in csv_tables(file):
        found = ObservationRows(observations, traces, refused=refused)
        for record in frame.iter_rows(named=True):
            line = record.pop(ROW)
            observations.last = traces.last = line - 1  # the line is the position of whatever it holds
            found.add(_record(record), as_json(record))
        found.settle()
        yield foreign.text_portion("usage", found.usage, found.refused)
        if found.talks or found.refused_talks:
            yield foreign.text_portion("conversation", found.talks, found.refused_talks)


def _record(row: Mapping[str, str | None]) -> dict[str, Any]:
    """The row as the JSON export has it."""
    record: dict[str, Any] = dict(row)
    for name in _OBJECTS:
        record[name] = _decoded(row.get(name))
    for name in _NUMBERS:
        record[name] = _number(row.get(name))
    return record


def _decoded(text: str | None) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except (msgspec.DecodeError, RecursionError):
        return text


def _number(text: str | None) -> Any:
    try:
        return float(text) if text else None
    except ValueError:
        return text


def write(operations: Sequence[Operation]) -> bytes:
    """Operations as enriched observations."""
    rows = [_row(call) for call in operations]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else sorted(_OBSERVATION), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _row(call: Operation) -> dict[str, Any]:
    """An operation as an enriched observation."""
    whole = langfuse_json.observation(call, call.trace_id)
    return {
        "id": whole["id"],
        "trace_id": whole["traceId"],
        "project_id": "fleet",
        "type": whole["type"],
        "parent_observation_id": "",
        "start_time": whole["startTime"],
        "end_time": whole["endTime"],
        "level": whole["level"],
        "status_message": whole["statusMessage"] or "",
        "provided_model_name": whole["model"],
        "usage_details": msgspec.json.encode(
            {k: v for k, v in whole["usageDetails"].items() if v is not None}
        ).decode(),
        "metadata": msgspec.json.encode(whole["metadata"]).decode(),
        "time_to_first_token": whole["timeToFirstToken"],
        "session_id": call.conversation_id,
    }


def sample(*, contract: str, row_count: int, seed: int) -> bytes:
    """Observations, or traces without a session where conversations are asked for."""
    calls = sample_operations(row_count, seed=seed, is_alone=contract == "conversation")
    if contract == "usage":
        return write(calls)
    lines = ["id,timestamp,name,project_id,user_id,session_id,bookmarked"]
    lines += [f"{one.trace_id},{langfuse_json.written(one.at)},{one.assistant_id},fleet,,,false" for one in calls]
    return ("\n".join(lines) + "\n").encode()
