"""The master schema registry: what each table is, what is made from it, how full it is, who may see what."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps.streamlit.reads.contracts import house, newest_batches
from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.tables import table_list, table_page
from apps.streamlit.ui.access import require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import count, gulf_time, plural
from aurora.catalogue.graph import as_dot, contract_graph, summary
from aurora.catalogue.visibility import where_kept, who_sees
from contracts.field import Field
from contracts.fields import FIELDS
from contracts.registry import domains, stored_fields, table, tables
from contracts.table import Table

SAMPLE_ROWS = 8
_DARK_INK, _LIGHT_INK = "#e6e6ea", "#26272b"


def page() -> None:
    """Headline, the contracts of a domain, and one contract in four tabs; only the open one is read."""
    require("analyst")
    pin = pin_or_first_start()
    held = _held(pin)
    filled = held.filter(pl.col("row_count") > 0).height
    headline(
        f"{plural(held.height, 'contract')} declare {plural(len(FIELDS), 'column')}; {count(filled)} hold rows.", pin
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        domain = st.selectbox(
            "Domain", [None, *domains()], format_func=lambda name: name.capitalize() if name else "All domains",
            key="domain", bind="query-params", width=200,
        )  # fmt: skip
        names = list(domains()[domain]) if domain else list(tables())
        start = names.index("usage") if "usage" in names else 0
        name = st.selectbox("Contract", names, index=start, key="contract", bind="query-params", width=320)
    _contract(pin, table(name), held)
    _overview(pin, held if domain is None else held.filter(pl.col("domain") == domain))


def _held(pin: Pin) -> pl.DataFrame:
    """Every contract with its domain, rows and newest batch."""
    declared = pl.DataFrame(
        [
            {
                "domain": domain,
                "table_name": name,
                "meaning": tables()[name].meaning,
                "column_count": len(tables()[name].columns),
                "personal_count": sum(_is_private(field) for field in tables()[name].fields),
                "encrypted_count": sum(field.protection == "encrypt" for field in tables()[name].fields),
                "version": tables()[name].version,
                "owner": tables()[name].owner,
            }
            for domain, names in domains().items()
            for name in names
        ]
    )
    rows = table_list(pin).filter(pl.col("layer") == "raw").select("table_name", "row_count")
    newest = newest_batches(pin).rename({"contract": "table_name"}).select("table_name", "newest_at")
    return (
        declared.join(rows, on="table_name", how="left")
        .join(newest, on="table_name", how="left")
        .with_columns(pl.col("row_count").fill_null(0))
        .sort("domain", "table_name")
    )


def _is_private(field: Field) -> bool:
    return field.privacy in ("personal", "sensitive")


def _contract(pin: Pin, declared: Table, held: pl.DataFrame) -> None:
    row = held.row(by_predicate=pl.col("table_name") == declared.name, named=True)
    section(f"{declared.name} {declared.version}", declared.meaning)
    with tiles():
        tile("Rows", count(row["row_count"]))
        tile("Newest batch", gulf_time(row["newest_at"]) if row["newest_at"] else "None yet")
        tile("Columns", count(row["column_count"]))
        tile("Personal", count(row["personal_count"]), explained="Columns that are personal or sensitive")
        tile("Encrypted", count(row["encrypted_count"]), explained="Columns that are stored encrypted")
    st.markdown(_about(declared))
    names = ("Columns", "Lineage", "Sample rows", "Who sees what")
    opened = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
    for name, tab in zip(names, opened, strict=True):
        if tab.open:
            with tab:
                _tab(name, pin, declared)


def _about(declared: Table) -> str:
    keys = ", ".join(f"`{name}`" for name in declared.key)
    states = f", every state once by `{declared.versioned_by}`" if declared.versioned_by else ""
    subject = f" · about the person in `{declared.subject}`" if declared.subject else ""
    origin = "sources send its rows" if declared.is_ingested else "Aurora writes it"
    return (
        f"One row {declared.grain.removeprefix('one row ')} · key {keys}{states} · owner {declared.owner} · "
        f"kept {plural(declared.retention_days, 'day')}{subject} · {origin}"
    )


def _tab(name: str, pin: Pin, declared: Table) -> None:
    match name:
        case "Columns":
            _columns(pin, declared)
        case "Lineage":
            _lineage(declared)
        case "Sample rows":
            _sample(pin, declared)
        case _:
            _visibility(pin, declared)


def _columns(pin: Pin, declared: Table) -> None:
    show_table(
        pl.DataFrame(
            [
                {
                    "column_name": field.name,
                    "meaning": field.meaning,
                    "unit": field.unit or "",
                    "type": field.type,
                    "required": declared.is_required(field.name),
                    "privacy": field.privacy,
                    "residency": field.residency.replace("_", " "),
                    "protection": _protection(field),
                    "checks": "; ".join(f"{check.rule} {check.value}" for check in field.checks),
                }
                for field in stored_fields(declared)
            ]
        ),
        title=f"Columns of {declared.name}",
        pin=pin,
        empty="This contract has no column.",
        note="A column is declared once and means the same in every table.",
        columns={"column_name": st.column_config.TextColumn("Column")},
        height=520,
    )


def _protection(field: Field) -> str:
    if field.token_of:
        return f"keyed hash of {field.token_of}"
    return {"none": "", "encrypt": "encrypted", "last4": "last four kept"}[field.protection]


def _lineage(declared: Table) -> None:
    graph = contract_graph(house(), declared.name)
    ink = _DARK_INK if st.context.theme.type == "dark" else _LIGHT_INK
    below = summary(graph, ("mart", "kpi", "feature", "page"))
    st.caption(
        "From who sends it, over its contract and Dagster asset, through dbt to KPIs and pages."
        + ("" if below else " Nothing is made from it yet.")
    )
    st.graphviz_chart(as_dot(graph, ink=ink), width="stretch")
    if below:
        st.caption(f"Made from it: {below}.")


def _sample(pin: Pin, declared: Table) -> None:
    show_table(
        table_page(pin, "raw", declared.name, 1, are_personal_shown=False).head(SAMPLE_ROWS),
        title=f"Rows of {declared.name}",
        pin=pin,
        empty=f"{declared.name} holds no row yet.",
        note="The first rows of the table; personal and sensitive values are covered as •••.",
        height=330,
    )


def _visibility(pin: Pin, declared: Table) -> None:
    show_table(
        pl.DataFrame(
            [
                {
                    "column_name": field.name,
                    "privacy": field.privacy,
                    "who_sees_it": who_sees(field),
                    "where_it_rests": where_kept(field),
                }
                for field in declared.fields
            ]
        ).sort(pl.col("privacy").replace_strict(_ORDER), descending=True, maintain_order=True),
        title="Who may see what",
        pin=pin,
        empty="This contract has no column.",
        note="Most sensitive first. It follows from the column's classes, for pages, exports and the API alike.",
        columns={"column_name": st.column_config.TextColumn("Column")},
        height=420,
    )


_ORDER = {"public": 0, "internal": 1, "personal": 2, "sensitive": 3}


def _overview(pin: Pin, held: pl.DataFrame) -> None:
    show_table(
        held.select(
            "table_name", "domain", "meaning", "row_count", "newest_at", "column_count", "personal_count",
            "encrypted_count", "version", "owner",
        ),
        title="All contracts" if held["domain"].n_unique() > 1 else f"Contracts of {held['domain'][0]}",
        pin=pin,
        empty="No contract is declared.",
        note="`aurora contract diff` says what a change of one would reach.",
        columns={"table_name": st.column_config.TextColumn("Contract")},
        height=420,
    )  # fmt: skip


page()
