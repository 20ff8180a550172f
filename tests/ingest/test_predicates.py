"""The contract's predicate means what pandera means, in polars and in SQL, whatever the table and its values."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.errors import DataError
from aurora.ingest import gate
from aurora.ingest.gate import gate_faults
from aurora.ingest.portions import ROW
from aurora.ingest.predicates import judged_columns, polars_passes, sql_passes
from aurora.ingest.sifting import file_refusals, sift_file
from contracts import registry
from contracts.field import Field
from contracts.table import Table

AT = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
INGESTED = sorted(name for name, declared in registry.tables().items() if declared.is_ingested)
ODD_TEXTS = ("", " ", "A", "ae-dubai", "ae-dubai\n", "9x", "x" * 65, "دبي", "null", "chat ", "Chat", "it's")


def values(field: Field, draw: random.Random) -> Any:
    """A value of the field's type: near the edges of its checks, or anything, or null."""
    if draw.random() < 0.08:
        return None
    limits = [check.value for check in field.checks if isinstance(check.value, int | float)]
    match field.type:
        case "int":
            return draw.choice([*(int(limit) + step for limit in limits for step in (-1, 0, 1)), 0, -1, 2**62, 7])
        case "decimal":
            near = [Decimal(str(limit)) + step for limit in limits for step in (0, Decimal("-0.000000001"))]
            return draw.choice([*near, Decimal("0.5"), Decimal(-3), Decimal("12345678.123456789")])
        case "float":
            return draw.choice([*limits, *(limit - 1e-9 for limit in limits), 0.5, -2.0, 3.5, float("nan")])
        case "bool":
            return draw.random() < 0.5
        case "timestamp":
            return AT + dt.timedelta(microseconds=draw.choice([0, -1, 1, 10**15, -(10**15)]))
        case "date":
            return (AT + dt.timedelta(days=draw.randrange(-900, 900))).date()
        case "json":
            return "[]"
        case "text":
            closed = [choice for check in field.checks if isinstance(check.value, tuple) for choice in check.value]
            return draw.choice([*closed, *closed, *ODD_TEXTS])


def table_of(declared: Table, *, row_count: int, seed: int) -> pl.DataFrame:
    draw = random.Random(seed)
    types = registry.polars_schema(declared)
    data = {field.name: [values(field, draw) for _ in range(row_count)] for field in declared.fields}
    return pl.DataFrame({name: pl.Series(name, column, dtype=types[name]) for name, column in data.items()})


def pandera_says(rows: pl.DataFrame, declared: Table) -> set[int]:
    return set(gate._pandera_faults(rows.select(judged_columns(declared, rows.columns)), declared)["index"])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(contract=st.sampled_from(INGESTED), seed=st.integers(0, 2**32), row_count=st.integers(1, 60))
def test_polars_sql_and_pandera_refuse_the_same_rows_of_any_contract(contract: str, seed: int, row_count: int):
    declared = registry.table(contract)
    rows = table_of(declared, row_count=row_count, seed=seed)
    columns = judged_columns(declared, rows.columns)
    by_pandera = pandera_says(rows, declared)
    by_polars = rows.select(polars_passes(declared, columns).alias("passes"))["passes"]
    assert set((~by_polars).arg_true()) == by_pandera
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", rows.with_row_index("place").to_arrow())
        predicate = sql_passes(declared, {name: f'"{name}"' for name in columns})
        by_sql = connection.execute(f"SELECT place FROM given WHERE NOT ({predicate})").fetchall()
    assert {place for (place,) in by_sql} == by_pandera


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(contract=st.sampled_from(INGESTED), seed=st.integers(0, 2**32), row_count=st.integers(1, 80))
def test_the_gate_holds_against_rows_what_pandera_holds_against_them(contract: str, seed: int, row_count: int):
    declared = registry.table(contract)
    rows = table_of(declared, row_count=row_count, seed=seed)
    order = ["index", "column_name", "rule", "value"]
    whole = gate._pandera_faults(rows.select(judged_columns(declared, rows.columns)), declared)
    assert gate_faults(rows, declared, given=frozenset(rows.columns)).sort(order).equals(whole.sort(order))


def usage_rows(row_count: int) -> pl.DataFrame:
    usage = registry.table("usage")
    base = {"occurred_at": AT, "occurred_date": AT.date(), "operation_name": "chat", "request_count": 1}
    base |= {
        "source": "gateway",
        "source_format": "x",
        "is_error": False,
        "cost_source": "logged",
        "region": "ae-dubai",
    }
    types = registry.polars_schema(usage)
    rows = [{**base, "usage_id": f"call-{number}", "input_tokens": number} for number in range(row_count)]
    return pl.DataFrame(rows, schema={name: types[name] for name in rows[0]})


def written(folder: Path, rows: pl.DataFrame) -> Path:
    rows.write_parquet(folder / "rows.parquet", row_group_size=50)
    return folder / "rows.parquet"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), row_count=st.integers(1, 400))
def test_a_file_is_sifted_into_its_good_rows_and_every_planted_fault(tmp_path: Path, seed: int, row_count: int):
    draw = random.Random(seed)
    ways = {"input_tokens": (-1, "at_least"), "request_count": (0, "at_least"), "operation_name": ("no", "one_of")}
    planted = {(draw.randrange(row_count), draw.choice(list(ways))) for _ in range(draw.randrange(20))}
    rows = usage_rows(row_count)
    for at, column in planted:
        rows = rows.with_columns(rows[column].scatter(at, ways[column][0]))
    file = written(tmp_path, rows)
    sifted = sift_file(file, registry.table("usage"), good=tmp_path / "good.parquet")
    found = sifted.refused.select(pl.col(ROW) - 1, "column_name", "rule").rows()
    assert sorted(found) == sorted((at, column, ways[column][1]) for at, column in planted)
    bad = pl.Series([at for at, _ in planted], dtype=pl.UInt32)
    good = rows.with_row_index("at").filter(~pl.col("at").is_in(bad.implode())).drop("at")
    assert pl.read_parquet(tmp_path / "good.parquet").equals(good)
    assert sifted.row_count == row_count
    assert file_refusals(file, registry.table("usage")).refused.equals(sifted.refused)


def test_a_missing_required_column_and_a_wrong_type_refuse_the_file(tmp_path: Path):
    usage = registry.table("usage")
    with pytest.raises(DataError, match="operation_name is missing") as caught:
        file_refusals(written(tmp_path, usage_rows(3).drop("operation_name")), usage)
    assert caught.value.field == "operation_name"
    with pytest.raises(DataError, match="input_tokens is Int32"):
        file_refusals(written(tmp_path, usage_rows(3).cast({"input_tokens": pl.Int32})), usage)


def test_no_column_to_judge_passes_every_row():
    rows = pl.DataFrame({"error_type": ["a", None]})
    assert judged_columns(registry.table("usage"), rows.columns) == ()
    assert rows.select(polars_passes(registry.table("usage"), ()).alias("p")).to_series().all()
    assert sql_passes(registry.table("usage"), {}) == "true"
