"""A table on a page: its columns said in words and units, its export beside its title, its empty state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import current_viewer
from apps.streamlit.ui.export import MIME, ExportFormat, Provenance, export_bytes, file_name
from apps.streamlit.ui.wording import AED_PER_USD, GULF, NOTHING
from contracts.fields import FIELDS

_ROW_HEIGHT = 35
EXPORT_LIMIT = 100_000
"""Most rows that one export holds."""

LABELS: Mapping[str, str] = {
    "assistant_name": "Assistant", "model_name": "Language model", "provider_name": "Provider",
    "operation_name": "Operation", "operation_count": "Calls", "operation_count_30d": "Calls, 30 days",
    "error_count": "Failed calls", "error_share": "Failed", "error_share_30d": "Failed, 30 days",
    "cost_usd_30d": "Spend, 30 days (USD)", "cost_aed_30d": "Spend, 30 days (AED)", "cost_usd": "Spend (USD)",
    "cost_aed": "Spend (AED)", "cost_share": "Of spend", "unpriced_count": "Without price", "token_count": "Tokens",
    "cache_read_input_tokens": "Tokens from cache", "usd_per_mtok": "USD / 1M tokens", "period_date": "Day (UTC)", "cost_source": "Price from",
    "duration_p50_ms": "p50 (ms)", "duration_p95_ms": "p95 (ms)", "duration_p99_ms": "p99 (ms)",
    "duration_p95_ms_30d": "p95, 30 days (ms)", "decided_at": "Decided", "decision_kind": "Question",
    "decision_status": "Result", "row_count": "Rows", "good_count": "Landed", "quarantined_count": "Refused",
    "duplicate_count": "Seen before", "ingested_at": "Landed at", "kpi_name": "KPI", "kpi_value": "Value",
    "sample_count": "Observations", "is_met": "Met", "task_count_30d": "Tasks, 30 days",
    "success_share_30d": "Succeeded, 30 days", "last_seen_at": "Last seen", "assistant_state": "State",
    "expected_cost_usd": "Expected (USD)", "baseline_cost_usd": "Without routing (USD)", "actor_id": "Asked by",
    "task_count": "Tasks", "handoff_count": "Handoffs", "command_kind": "Command", "command_state": "Came to",
    "error_type": "Why not", "is_overridden": "Overridden", "needs_human": "Waits for you", "is_success": "Succeeded",
}  # fmt: skip
_UNITS = {"_s": "s", "_usd": "USD", "_aed": "AED", "_ms": "ms", "_us": "µs", "_mtok": "1M tokens"}


def label(column: str) -> str:
    """What a column is called on a page."""
    if column in LABELS:
        return LABELS[column]
    for suffix, unit in _UNITS.items():
        if column.endswith(suffix):
            return f"{_sentence(column.removesuffix(suffix))} ({unit})"
    return _sentence(column.removesuffix("_count").removesuffix("_share").removeprefix("is_").removeprefix("has_"))


def _sentence(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def with_aed(frame: pl.DataFrame) -> pl.DataFrame:
    """A dirham column before each dollar column of spend."""
    columns: list[pl.Expr] = []
    for name in frame.columns:
        if name in ("cost_usd", "cost_usd_30d"):
            columns.append((pl.col(name) * AED_PER_USD).alias(name.replace("usd", "aed")))
        columns.append(pl.col(name))
    return frame.select(columns)


def columns_of(frame: pl.DataFrame) -> dict[str, Any]:
    """How each column is shown, from its name and type: units, separators, Gulf time, meaning as help."""
    return {name: _column(name, frame) for name in frame.columns}


def _column(name: str, frame: pl.DataFrame) -> Any:
    kind, text = frame.schema[name], label(name)
    declared = FIELDS.get(name)
    meaning = declared.meaning if declared else None
    if isinstance(kind, pl.Datetime):
        return st.column_config.DatetimeColumn(
            f"{text} (GST)", help=meaning, format="D MMM YYYY, HH:mm", timezone=str(GULF)
        )
    if kind == pl.Date:
        return st.column_config.DateColumn(text, help=meaning, format="D MMM YYYY")
    if kind == pl.Boolean:
        return st.column_config.CheckboxColumn(text, help=meaning)
    if kind.is_numeric():
        return st.column_config.NumberColumn(text, help=meaning, format=_number_format(name, frame[name]))
    return st.column_config.TextColumn(text, help=meaning)


def _number_format(name: str, values: pl.Series) -> str:
    if "_share" in name or name in ("confidence", "propensity", "quality"):
        return "percent"
    if values.dtype.is_integer() or name.endswith(("_ms", "_ms_30d")):
        return "localized"
    largest = values.cast(pl.Float64).abs().max()
    return "accounting" if isinstance(largest, float) and largest >= 1 else "%.5f"


def show_table(
    frame: pl.DataFrame,
    *,
    title: str,
    pin: Pin,
    empty: str,
    note: str | None = None,
    columns: Mapping[str, Any] | None = None,
    order: Sequence[str] | None = None,
    full: Callable[[], pl.DataFrame] | None = None,
    on_select: bool = False,
    height: int | None = None,
) -> int | None:
    """Title, export buttons and the table; `empty` says the next step when there is no row.

    `full` gives the rows to export when the table shows only a page of them. With `on_select` the
    position of the row that the viewer picked comes back.
    """
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"#### {title}", width="content")
        if frame.height and current_viewer().reaches("analyst"):
            with st.container(horizontal=True, width="content", gap="xsmall"):
                _export_button("csv", full or (lambda: frame), title, pin)
                _export_button("xlsx", full or (lambda: frame), title, pin)
    if note:
        st.caption(note)
    if not frame.height:
        st.info(empty, icon=":material/info:")
        return None
    settings: dict[str, Any] = {
        "hide_index": True,
        "column_config": {**columns_of(frame), **(columns or {})},
        "column_order": order,
        "key": f"table_{title}",
        "alt": f"{title}: {frame.height:,} rows",
        "height": "auto" if height is None or frame.height < height // _ROW_HEIGHT else height,
        "placeholder": NOTHING,
    }
    # As Arrow: Streamlit would take the long way through pandas, which warns about zones and is slower.
    rounded = frame.with_columns(pl.selectors.matches("_ms(_30d)?$").round(0).cast(pl.Int64)).to_arrow()
    if not on_select:
        st.dataframe(rounded, **settings)
        return None
    picked: Any = st.dataframe(rounded, on_select="rerun", selection_mode="single-row", **settings)
    rows = picked.selection.rows
    return int(rows[0]) if rows else None


def _export_button(export_format: ExportFormat, rows: Callable[[], pl.DataFrame], title: str, pin: Pin) -> None:
    provenance = Provenance(
        tenant=pin.tenant,
        title=title,
        raw_snapshot=pin.raw_snapshot,
        mart_snapshot=pin.mart_snapshot,
        generated_at=dt.datetime.now(dt.UTC),
    )
    st.download_button(
        export_format.upper(),
        data=lambda: export_bytes(rows().head(EXPORT_LIMIT), export_format, provenance),
        file_name=file_name(provenance, export_format),
        mime=MIME[export_format],
        key=f"export_{export_format}_{title}",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help=f"{title} as {export_format.upper()}, with tenant, snapshot and time",
    )
