"""A rule's exact predicate: what its words mean on the contracts' columns, as the planted cases understand it.

SQL in the dialect of the lake (DuckDB). `r` is the record; `$as_of` is the moment of judgement, `$<name>` a parameter
of `twin.cases.parameters`. Tables are in their newest state, one row a key.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """`rows` is a FROM clause with the record as `r`; `violates` is true of what breaks the rule, once a record."""

    rule_id: str
    contract: str
    violates: str
    rows: str
    note: str = ""
    """What was loose in the rule's text and how it is read here."""


def on(rule_id: str, contract: str, violates: str, note: str = "", *, joins: str = "") -> Predicate:
    """A predicate on one contract; `joins` goes on after `<contract> r`."""
    return Predicate(
        rule_id=rule_id, contract=contract, violates=violates, rows=f"{contract} r {joins}".strip(), note=note
    )


def json_list(column: str) -> str:
    """A JSON array of texts as a list; empty where it is null."""
    return f"coalesce(from_json({column}, '[\"VARCHAR\"]'), [])"
