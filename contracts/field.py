"""What a column is: type, unit, meaning, privacy and residency class, checks, and how it is protected.

The columns themselves are declared in `contracts/columns/`, one line each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldType = Literal["text", "int", "float", "decimal", "bool", "timestamp", "date", "json"]
"""`decimal` is DECIMAL(18, 9); `timestamp` is UTC with microseconds; `json` is text that parses."""

Privacy = Literal["public", "internal", "personal", "sensitive"]
Residency = Literal["any", "tenant_region"]
Protection = Literal["none", "encrypt", "last4"]
"""What ingest does before a value is stored. `encrypt`: AES-256-GCM under the key of the row's subject, so
that destroying the key erases it. `last4`: all but the last four characters are gone (card numbers)."""

EARLIEST = "2015-01-01T00:00:00"
"""No language-model usage is older; a date before it is a broken clock or a wrong unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule each value must pass. Nulls pass: whether null is allowed is the column's matter.

    `rule` is its name in quarantine rows; `value` is a number, an ISO time, or a tuple of texts.
    """

    rule: Literal["at_least", "at_most", "one_of", "matches", "not_before"]
    value: float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column, wherever it appears.

    `token_of` names the column whose keyed hash this one holds: ingest fills it before that column is
    protected, so that equal values can be matched without being read.
    """

    name: str
    type: FieldType
    meaning: str
    unit: str | None = None
    privacy: Privacy = "internal"
    residency: Residency = "any"
    checks: tuple[Check, ...] = ()
    protection: Protection = "none"
    token_of: str | None = None


def at_least(value: float) -> tuple[Check, ...]:
    """The value is `value` or more."""
    return (Check(rule="at_least", value=value),)


def one_of(*values: str) -> tuple[Check, ...]:
    """The value is one of a closed list."""
    return (Check(rule="one_of", value=values),)


def matches(pattern: str) -> tuple[Check, ...]:
    """The whole value matches a regular expression that Python, Rust and RE2 read alike."""
    return (Check(rule="matches", value=pattern),)


def at_most_chars(count: int) -> tuple[Check, ...]:
    """The text has `count` characters or fewer: VARCHAR(count)."""
    return matches(rf"^(?s:.{{0,{count}}})$")


SHARE = (Check(rule="at_least", value=0), Check(rule="at_most", value=1))
TIME = (Check(rule="not_before", value=EARLIEST),)
SLUG = matches(r"^[a-z][a-z0-9_.\-]{0,63}$")
UUID = matches(r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
