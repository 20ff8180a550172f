"""What the first start finds in the landing folder: real data where it is there, and generated samples.

Generated files lie under sources named `sample_...`, so that a person sees what is made up. They are
written by the formats themselves and take the same path as anything that is dropped.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from aurora.gateway.prices import default_book
from aurora.ingest.formats import azure_llm_csv, langfuse_json, otlp_json, provider_responses_jsonl
from aurora.ingest.landing import drop_file
from aurora.ingest.sample_billing import SOURCE as BILLING
from aurora.ingest.sample_billing import billing
from aurora.ingest.sample_brokerage import brokerage
from aurora.ingest.sample_fleet import FleetMonth, fleet_month, with_faults
from aurora.ingest.sample_operations import Operation
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.paths import TenantPaths

_REAL: Final = (
    ("azure", "azure_llm_2023/*.csv"),
    ("langfuse", "usage/langfuse_traces/*.json"),
    ("provider_responses", "usage/provider_responses/*.jsonl"),
)
_FUNNEL: Final = ("funnel", "real_estate_synth/*.csv")
"""Made up by others: people and units without AI usage, so it takes no generated file's place."""
FLEET: Final = "sample_fleet"
_LANGFUSE_EVERY, _GATEWAY_EVERY, _AZURE_EVERY = 7, 8, 12
"""Of the conversations of the month: one in so many was recorded by that system."""


def seed_landing(paths: TenantPaths, settings: Settings, *, clock: Callable[[], dt.datetime]) -> list[Path]:
    """Bring what there is to start with into the landing folder and return the files.

    Real data names no assistants of the fleet, so the fleet's own month is generated beside it; without
    real data, so are files in the real sources' formats.
    """
    month = fleet_month(load_pack(settings.packs_dir, settings.pack), seed=settings.seed, until=clock())
    real = list(_real_files(settings.shared_data_dir, _REAL))
    generated = _with_own_tasks(_fleet_files(month) if real else _all_files(month), month)
    funnel = _real_files(settings.shared_data_dir, [_FUNNEL])
    dropped = [drop_file(paths, file, source=source) for source, file in (*real, *funnel)]
    with tempfile.TemporaryDirectory(dir=paths.directory) as folder:
        billed = _billing_files(month, settings.seed, until=clock(), are_all_logged=bool(real))
        for source, name, content in (*generated, *_brokerage_files(settings.seed, until=clock()), *billed):
            file = Path(folder) / source / name  # a file dropped may be the same file by another name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
            dropped.append(drop_file(paths, file, source=source))
    return dropped


def _brokerage_files(seed: int, *, until: dt.datetime) -> Iterator[tuple[str, str, bytes]]:
    """The exports of sales, inventory and finance: one town, known in three ways."""
    for (system, contract), rows in brokerage(seed=seed, until=until).rows.items():
        yield f"sample_{system}", f"{contract}.ndjson", _lines(rows)


def _billing_files(
    month: FleetMonth, seed: int, *, until: dt.datetime, are_all_logged: bool
) -> Iterator[tuple[str, str, bytes]]:
    """The simulated accounts of two providers; calls that a source logs without naming its provider are not in them."""
    systems = {talk["conversation_id"]: _system(place) for place, talk in enumerate(month.talks)}
    calls = [call for call in month.operations if are_all_logged or systems[call.conversation_id] != "sample_azure"]
    for contract, rows in billing(calls, seed=seed, until=until, book=default_book()).items():
        yield BILLING, f"{contract}.ndjson", _lines(rows)


def _real_files(shared: Path, wanted: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Path]]:
    for source, pattern in wanted:
        for file in sorted(shared.glob(pattern)):
            yield source, file


def _with_own_tasks(files: Iterator[tuple[str, str, bytes]], month: FleetMonth) -> Iterator[tuple[str, str, bytes]]:
    yield FLEET, "tasks.ndjson", _lines(with_faults(month.tasks)) + b'{"task_id": "task-cut-off", "task_sta\n'
    yield from files


def _fleet_files(month: FleetMonth) -> Iterator[tuple[str, str, bytes]]:
    """The month's conversations and operations in the fleet's own exports."""
    yield FLEET, "conversations.ndjson", _lines(month.talks)
    yield FLEET, "operations.otlp.jsonl", otlp_json.write(_with_bad_spans(month.operations))


def _all_files(month: FleetMonth) -> Iterator[tuple[str, str, bytes]]:
    """The same month, as if each of several systems had recorded a part of it."""
    systems = {talk["conversation_id"]: _system(place) for place, talk in enumerate(month.talks)}
    parts: dict[str, list[Operation]] = {}
    for call in month.operations:
        parts.setdefault(systems[call.conversation_id], []).append(call)
    # Langfuse's traces are conversations by themselves
    talks = [talk for talk in month.talks if systems[talk["conversation_id"]] != "sample_langfuse"]
    yield from _fleet_files(FleetMonth(month.tasks, talks, parts[FLEET]))
    yield "sample_langfuse", "traces.jsonl", langfuse_json.write(parts["sample_langfuse"])
    yield "sample_gateway", "responses.jsonl", provider_responses_jsonl.write(parts["sample_gateway"])
    yield "sample_azure", "requests.csv", azure_llm_csv.write(parts["sample_azure"])


def _system(place: int) -> str:
    if place % _LANGFUSE_EVERY == 0:
        return "sample_langfuse"
    if place % _GATEWAY_EVERY == 0:
        return "sample_gateway"
    return "sample_azure" if place % _AZURE_EVERY == 0 else FLEET


def _with_bad_spans(operations: Sequence[Operation]) -> list[Operation]:
    """With spans that an exporter got wrong: no id, a negative count, an operation nobody knows, one sent twice."""
    last = operations[-1]
    wrong = [
        replace(last, operation_id=""),
        replace(last, operation_id=f"{1:016x}", input_tokens=-40),
        replace(last, operation_id=f"{2:016x}", operation_name="daydream"),
        last,
    ]
    return [*operations, *wrong]


def _lines(rows: Sequence[dict[str, Any]]) -> bytes:
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(row) + b"\n" for row in rows)
