"""Who is told of a breach and by when: `packs/_rules/breaches.yaml`, with the clocks of the rules that it names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from aurora.compliance.calendars import due_at
from aurora.compliance.declarations import RuleId
from aurora.compliance.rulebook import RecordRule, Rulebook
from aurora.packs.reading import read_declared
from aurora.packs.words import Line, Slug

FILE: Final = "breaches.yaml"
When = Literal["always", "risk_likely", "high_risk"]
"""When somebody is told: of every breach, unless a risk is unlikely, or where the risk is high."""


class Notice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One duty to tell somebody; its clock and source are the rule's."""

    rule: RuleId
    when: When = "always"


class Authority(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a law asks to be told."""

    title: Line
    jurisdiction: Line
    authority: Notice
    subjects: Notice
    note: Line | None = None


class Signs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be a breach."""

    rules: tuple[RuleId, ...]
    jurisdictions: dict[str, Line] = {}
    """Of rules whose law says where; the tenant's home for the others."""


class BreachesFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`breaches.yaml`."""

    authorities: dict[Slug, Authority]
    home: dict[str, Line]
    """Jurisdiction by what the tenant's region begins with."""
    signs: Signs


class BreachRules:
    """The authorities that a tenant's rulebook binds it to, and their clocks."""

    def __init__(self, file: BreachesFile, rulebook: Rulebook) -> None:
        self.signs = file.signs
        self._file = file
        self._book = rulebook
        self._rules: Mapping[str, RecordRule] = {rule.rule_id: rule for rule in rulebook.rules}

    @property
    def authorities(self) -> dict[str, Authority]:
        """Those that bind the tenant."""
        return {name: one for name, one in self._file.authorities.items() if one.authority.rule in self._rules}

    def home(self, region: str) -> str | None:
        """The jurisdiction of a tenant's region."""
        return next((place for start, place in self._file.home.items() if region.startswith(start)), None)

    def told(self, jurisdiction: str | None) -> tuple[str, ...]:
        """The authorities in charge of a jurisdiction, sorted; none where none is known."""
        return tuple(sorted(name for name, one in self.authorities.items() if one.jurisdiction == jurisdiction))

    def due_at(self, notice: Notice, detected_at: dt.datetime) -> dt.datetime:
        """When somebody must have been told."""
        rule = self._rules[notice.rule]
        return due_at(rule.file.clock, rule.clock_value, detected_at, self._book.calendars[rule.pack.calendar])

    def source(self, notice: Notice) -> str:
        """Where the clock stands, and whether it is assumed."""
        rule = self._rules[notice.rule]
        clock, pack = rule.file.clock, self._book.pack(rule.pack.rule_pack)
        parameter = pack.parameters.get(clock.parameter or "")
        words = f"{rule.file.source.instrument}, {rule.file.source.article}: {clock.said}"
        if parameter is not None and parameter.is_assumed:
            words += f" (assumed: {parameter.source})"
        return words + (" (to be verified)" if rule.file.must_be_verified else "")


def breach_rules(rules_folder: Path, rulebook: Rulebook) -> BreachRules:
    """The breach rules of a folder of rule packs, for a tenant's book. `PackError` names what does not fit."""
    return BreachRules(read_declared(rules_folder / FILE, BreachesFile), rulebook)
