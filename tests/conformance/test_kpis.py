"""Every KPI file says of rows made by hand what was computed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest
import yaml

from aurora.catalogue.dbt_sql import DBT_PROJECT, Renderer
from aurora.catalogue.kpi_files import Example, Kpi, read_kpis

KPIS = read_kpis(DBT_PROJECT)
MEASURED = [(kpi, example) for kpi in KPIS for example in kpi.examples]
COLUMNS = ("period_date", "kpi_value", "value_low", "value_high", "sample_count")
RENDERER = Renderer(DBT_PROJECT)


def declared_types(table: str) -> dict[str, str]:
    """Columns of a dbt model as its yml declares them; empty for a view, whose yml has none."""
    (file,) = (DBT_PROJECT / "models").rglob(f"{table}.yml")
    (declared,) = yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
    return {column["name"]: column["data_type"] for column in declared.get("columns", ())}


def guessed_types(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Types of a view's columns, by their names."""
    kinds = {"_at": "timestamp with time zone", "_date": "date", "_count": "bigint", "_us": "double"}
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: next(
            (kind for end, kind in kinds.items() if name.endswith(end)), "boolean" if name[:3] == "is_" else "varchar"
        )
        for name in names
    }


def said(kpi: Kpi, given: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What the KPI's select says of these rows."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in kpi.tables:
            rows = given[table]
            types = declared_types(table) or guessed_types(rows)
            connection.execute(f"CREATE TABLE {table} ({', '.join(f'{n} {t}' for n, t in types.items())})")
            for row in rows:
                assert row.keys() <= types.keys(), f"{table} has no column {row.keys() - types.keys()}"
                marks = ", ".join("?" for _ in row)
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        sql = f"SELECT {', '.join(COLUMNS)} FROM ({RENDERER.kpi(kpi).sql}) ORDER BY 1"
        found = connection.execute(sql)
        return [dict(zip(COLUMNS, row, strict=True)) for row in found.fetchall()]


def _ids() -> Iterator[str]:
    for number, (kpi, _) in enumerate(MEASURED):
        yield f"{kpi.kpi_id}-{number}"


@pytest.mark.parametrize(("kpi", "example"), MEASURED, ids=list(_ids()))
def test_a_kpi_says_what_was_computed_by_hand(kpi: Kpi, example: Example) -> None:
    assert set(example.given) == set(kpi.tables), "give every table that the KPI reads, [] where it does not matter"
    found = said(kpi, example.given)
    assert [str(row["period_date"]) for row in found] == [str(row["period_date"]) for row in example.expect]
    for row, wanted in zip(found, example.expect, strict=True):
        for name, value in wanted.items():
            if name != "period_date":
                assert row[name] == (value if value is None else pytest.approx(value, abs=1e-4)), name


@pytest.mark.parametrize("kpi", [kpi for kpi in KPIS if kpi.is_measured], ids=lambda kpi: kpi.kpi_id)
def test_an_example_would_notice_another_value(kpi: Kpi) -> None:
    """No KPI whose examples expect nothing at all."""
    assert any(row.get("kpi_value") is not None for example in kpi.examples for row in example.expect)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.kpi_id)
def test_a_kpi_says_what_it_means(kpi: Kpi) -> None:
    for text in (kpi.definition, kpi.formula, kpi.source, kpi.owner):
        assert len(text) >= 4
    assert not kpi.definition.lower().startswith("kpi")
