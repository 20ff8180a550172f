"""One declaration, every form: pandera, polars, Arrow, DuckDB, JSON Schema, dbt."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from contracts import registry
from contracts.columns import auterity
from contracts.fields import FIELDS
from contracts.table import Table

TABLES = registry.tables()


def _price_row(**changes: object) -> pl.DataFrame:
    row = {
        "price_id": "openai/gpt-4o/0/2024-05-13",
        "provider_name": "openai",
        "request_model": "gpt-4o",
        "valid_from": dt.datetime(2024, 5, 13, tzinfo=dt.UTC),
        "valid_to": None,
        "tier_start_tokens": 0,
        "input_usd_per_mtok": Decimal("2.5"),
        "output_usd_per_mtok": Decimal(10),
        "cache_read_usd_per_mtok": None,
        "cache_write_usd_per_mtok": None,
        "request_usd": None,
        "price_source": "test",
    } | changes
    return pl.DataFrame([row], schema=registry.polars_schema(registry.table("price")))


@pytest.mark.parametrize("name", TABLES)
def test_every_form_has_the_same_columns_in_the_same_order(name: str) -> None:
    declared = TABLES[name]
    assert list(registry.pandera_schema(declared).columns) == list(declared.columns)
    assert list(registry.polars_schema(declared)) == list(declared.columns)
    assert list(registry.json_schema(declared)["properties"]) == list(declared.columns)
    assert registry.arrow_schema(declared).names == list(declared.stored_columns)
    assert list(registry.duckdb_columns(declared)) == list(declared.stored_columns)


@pytest.mark.parametrize("name", TABLES)
def test_a_key_is_required(name: str) -> None:
    assert all(TABLES[name].is_required(column) for column in TABLES[name].key)


def test_every_field_is_used_or_will_be_removed() -> None:
    used = {column for declared in TABLES.values() for column in declared.stored_columns}
    assert (
        sorted(
            set(FIELDS)
            - used
            - {
                "kpi_id",
                "kpi_value",
                "unit",
                "target",
                "direction",
                "value_low",
                "value_high",
                "sample_count",
                "period_date",
                "record_id",
                "recorded_at",
                "content_hash",
            }
        )
        == []
    )


def test_units_stand_in_the_names_of_quantities() -> None:
    named_by_the_plan = {field.name for field in auterity.COLUMNS}
    for field in FIELDS.values():
        if field.name in named_by_the_plan:
            continue
        if field.unit == "ms":
            assert field.name.endswith("_ms")
        if field.type == "bool":
            assert field.name.startswith(("is_", "has_"))
        if field.type == "timestamp":
            is_focus_period = field.name.endswith(("_period_start", "_period_end"))
            assert field.name.endswith("_at") or is_focus_period or field.name in {"valid_from", "valid_to"}


def test_an_unknown_table_names_those_that_exist() -> None:
    with pytest.raises(registry.UnknownTableError, match="usage"):
        registry.table("usages")


def test_a_table_with_an_undeclared_column_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="tokens_in"):
        Table(
            name="x",
            meaning="",
            grain="",
            key=("usage_id",),
            columns=("usage_id", "tokens_in"),
            owner="",
            retention_days=1,
        )


def test_a_good_row_passes_the_gate_and_a_bad_one_is_named() -> None:
    schema = registry.pandera_schema(registry.table("price"))
    with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        schema.validate(_price_row(), lazy=True)
        with pytest.raises(SchemaErrors) as caught:
            schema.validate(_price_row(input_usd_per_mtok=Decimal(-1)), lazy=True)
    failure = caught.value.failure_cases.row(0, named=True)
    assert failure["column"] == "input_usd_per_mtok"
    assert failure["check"] == "at_least"
    assert failure["index"] == 0


def test_optional_columns_may_be_null_in_json_and_required_ones_may_not() -> None:
    schema = registry.json_schema(registry.table("usage"))
    assert schema["properties"]["input_tokens"]["type"] == ["integer", "null"]
    assert "input_tokens" not in schema["required"]
    assert schema["properties"]["cost_source"]["enum"] == ["provider", "logged", "price_book", "unpriced"]
