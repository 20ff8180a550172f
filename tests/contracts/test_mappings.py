"""The plan's tables as rows of the common tables: really converted, then held to the common contract."""

import datetime as dt
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from pandera.config import ValidationDepth, config_context

from aurora.ingest.canonical_sample import sample_rows
from contracts import registry
from contracts.mappings import MAPPINGS, Conformed, conformed_select


def _converted(mapping: Conformed, row_count: int = 20) -> pl.DataFrame:
    declared = registry.table(mapping.table)
    rows = [
        {**row, "source": "auterity", "region": "ae-dubai"}
        for row in sample_rows(mapping.table, row_count=row_count, seed=3)
    ]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        kinds = registry.duckdb_columns(declared)
        columns = ", ".join(f'"{name}" {kinds[name]}' for name in declared.columns)
        connection.execute(f"CREATE TABLE plan ({columns})")
        for row in rows:
            marks = ", ".join("?" for _ in row)
            names = ", ".join(f'"{name}"' for name in row)
            connection.execute(f"INSERT INTO plan ({names}) VALUES ({marks})", list(row.values()))
        return connection.execute(conformed_select(mapping, relation="plan")).pl()


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.table)
def test_a_row_of_the_plan_passes_the_common_gate(mapping: Conformed):
    declared = registry.table(mapping.into)
    rows = _converted(mapping).cast(registry.polars_schema(declared))  # type: ignore[arg-type]
    with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        registry.pandera_schema(declared).validate(rows, lazy=True)
    assert rows[declared.key[0]].n_unique() == rows.height == 20


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.table)
def test_a_mapping_names_columns_that_are_there(mapping: Conformed):
    assert set(mapping.columns) <= set(registry.table(mapping.into).columns)


def test_seconds_become_milliseconds_and_nothing_is_priced_by_guess():
    metric = next(mapping for mapping in MAPPINGS if mapping.table == "ai_operation_metric")
    given = {row["metric_id"]: row for row in sample_rows("ai_operation_metric", row_count=20, seed=3)}
    for row in _converted(metric).iter_rows(named=True):
        told = given[row["source_record_id"]]
        assert row["duration_ms"] == pytest.approx(told["execution_time"] * 1000, abs=0.51)
        assert row["is_error"] is not told["success"]
        assert row["cost_usd"] == Decimal(told["cost"])
        assert row["occurred_date"] == dt.datetime.fromisoformat(told["timestamp"]).date()
