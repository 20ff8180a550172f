"""What the door does with each column of a contract: protect it, look through it, or leave it alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from aurora.privacy.identifiers import class_of_field, class_of_name
from contracts.field import SLUG, Field
from contracts.fields import FIELDS
from contracts.table import Table

Look = Literal["none", "id", "text", "json"]
"""How a column is looked through. `id`: values stand alone, such as `whatsapp:+971501234567`."""

_OWN: Final = frozenset({"source", "source_format", "region", "price_id"})
_ID: Final = re.compile(r"(_id|_no|_nos|_number|_key|_hash|_ref|_code|_type|_kind|_name|_model|_url|_version)$")


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """One column, its class as declared, and how it is looked through."""

    field: Field
    identifier_class: str | None
    look: Look
    belongs: str | None
    """The class that the column's name announces: one of that class is where it should be."""


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A contract at the door."""

    declared: Table
    columns: tuple[ColumnPlan, ...]
    is_personal: bool
    """Whether a refused row of it may hold personal data, so that it rests encrypted."""
    is_bound: bool
    """Whether rows must stay in their region: a column is of residency class `tenant_region`."""

    @property
    def tokens(self) -> tuple[tuple[str, str, str], ...]:
        """(token column, the column it stands for, that one's class) of each token the contract holds."""
        found = []
        for field in self.declared.fields:
            if field.token_of is not None and field.token_of in self.declared.columns:
                of = FIELDS[field.token_of]
                found.append((field.name, of.name, class_of_name(of.name) or "personal"))
        return tuple(found)


def subject_kind(column: str) -> str:
    """What kind of person a subject column names: a buyer, a payer and a counterparty are all parties.

    One person has one key in all tables whose subject is of the same kind, so one erasure reaches them.
    """
    return "party_id" if column.endswith("party_id") else column


@cache
def table_plan(declared: Table) -> TablePlan:
    """The plan of a contract; it follows from the declaration alone."""
    fields = declared.fields
    return TablePlan(
        declared=declared,
        columns=tuple(ColumnPlan(field, class_of_field(field), _look(field), _belongs(field.name)) for field in fields),
        is_personal=any(field.privacy in ("personal", "sensitive") or field.protection != "none" for field in fields),
        is_bound=any(field.residency == "tenant_region" for field in fields),
    )


def _belongs(name: str) -> str | None:
    """A version such as 10.2.3.4 is written as an address is."""
    return "ip_address" if name.endswith("version") else class_of_name(name)


def _look(field: Field) -> Look:
    if field.protection != "none" or field.token_of is not None or field.name in _OWN:
        return "none"
    if field.type == "json":
        return "json"
    is_closed = any(check.rule == "one_of" for check in field.checks) or field.checks == SLUG
    if field.type != "text" or is_closed:
        return "none"
    return "id" if _ID.search(field.name) else "text"
