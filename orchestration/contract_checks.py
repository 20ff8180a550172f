"""Checks of the raw lake, made from the contracts: one SQL count of wrong rows each. No Dagster here.

Ingest refuses bad rows before they land, so a check that fails says that something wrote around it.
Wrong keys and missing values make figures wrong, so they stop what follows (blocking); a value out of
bounds is shown and stops nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from aurora.store.lake import LakeReader
from contracts import registry
from contracts.field import Check, Field
from contracts.table import Table

KEY: Final = "key_is_unique"
REQUIRED: Final = "required_columns_hold_values"
VALUES: Final = "values_pass_their_checks"

CheckName = Literal["key_is_unique", "required_columns_hold_values", "values_pass_their_checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractCheck:
    """One check of one raw table; `sql` gives one number, the rows that are wrong."""

    table: str
    name: CheckName
    is_blocking: bool
    meaning: str
    sql: str

    @property
    def full_name(self) -> str:
        return f"{self.table}.{self.name}"


@cache
def contract_checks() -> tuple[ContractCheck, ...]:
    """Every check of every contract, in the order of the tables."""
    return tuple(check for declared in registry.tables().values() for check in _checks(declared))


def failing_counts(lake: LakeReader) -> dict[str, int]:
    """Wrong rows of each check, by its full name, at the reader's snapshot of raw.

    A table that never held a row has no wrong one, and is not asked: planning a query on it costs 2 ms a column.
    """
    held = lake.tables_with_rows("raw")
    return {
        check.full_name: int(lake.query(check.sql).item() or 0) if check.table in held else 0
        for check in contract_checks()
    }


def _checks(declared: Table) -> list[ContractCheck]:
    required = [name for name in declared.stored_columns if declared.is_required(name)]
    key = ", ".join(declared.row_key)
    found = [
        ContractCheck(
            table=declared.name,
            name=KEY,
            is_blocking=True,
            meaning=f"{declared.grain}: no two rows share ({key}).",
            sql=f"SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM raw.{declared.name} GROUP BY {key} HAVING count(*) > 1)",
        ),
        ContractCheck(
            table=declared.name,
            name=REQUIRED,
            is_blocking=True,
            meaning="Required columns hold a value: " + ", ".join(required) + ".",
            sql=_count(declared, [f"{name} IS NULL" for name in required]),
        ),
    ]
    conditions = [_wrong(field, check) for field in registry.stored_fields(declared) for check in field.checks]
    if conditions:
        found.append(
            ContractCheck(
                table=declared.name,
                name=VALUES,
                is_blocking=False,
                meaning="Values pass the checks of contracts/columns/.",
                sql=_count(declared, conditions),
            )
        )
    return found


def _count(declared: Table, conditions: list[str]) -> str:
    return f"SELECT count(*) FROM raw.{declared.name} WHERE " + " OR ".join(conditions)


def _wrong(field: Field, check: Check) -> str:
    match check.rule:
        case "at_least":
            return f"{field.name} < {check.value}"
        case "at_most":
            return f"{field.name} > {check.value}"
        case "not_before":
            return f"{field.name} < TIMESTAMPTZ {_literal(str(check.value) + '+00:00')}"
        case "matches":
            return f"NOT regexp_matches({field.name}, {_literal(str(check.value))})"
        case "one_of":
            values = check.value if isinstance(check.value, tuple) else (str(check.value),)
            return f"{field.name} NOT IN ({', '.join(map(_literal, values))})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
