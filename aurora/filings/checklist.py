"""The papers of a sale: which are there, missing, expired or not asked for, each with the rule that asks for it.

The items and their conditions stand in `rera_checklist.yaml`, in the language of the rules.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from aurora.compliance.expressions import compile_condition
from aurora.compliance.rulebook import ParameterValues, Rulebook, fields_of
from aurora.filings.records import Row
from aurora.packs.reading import read_declared

ItemState = Literal["there", "missing", "expired", "not asked", "not known"]
FILE: Final = Path(__file__).with_name("rera_checklist.yaml")
_RECORDS: Final = {"buyer": "party", "seller": "party"}
_ORDER: Final[dict[ItemState, int]] = {"missing": 0, "expired": 1, "not known": 2, "there": 3, "not asked": 4}


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One paper."""

    item: str
    label: str
    rule: str
    record: Literal["deal", "listing", "viewing", "buyer", "seller"]
    asked_when: str
    there_when: str
    expired_when: str | None = None
    shows: str | None = None
    """Column that names the paper."""


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of one paper."""

    item: Item
    state: ItemState
    says: str | None
    """The paper's number, or what is on file."""

    @property
    def is_in_order(self) -> bool:
        """Whether nothing is to be done."""
        return self.state in ("there", "not asked")


def items() -> tuple[Item, ...]:
    """Every paper, in the order of a sale."""
    return read_declared(FILE, _File).items


def judge_papers(rulebook: Rulebook, rows: Mapping[str, list[Row]], *, now: dt.datetime) -> list[Judged]:
    """Every paper of a deal. `rows` are its records by the names that items use; of several the worst counts."""
    parameters = rulebook.pack("uae_aml").values
    return [_judged(one, rows.get(one.record, []), parameters, now) for one in items()]


def _judged(item: Item, rows: list[Row], parameters: ParameterValues, now: dt.datetime) -> Judged:
    if not rows:
        return Judged(item, "not known", f"no {item.record} on record")
    fields = fields_of(_RECORDS.get(item.record, item.record), {})

    def verdicts(text: str | None) -> list[bool | None]:
        if text is None:
            return [None] * len(rows)
        condition = compile_condition(text, fields, where=f"Paper {item.item}", parameters=parameters)
        return [condition.evaluate({**row, "$now": now}) for row in rows]

    found = [
        Judged(item, _state(asked, there, expired), _shown(item, row))
        for row, asked, there, expired in zip(
            rows, verdicts(item.asked_when), verdicts(item.there_when), verdicts(item.expired_when), strict=True
        )
    ]
    return min(found, key=lambda one: _ORDER[one.state])


def _shown(item: Item, row: Row) -> str | None:
    return None if item.shows is None or row[item.shows] is None else str(row[item.shows])


def _state(asked: bool | None, there: bool | None, expired: bool | None) -> ItemState:  # noqa: FBT001 - three verdicts
    if asked is False:
        return "not asked"
    if there:
        return "expired" if expired else "there"
    return "not known" if asked is None else "missing"
