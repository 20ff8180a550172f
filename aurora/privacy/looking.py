"""Looking through whole columns for identifiers that do not belong there, and taking them out.

A column is screened first by regular expressions in Rust; only values that may hold something are read one
by one, each distinct value once. A value without a finding is left as it is, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from aurora.privacy.columns import ColumnPlan
from aurora.privacy.detection import MAY_BE, MAY_HOLD, Found, find, find_in_id
from aurora.privacy.identifiers import FLAGGED, class_of_name
from aurora.privacy.lexicon import WORDS
from aurora.privacy.tokens import redaction

_KEYS: Final = (
    r'(?i)"[^"]{0,40}(?:mail|phone|mobile|whatsapp|passport|birth|dob|iban|emirates|national|ssn|security|password'
    r"|secret|api_?key|_name|Name|diagnos|health|medical|address|card_|account|trn|licen|plate|imei|latitude|longitude)"
)
_LOOKED_AT: Final = 1000
"""Values by which a column is judged to repeat."""
_SHORTEST: Final = 3
"""Characters of the shortest thing there is to find."""
Tally = dict[tuple[str, str], list[int]]
"""(class, action) to [values, of them unsure]."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A column after the look: its values, and what was found; `values` is None when nothing was taken out."""

    values: pl.Series | None
    tally: Tally = field(default_factory=dict)
    changed_count: int = 0


def screens(rows: pl.DataFrame, plans: Sequence[ColumnPlan]) -> dict[str, pl.Series]:
    """What may hold something, by column: 0 nothing, 1 a number or an address, 2 a word, 3 both. All in one pass.

    Where values repeat, each distinct one is screened first; mostly there is nothing, and the rows are left alone.
    """
    given = (plan for plan in plans if plan.look != "none" and rows[plan.field.name].null_count() < rows.height)
    asked = [plan for plan in given if not _repeats(rows[plan.field.name]) or _may_hold(rows[plan.field.name], plan)]
    marks = rows.select(_screen(plan).alias(plan.field.name) for plan in asked)
    return {mark.name: mark for mark in marks.iter_columns() if mark.max()}


def _repeats(given: pl.Series) -> bool:
    """Whether finding the distinct values costs less than reading all, judged by the first."""
    return given.len() > _LOOKED_AT and given.head(_LOOKED_AT).n_unique() < _LOOKED_AT // 2


def _may_hold(given: pl.Series, plan: ColumnPlan) -> bool:
    return bool(given.unique().to_frame().select(_screen(plan).max()).item())


def _screen(plan: ColumnPlan) -> pl.Expr:
    given = pl.col(plan.field.name)
    if plan.look == "id":
        found = given.str.contains(MAY_BE) | given.str.contains("[@ ]")
        return pl.when(found).then(3).otherwise(0).cast(pl.UInt8)
    words = given.str.contains(WORDS)
    words = words | given.str.contains(_KEYS) if plan.look == "json" else words
    return given.str.contains(MAY_HOLD).cast(pl.UInt8).fill_null(0) + words.cast(pl.UInt8).fill_null(0) * 2


def look_through(given: pl.Series, marks: pl.Series, plan: ColumnPlan, token_key: Callable[[], bytes]) -> Looked:
    """Identifiers out of a column that was screened; `token_key` is asked for only when one is found."""
    hits = (marks > 0).arg_true()
    read = _Reader(plan, token_key)
    suspects = pl.DataFrame({"value": given.gather(hits), "mark": marks.gather(hits)})
    changed: dict[str, str] = {}
    tally: Tally = {}
    for value, mark, times in suspects.group_by("value", "mark").len().iter_rows():
        after, found = read.value(value, has_words=mark > 1)
        for identifier_class, action, is_sure in found:
            counts = tally.setdefault((identifier_class, action), [0, 0])
            counts[0] += times
            counts[1] += 0 if is_sure else times
        if after != value:
            changed[value] = after
    if not changed:
        return Looked(None, tally)
    values = suspects["value"].replace(list(changed), list(changed.values()))
    return Looked(given.scatter(hits, values), tally, int((values != suspects["value"]).sum()))


Told = tuple[str, str, bool]
"""(class, action, whether it is sure)."""


class _Reader:
    """Reads values of one column, one at a time."""

    def __init__(self, plan: ColumnPlan, token_key: Callable[[], bytes]) -> None:
        self._plan = plan
        self._token_key = token_key
        self._told: list[Told] = []
        self._has_words = True

    def value(self, text: str, *, has_words: bool) -> tuple[str, list[Told]]:
        """The text without identifiers, and what was in it."""
        self._told, self._has_words = [], has_words
        if self._plan.look == "json":
            after = self._document(text)
        elif self._plan.look == "id" and " " not in text:
            after = self._replaced(text, find_in_id(text))
        else:
            after = self._replaced(text, self._find(text))
        return after, self._told

    def _find(self, text: str) -> list[Found]:
        return find(text, has_words=self._has_words) if len(text) >= _SHORTEST else []

    def _replaced(self, text: str, found: list[Found]) -> str:
        parts: list[str] = []
        at = 0
        for one in found:
            if one.identifier_class == self._plan.belongs:
                continue  # it belongs here
            if one.identifier_class in FLAGGED:
                self._told.append((one.identifier_class, "flagged", one.is_sure))
                continue
            self._told.append((one.identifier_class, "redacted", one.is_sure))
            parts += [text[at : one.start], redaction(self._token_key(), one.identifier_class, one.value)]
            at = one.end
        return "".join(parts) + text[at:]

    def _document(self, text: str) -> str:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return self._replaced(text, self._find(text))
        cleaned = self._node(document, None)
        return text if cleaned == document else json.dumps(cleaned, ensure_ascii=False, separators=(",", ":"))

    def _node(self, node: Any, named: str | None) -> Any:
        match node:
            case dict():
                return {
                    self._replaced(key, self._find(key)): self._node(value, class_of_name(key))
                    for key, value in node.items()
                }
            case list():
                return [self._node(value, named) for value in node]
            case bool() | None:
                return node
            case str() if named and node.strip():
                self._told.append((named, "redacted", True))
                return redaction(self._token_key(), named, node)
            case str():
                return self._replaced(node, self._find(node))
            case int() | float() if named:
                self._told.append((named, "redacted", True))
                return redaction(self._token_key(), named, str(node))
            case int():
                text = str(node)
                cleaned = self._replaced(text, find_in_id(text))
                return node if cleaned == text else cleaned
            case _:
                return node


def replaced_text(text: str, token_key: Callable[[], bytes]) -> str:
    """A text of ours, such as the reason of a refusal, without the identifiers in it."""
    parts: list[str] = []
    at = 0
    for one in _taken_out(text):
        parts += [text[at : one.start], redaction(token_key(), one.identifier_class, one.value)]
        at = one.end
    return "".join(parts) + text[at:]


def _taken_out(text: str) -> Iterator[Found]:
    return (one for one in find(text) if one.identifier_class not in FLAGGED)
