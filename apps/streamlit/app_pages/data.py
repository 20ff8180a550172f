"""What lies in the lake: tables, contracts, batches, quarantine, snapshots. Each can be taken away as a file."""

from __future__ import annotations

import math

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.meanings import meaning
from apps.streamlit.reads.tables import (
    PAGE_ROWS,
    batches,
    refusal_reasons,
    refused_count,
    refused_rows,
    snapshots,
    table_list,
    table_page,
)
from apps.streamlit.ui.access import Viewer, require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, tile, tiles
from apps.streamlit.ui.table import EXPORT_LIMIT, show_table
from apps.streamlit.ui.wording import code_words, count, gulf_time, plural
from aurora.store.paths import Layer
from contracts.fields import FIELDS
from contracts.registry import DUCKDB_TYPES, stored_fields, table, tables

_REFUSED_ORDER = (
    "reason", "file_name", "row_number", "source", "rule", "column_name", "ingested_at", "raw_row", "contract",
    "batch_id",
)  # fmt: skip


def page() -> None:
    """Headline and five tabs; only the open one is read."""
    viewer = require("analyst")
    pin = pin_or_first_start()
    listed = table_list(pin)
    headline(_sentence(pin, listed), pin)
    names = ("Tables", "Contracts", "Batches", "Quarantine", "Snapshots")
    opened = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
    shown = {name: tab for name, tab in zip(names, opened, strict=True) if tab.open}
    for name, tab in shown.items():
        with tab:
            _tab(name, pin, listed, viewer)


def _tab(name: str, pin: Pin, listed: pl.DataFrame, viewer: Viewer) -> None:
    match name:
        case "Tables":
            _tables(pin, listed, viewer)
        case "Contracts":
            _contracts(pin)
        case "Batches":
            _batches(pin)
        case "Quarantine":
            _quarantine(pin, viewer)
        case _:
            _snapshots(pin)


def _sentence(pin: Pin, listed: pl.DataFrame) -> str:
    rows = int(listed["row_count"].sum())
    refused = refused_count(pin, None)
    held = (
        f"{plural(refused, 'row')} {'is' if refused == 1 else 'are'} in quarantine"
        if refused
        else "nothing is in quarantine"
    )
    return f"{plural(listed.height, 'table')} hold {plural(rows, 'row')}; {held}."


def _tables(pin: Pin, listed: pl.DataFrame, viewer: Viewer) -> None:
    show_table(
        listed.with_columns(pl.col("table_name").map_elements(meaning, return_dtype=pl.String).alias("meaning")),
        title="Tables",
        pin=pin,
        empty="The lake has no table yet. `make run` makes it.",
        note="raw: as it came, append only. mart: computed by dbt, read by these pages.",
        height=320,
    )
    if not listed.height:
        return
    options = [f"{row['layer']}.{row['table_name']}" for row in listed.iter_rows(named=True)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Look into", options, key="table", bind="query-params", width=320)
        are_shown = _personal_switch(viewer, "table_personal")
    layer, _, name = chosen.partition(".")
    rows = int(listed.filter((pl.col("layer") == layer) & (pl.col("table_name") == name))["row_count"][0])
    number = _pagination(rows, "table_page")
    lake_layer: Layer = "raw" if layer == "raw" else "mart"
    show_table(
        table_page(pin, lake_layer, name, number, are_personal_shown=are_shown),
        title=f"Rows of {chosen}",
        pin=pin,
        empty=f"{chosen} holds no row yet.",
        note=f"{_range(number, rows)}. The export holds the rows shown." if rows else None,
        height=420,
    )


def _personal_switch(viewer: Viewer, key: str) -> bool:
    if not viewer.reaches("owner"):
        return False
    return st.toggle("Show personal data", key=key, help="Covered as ••• unless you ask for it.")


def _pagination(rows: int, key: str) -> int:
    pages = max(1, math.ceil(rows / PAGE_ROWS))
    return st.pagination(pages, key=key, max_visible_pages=5) if pages > 1 else 1


def _range(number: int, rows: int) -> str:
    first = PAGE_ROWS * (number - 1) + 1
    return f"Rows {count(first)} to {count(min(rows, first + PAGE_ROWS - 1))} of {count(rows)}" if rows else "No rows"


def _contracts(pin: Pin) -> None:
    name = st.selectbox("Contract", list(tables()), key="contract", bind="query-params", width=320)
    declared = table(name)
    st.markdown(f"**{declared.meaning}**")
    st.markdown(
        f"- One row: {declared.grain.removeprefix('one row ')}\n- Key: {', '.join(f'`{k}`' for k in declared.key)}\n"
        f"- Owner: {declared.owner} · kept {plural(declared.retention_days, 'day')} · version {declared.version}"
    )
    columns = pl.DataFrame(
        [
            {
                "column_name": field.name,
                "meaning": field.meaning,
                "unit": field.unit or "",
                "type": DUCKDB_TYPES[field.type].lower(),
                "required": declared.is_required(field.name),
                "privacy": field.privacy,
                "residency": field.residency.replace("_", " "),
                "checks": "; ".join(f"{check.rule} {check.value}" for check in field.checks),
            }
            for field in stored_fields(declared)
        ]
    )
    show_table(
        columns,
        title=f"Columns of {name}",
        pin=pin,
        empty="This contract has no column.",
        note=f"{plural(columns.height, 'column')}. A column is declared once and means the same in every table "
        f"({len(FIELDS)} in all).",
        columns={"column_name": st.column_config.TextColumn("Column")},
        height=560,
    )


def _batches(pin: Pin) -> None:
    ledger = batches(pin)
    if ledger.height:
        with tiles():
            tile("Batches", count(ledger["batch_id"].n_unique()))
            tile("Rows in", count(int(ledger["row_count"].sum())))
            tile("Landed", count(int(ledger["good_count"].sum())))
            tile(
                "Refused",
                count(int(ledger["quarantined_count"].sum())),
                explained="In quarantine, each with its reason",
            )
            tile(
                "Seen before",
                count(int(ledger["duplicate_count"].sum())),
                explained="The same row again changes nothing",
            )
    last = ledger["ingested_at"].max() if ledger.height else None
    show_table(
        ledger,
        title="Batches",
        pin=pin,
        empty="No batch yet. Drop exports into the landing folder and run `aurora ingest`.",
        note=f"Rows in = landed + refused + seen before. Last: {gulf_time(last)}." if last else None,  # type: ignore[arg-type]
        height=560,
    )


def _quarantine(pin: Pin, viewer: Viewer) -> None:
    reasons = refusal_reasons(pin)
    show_table(
        reasons,
        title="Why rows were refused",
        pin=pin,
        empty="No row was refused.",
        note="Counted once for each failed check. Mend the export and land the file again: good rows are not doubled."
        if reasons.height
        else None,
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rules = sorted(set(reasons["rule"].to_list()))
        rule = st.selectbox(
            "Rule", [None, *rules], format_func=lambda r: code_words(r) if r else "All rules", key="rule", width=240
        )
        are_shown = _personal_switch(viewer, "refused_personal")
    total = refused_count(pin, rule)
    number = _pagination(total, "refused_page")
    is_repairer = viewer.reaches("operator")
    rows = refused_rows(pin, rule, number, are_personal_shown=are_shown, are_reasons_shown=is_repairer)
    show_table(
        rows,
        title="Refused rows",
        pin=pin,
        empty="Nothing is in quarantine.",
        note=f"{_range(number, total)}, with file and place in it." if total else None,
        full=lambda: refused_rows(
            pin, rule, 1, are_personal_shown=are_shown, are_reasons_shown=is_repairer, limit=EXPORT_LIMIT
        ),
        order=_REFUSED_ORDER,
        columns={"row_number": st.column_config.NumberColumn("Row in file", format="localized")},
        height=480,
    )


def _snapshots(pin: Pin) -> None:
    for layer, said in (("mart", "Figures"), ("raw", "Rows as they came")):
        show_table(
            snapshots(pin, "raw" if layer == "raw" else "mart"),
            title=f"Snapshots of {layer}",
            pin=pin,
            empty="No snapshot yet.",
            note=f"{said}. Every figure and decision names the snapshot it was derived from.",
            height=320,
        )


page()
