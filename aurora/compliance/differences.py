"""Two versions of the rules: what changed in words, and which findings a change would gain and lose over history.

The back-test sweeps the lake as it is with both versions and writes nothing: before a rule goes live, its owner
sees which records it would find that the old one did not, and which it would let go.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from aurora.compliance.rulebook import RecordRule, Rulebook
from aurora.compliance.sweep import Sweep, sweep
from aurora.store.lake import LakeReader

_JUDGING: Final = frozenset(
    {"record", "violates_when", "effective_from", "effective_to", "parameters", "facts", "silent_sources"}
)
"""What a verdict depends on; the rest is words, clocks and remedies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """One rule that is another than before."""

    rule_id: str
    change: Literal["added", "removed", "changed"]
    fields: tuple[str, ...]
    """What is another, sorted; of a changed rule only."""

    @property
    def moves_verdicts(self) -> bool:
        """Whether findings may be gained or lost."""
        return self.change != "changed" or bool(_JUDGING & set(self.fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class BackTest:
    """What a changed rule would find and no longer find, as (source, key) of records."""

    rule_id: str
    old_count: int
    new_count: int
    gained: tuple[tuple[str, str], ...]
    lost: tuple[tuple[str, str], ...]


def rule_changes(old: Rulebook, new: Rulebook) -> list[RuleChange]:
    """Rules that were added, removed or changed, parameters and facts included; by id."""
    before, after = ({rule.rule_id: rule for rule in book.rules} for book in (old, new))
    found = []
    for rule_id in sorted({*before, *after}):
        if rule_id not in before:
            found.append(RuleChange(rule_id=rule_id, change="added", fields=()))
        elif rule_id not in after:
            found.append(RuleChange(rule_id=rule_id, change="removed", fields=()))
        else:
            left, right = _content(old, before[rule_id]), _content(new, after[rule_id])
            if fields := tuple(sorted(name for name in left if left[name] != right[name])):
                found.append(RuleChange(rule_id=rule_id, change="changed", fields=fields))
    return found


def back_test(
    lake: LakeReader, old: Rulebook, new: Rulebook, changes: Iterable[RuleChange], *, now: dt.datetime
) -> list[BackTest]:
    """Both versions of each rule whose verdicts may move, over the records of the lake as they are."""
    moved = [one for one in changes if one.moves_verdicts]
    before = _found(lake, old, [one.rule_id for one in moved if one.change != "added"], now)
    after = _found(lake, new, [one.rule_id for one in moved if one.change != "removed"], now)
    tests = []
    for one in moved:
        was, will_be = before.get(one.rule_id, set()), after.get(one.rule_id, set())
        tests.append(
            BackTest(
                rule_id=one.rule_id,
                old_count=len(was),
                new_count=len(will_be),
                gained=tuple(sorted(will_be - was)),
                lost=tuple(sorted(was - will_be)),
            )
        )
    return tests


def _content(book: Rulebook, rule: RecordRule) -> dict[str, Any]:
    """Everything that the rule says, with the parameters and facts it asks for."""
    pack = book.pack(rule.pack.rule_pack)
    asked = [name for name in rule.condition.parameters if name in pack.parameters]
    groups = [group for group in book.facts.values() if group.record == rule.contract]
    facts = [group for group in groups if set(group.facts) & set(rule.condition.fields)]
    fields = {name: getattr(rule.file, name) for name in rule.file.__struct_fields__}
    return {
        **msgspec.to_builtins(fields),
        "parameters": [(name, pack.parameters[name].value) for name in asked],
        "facts": msgspec.to_builtins(facts),
        "silent_sources": book.silent_sources(rule),
        "clock_value": rule.clock_value,
    }


def _found(lake: LakeReader, book: Rulebook, rule_ids: list[str], now: dt.datetime) -> dict[str, set[tuple[str, str]]]:
    if not rule_ids:
        return {}
    swept: Sweep = sweep(book, lake, now=now, rule_ids=rule_ids)
    found: dict[str, set[tuple[str, str]]] = {}
    for rule_id, source, key in swept.hits.select("rule_id", "record_source", "about_id").iter_rows():
        found.setdefault(rule_id, set()).add((source, key))
    return found
