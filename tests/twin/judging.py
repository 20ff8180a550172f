"""Evaluates the exact predicates over all rows of a part: what each rule finds, as (contract, source, record key)."""

import datetime as dt
from collections.abc import Iterable

import duckdb
import polars as pl

from contracts import registry
from twin.cases.ledger import KEY_SEPARATOR
from twin.cases.parameters import PARAMETERS
from twin.cases.predicates import PREDICATES, parameters_of
from twin.frame import Part

Found = set[tuple[str, str]]
"""Source and record key."""
TOKENS = {"payment": ("payee_account",), "property": ("escrow_account",)}
"""Columns that the lake holds as keyed hashes beside the values."""


def all_rows(part: Part) -> dict[str, pl.DataFrame]:
    """Rows of each contract from all sources, in all its columns, in the newest state of each key."""
    found: dict[str, list[pl.DataFrame]] = {}
    for one in part.exports:
        found.setdefault(one.contract, []).append(one.rows.with_columns(pl.lit(one.source).alias("source")))
    return {contract: _whole(contract, pl.concat(parts, how="diagonal")) for contract, parts in found.items()}


def _whole(contract: str, rows: pl.DataFrame) -> pl.DataFrame:
    types = registry.polars_schema(registry.table(contract))
    rows = rows.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in types.items() if name not in rows.columns
    )
    return rows.with_columns(pl.col(name).alias(f"{name}_token") for name in TOKENS.get(contract, ()))


def findings(
    rows: dict[str, pl.DataFrame], until: dt.datetime, rule_ids: Iterable[str] = tuple(PREDICATES)
) -> dict[str, Found]:
    """By rule: source and key of each record that its predicate finds at `until`."""
    with duckdb.connect() as lake:
        lake.execute("SET TimeZone = 'UTC'")
        for contract, frame in rows.items():
            lake.register(contract, frame.to_arrow())
        return {rule_id: _found(lake, rule_id, until) for rule_id in rule_ids}


def _found(lake: duckdb.DuckDBPyConnection, rule_id: str, until: dt.datetime) -> Found:
    one = PREDICATES[rule_id]
    key = ", ".join(f"r.{name}" for name in registry.table(one.contract).key if name != "source")
    known = {**PARAMETERS, "as_of": until}
    values = {name: list(value) if isinstance(value := known[name], tuple) else value for name in parameters_of(one)}
    query = f"SELECT r.source, concat_ws('{KEY_SEPARATOR}', {key}) FROM {one.rows} WHERE {one.violates}"
    found = lake.execute(query, values).fetchall()
    assert len(found) == len(set(found)), f"{rule_id} finds a record twice"
    return set(found)
