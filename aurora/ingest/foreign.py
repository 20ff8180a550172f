"""Values of foreign records as text that the gate can judge: counts, times, money, provider names.

A format turns each record into a mapping of contract columns to text. What the gate can refuse by itself
(a negative count, a time that is none) goes on as it is; `WrongValueError` is for what cannot even be written
down as one value of the column.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import polars as pl

from aurora.ingest.portions import ROW, Portion, Refusal, raw_texts, refusals
from contracts import registry

Values = dict[str, str | None]
Record = tuple[int, Values, str]
"""Position, contract columns as text, and the record as it came (JSON)."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NANO: Final = Decimal("0.000000001")
_MAX_BITS: Final = 128
_MAX_EXACT: Final = 2.0**63
_NUMBER: Final = re.compile(r"\s*-?[0-9]{1,38}(\.[0-9]{1,38})?([eE][-+]?[0-9]{1,3})?\s*")
_DIGITS: Final = re.compile(r"\s*-?[0-9]{1,38}\s*")

LLM_OPERATIONS: Final = ("chat", "generate_content", "text_completion")
_TOOL: Final = "execute_tool"
BEARERS: Final = ("input_tokens", "output_tokens")


class WrongValueError(ValueError):
    """A value that cannot stand in its column; formats catch it and refuse the record."""

    def __init__(self, column: str, value: Any, wanted: str) -> None:
        """`wanted` says what the source should give there."""
        super().__init__(f"{column} is {_shown(value)} where {wanted} belongs.")
        self.column = column

    def refusal(self, position: int, raw: str) -> Refusal:
        """The record's refusal."""
        return Refusal(position, "type", f"{self} Correct it at the source and send it again.", raw, self.column)


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    return number_text(value) if isinstance(value, int) else repr(value)[:80]


def mapping(value: Any, column: str) -> Mapping[str, Any]:
    """An object, empty where the source gives none; `WrongValueError` for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WrongValueError(column, value, "an object")
    return value


def text(value: Any, column: str) -> str | None:
    """A name or id: text, or a number written as text; empty is none. `WrongValueError` for anything else."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValueError(column, value, "a text")
    return number_text(value)


def number_text(value: float) -> str:
    """A number as the gate reads it. One too wide for any column is cut: it is refused all the same."""
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _MAX_BITS else f"an integer of {value.bit_length()} bits"
    return str(int(value)) if value.is_integer() and abs(value) < _MAX_EXACT else repr(value)


def count(value: Any, column: str) -> int | None:
    """A whole number, also as text; None where the source gives none. `WrongValueError` for anything else."""
    if value is None:
        return None
    found = value
    if (isinstance(value, str) and _DIGITS.fullmatch(value)) or (
        isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT
    ):
        found = int(value)
    if isinstance(found, int) and not isinstance(found, bool) and found.bit_length() <= _MAX_BITS:
        return found
    raise WrongValueError(column, value, "a whole number")


def total(*parts: int | None) -> int | None:
    """Sum of the known parts; None when none is known."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def count_text(value: int | None) -> str | None:
    """A count as text."""
    return None if value is None else str(value)


def unix_time(value: Any, column: str, *, per_second: int) -> str | None:
    """A unix time in units of `per_second` as RFC 3339; None where there is none or it is 0."""
    ticks = count(value, column)
    if not ticks:
        return None
    try:
        moment = _EPOCH + dt.timedelta(microseconds=ticks * 10**6 // per_second)
    except OverflowError:
        return str(ticks)
    return moment.isoformat(timespec="microseconds")


def moment(value: Any) -> dt.datetime | None:
    """A time as text as a moment in UTC, where it can be read as one; zone-less times are UTC."""
    if not isinstance(value, str):
        return None
    try:
        read = dt.datetime.fromisoformat(value.strip())
        return read.replace(tzinfo=dt.UTC) if read.tzinfo is None else read.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def milliseconds(start: dt.datetime | None, end: dt.datetime | None) -> str | None:
    """From start to end, rounded; None where either is unknown."""
    if start is None or end is None:
        return None
    return str(round((end - start) / dt.timedelta(milliseconds=1)))


def money(value: Any, column: str) -> str | None:
    """An amount, rounded to the nine decimals that the contract holds. `WrongValueError` for what is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise WrongValueError(column, value, "an amount")
    try:
        amount = Decimal(number_text(value) if isinstance(value, int) else str(value))
        return f"{amount.quantize(_NANO):f}" if amount.is_finite() else str(value)
    except InvalidOperation:
        return str(value)


def number(value: Any, column: str) -> str | None:
    """A finite number, also as text. `WrongValueError` for anything else."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongValueError(column, value, "a number")
    return number_text(value)


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested objects as dotted keys; nulls and arrays are left out."""
    found: dict[str, Any] = {}
    waiting = [(prefix, value)]
    while waiting:
        path, part = waiting.pop()
        for key, inner in part.items():
            if isinstance(inner, dict):
                waiting.append((f"{path}{key}.", inner))
            elif inner is not None and not isinstance(inner, list):
                found[f"{path}{key}"] = inner
    return found


def first(values: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The value of the first name that has one."""
    return next((values[name] for name in names if values.get(name) is not None), None)


def enclosing(spans: Sequence[tuple[str | None, str | None, Values]]) -> frozenset[str]:
    """Ids of spans that enclose another one's tokens: theirs are the same tokens, counted again.

    `spans` are (id, parent's id, values). A tool breaks the chain: what an assistant spends inside a
    tool it was called with is its own.
    """
    parents = {span: (parent, values["operation_name"] == _TOOL) for span, parent, values in spans if span}
    found: set[str] = set()
    for span, parent, values in spans:
        if all(values.get(name) is None for name in BEARERS):
            continue
        above = parent
        while above and above in parents and above not in found and above != span and not parents[above][1]:
            found.add(above)
            above = parents[above][0]
    return frozenset(found)


def without_tokens(values: Values) -> Values:
    """An operation that encloses others: their tokens and cost are theirs, its time is its own."""
    kept = {name: value for name, value in values.items() if not name.endswith("_tokens")}
    kept["reported_cost_usd"] = None
    if kept["operation_name"] in LLM_OPERATIONS:
        kept["operation_name"] = "invoke_agent"
    return kept


def text_portion(contract: str, records: Sequence[Record], refused: Iterable[Refusal]) -> Portion:
    """A portion of text columns, which the gate casts and judges column by column."""
    names = registry.table(contract).columns
    used = set().union(*(values for _, values, _ in records)) if records else set()
    columns = {name: [values.get(name) for _, values, _ in records] for name in names if name in used}
    series = [pl.Series(name, column, dtype=pl.String) for name, column in columns.items()]
    numbers = pl.Series(ROW, [number for number, _, _ in records], dtype=pl.Int64)
    rows = pl.DataFrame([*(one for one in series if one.null_count() < len(records)), numbers])
    return Portion(
        contract=contract,
        rows=rows.with_columns(raw_texts([raw for _, _, raw in records])),
        refused=refusals(refused),
    )
