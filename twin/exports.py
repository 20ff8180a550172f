"""The twin's tables as the files that their systems would have exported, dropped into the landing folder.

An assistant exports Parquet behind an envelope unless `_FORMS` says otherwise: some export JSON, NDJSON or CSV, and
gateways, tracers and providers write formats of their own (`twin/foreign.py`, `twin/bills.py`,
`twin/chatgpt.py`).
"""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from aurora.ingest import envelope
from aurora.ingest.landing import drop_file
from aurora.store.paths import TenantPaths
from contracts import registry
from twin import bills, chatgpt, foreign
from twin.frame import Export, Frame

PREFIX: Final = "twin_"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a source writes a contract: the file's suffix, and its bytes."""

    suffix: str
    written: Callable[[Export, Frame], bytes]


def drop_exports(paths: TenantPaths, frame: Frame, exports: Iterable[Export]) -> list[Path]:
    """Write each export and drop it into the landing folder of its source; the files that lie there then."""
    staged = paths.directory / "twin" / "exports"
    shutil.rmtree(staged, ignore_errors=True)
    landed = []
    written = Counter[tuple[str, str]]()
    try:
        for one in exports:
            form = form_of(one)
            written[one.source, one.contract] += 1
            part = written[one.source, one.contract]
            name = f"{one.contract}-{frame.seed}-{frame.first_day}" + (f"-{part}" if part > 1 else "")
            file = staged / one.source / f"{name}.{form.suffix}"  # never the same twice: a drop is a link to it
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(form.written(one, frame))
            landed.append(drop_file(paths, file, source=one.source))
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return landed


def form_of(one: Export) -> _Form:
    """How this export is written."""
    return _FORMS.get((one.source, one.contract)) or _ENVELOPED


def _said(one: Export, frame: Frame) -> envelope.Envelope:
    return envelope.new_envelope(
        one.contract,
        assistant_id=one.source.removeprefix(PREFIX),
        exported_at=frame.until,
        row_count=one.rows.height,
    )


def _typed(one: Export) -> pl.DataFrame:
    """The contract's columns that have a value, in the contract's types."""
    types = registry.polars_schema(registry.table(one.contract))
    kept = [name for name in one.rows.columns if name in types and one.rows[name].null_count() < one.rows.height]
    return one.rows.select(pl.col(name).cast(types[name]) for name in kept)


def _parquet(rows: pl.DataFrame, metadata: dict[str, str]) -> bytes:
    out = io.BytesIO()
    rows.write_parquet(out, compression="zstd", compression_level=1, metadata=metadata)
    return out.getvalue()


def _enveloped_parquet(one: Export, frame: Frame) -> bytes:
    return _parquet(_typed(one), {envelope.KEY: envelope.encode(_said(one, frame)).decode()})


def _plain_parquet(one: Export, frame: Frame) -> bytes:  # noqa: ARG001 - one signature for all forms
    return _parquet(_typed(one), {})


def _lines(one: Export) -> bytes:
    return _texts(_typed(one)).write_ndjson().encode()


def _enveloped_json(one: Export, frame: Frame) -> bytes:
    head = b'{"%s": %s,\n"rows": [\n' % (envelope.KEY.encode(), envelope.encode(_said(one, frame)))
    return head + _lines(one).rstrip(b"\n").replace(b"\n", b",\n") + b"]}\n"


def _enveloped_ndjson(one: Export, frame: Frame) -> bytes:
    return envelope.ndjson_line(_said(one, frame)) + _lines(one)


def _enveloped_csv(one: Export, frame: Frame) -> bytes:
    return envelope.csv_line(_said(one, frame)) + _plain_csv(one, frame)


def _plain_ndjson(one: Export, frame: Frame) -> bytes:  # noqa: ARG001 - one signature for all forms
    return _lines(one)


def _plain_csv(one: Export, frame: Frame) -> bytes:  # noqa: ARG001 - one signature for all forms
    return _texts(_typed(one)).write_csv().encode()


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Times and amounts as texts."""
    return rows.with_columns(
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
        pl.col(pl.Date).dt.strftime("%Y-%m-%d"),
        pl.col(pl.Decimal).cast(pl.String),
    )


def _own(written: Callable[[pl.DataFrame], bytes]) -> Callable[[Export, Frame], bytes]:
    """A form that looks at nothing but the rows."""
    return lambda one, _: written(one.rows)


_ENVELOPED: Final = _Form("parquet", _enveloped_parquet)
_FORMS: Final[dict[tuple[str, str], _Form]] = {
    ("twin_daniel", "usage"): _Form("json", _enveloped_json),
    ("twin_elena", "usage"): _Form("ndjson", _enveloped_ndjson),
    ("twin_fatima", "usage"): _Form("csv", _enveloped_csv),
    ("twin_sofia", "usage"): _Form("parquet", _plain_parquet),
    ("twin_amira", "usage"): _Form("ndjson", _plain_ndjson),
    ("twin_daniel", "task"): _Form("csv", _plain_csv),
    ("twin_elena", "task"): _Form("json", _enveloped_json),
    ("twin_fatima", "conversation"): _Form("ndjson", _enveloped_ndjson),
    ("twin_amira", "conversation"): _Form("csv", _enveloped_csv),
    ("twin_evaluator", "evaluation"): _Form("ndjson", _enveloped_ndjson),
    ("twin_invoices", "invoice_line"): _Form("csv", _plain_csv),
    ("twin_workflows", "case_event"): _Form("parquet", _plain_parquet),
    ("twin_litellm_log", "usage"): _Form("jsonl", _own(foreign.litellm_log)),
    ("twin_litellm_spend", "usage"): _Form("json", _own(foreign.litellm_spend)),
    ("twin_litellm_dump", "usage"): _Form("csv", _own(foreign.litellm_dump)),
    ("twin_langfuse", "usage"): _Form("jsonl", _own(foreign.langfuse_traces)),
    ("twin_langfuse_observations", "usage"): _Form("jsonl", _own(foreign.langfuse_observations)),
    ("twin_langfuse_v2", "usage"): _Form("jsonl", _own(foreign.langfuse_observations_v2)),
    ("twin_langfuse_csv", "usage"): _Form("csv", _own(foreign.langfuse_table)),
    ("twin_langfuse_scores", "evaluation"): _Form("jsonl", _own(foreign.langfuse_scores)),
    ("twin_langfuse_score_table", "evaluation"): _Form("csv", _own(foreign.langfuse_score_table)),
    ("twin_otel", "usage"): _Form("jsonl", _own(foreign.otlp_lines)),
    ("twin_otel_proto", "usage"): _Form("pb", _own(foreign.otlp_protobuf_bytes)),
    ("twin_responses", "usage"): _Form("jsonl", _own(foreign.responses)),
    ("twin_azure", "usage"): _Form("csv", _own(foreign.azure_requests)),
    ("twin_chatgpt", "usage"): _Form("json", _own(chatgpt.conversations)),
    ("twin_chatgpt", "evaluation"): _Form("json", _own(chatgpt.feedback)),
    ("twin_openai_billing", "provider_usage"): _Form("jsonl", _own(bills.openai_usage)),
    ("twin_openai_billing", "provider_cost"): _Form("jsonl", _own(bills.openai_costs)),
    ("twin_azure_focus", "focus_charge"): _Form("csv", _own(bills.focus_table)),
    ("twin_gemini_focus", "focus_charge"): _Form("parquet", _own(bills.focus_parquet_bytes)),
}
