"""Rules in force: compiled once, identified by one hash, and asked for a verdict.

A condition is true of what the rule forbids. Its verdict fails closed: a record that does not say enough
(NULL) is `unknown`, and whoever decides must treat it as forbidden, with `CANNOT_TELL` as the reason.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from aurora.compliance.expressions import Condition, compile_condition
from aurora.compliance.records import DECISION_FIELDS, Values, record_of
from aurora.errors import DataError
from aurora.packs import Rule
from contracts.messages.decisions import DecisionKind

Verdict = Literal["pass", "fail", "unknown"]
CANNOT_TELL = "Cannot tell"


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule and its condition, ready to run."""

    rule: Rule
    condition: Condition

    def verdict(self, record: Values) -> Verdict:
        """`fail` when the record is what the rule forbids, `unknown` when it does not say enough."""
        return _VERDICTS[self.condition.evaluate(record)]

    def holds_on(self, day: dt.date) -> bool:
        """Whether the rule is in force on a UTC day."""
        rule = self.rule
        return rule.effective_from <= day and (rule.effective_to is None or day < rule.effective_to)

    @property
    def unknown_reason(self) -> str:
        """What a person reads when the record does not say enough for a verdict."""
        return f"{CANNOT_TELL}: {', '.join(self.condition.fields)} do not say enough. {self.rule.title}."


_VERDICTS: dict[bool | None, Verdict] = {True: "fail", False: "pass", None: "unknown"}


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a pack, compiled, in the order of their ids. `pack_hash` is SHA-256 of their contents."""

    rules: tuple[CompiledRule, ...]
    pack_hash: str

    def in_force(self, kind: DecisionKind, day: dt.date) -> tuple[CompiledRule, ...]:
        """The rules that apply to a decision kind on a UTC day."""
        return tuple(rule for rule in self.rules if kind in rule.rule.applies_to and rule.holds_on(day))

    def changes(self) -> list[dt.date]:
        """Days on which some rule begins or ends, sorted."""
        days = {rule.rule.effective_from for rule in self.rules}
        return sorted(days | {rule.rule.effective_to for rule in self.rules if rule.rule.effective_to is not None})


def compile_rules(rules: Sequence[Rule]) -> RuleSet:
    """Compile every rule. `DataError` names the first that cannot be compiled."""
    ordered = sorted(rules, key=lambda rule: rule.rule_id)
    compiled = tuple(
        CompiledRule(rule, compile_condition(rule.violates_when, DECISION_FIELDS, where=f"Rule {rule.rule_id}"))
        for rule in ordered
    )
    return RuleSet(compiled, rule_pack_hash(ordered))


def rule_pack_hash(rules: Sequence[Rule]) -> str:
    """SHA-256 (hex) over the canonical contents of the rules, whatever their order, layout or comments."""
    ordered = sorted(rules, key=lambda rule: rule.rule_id)
    return hashlib.sha256(msgspec.json.encode(ordered, order="sorted")).hexdigest()


def check_examples(compiled: CompiledRule) -> None:
    """Run the rule's own examples; `DataError` names the first whose verdict is not the expected one."""
    rule = compiled.rule
    for number, example in enumerate(rule.examples, start=1):
        where = f"Rule {rule.rule_id}, example {number}"
        parts = {"request": example.request, "candidate": example.candidate, "tenant": example.tenant}
        found = compiled.verdict(record_of(parts, where=where))
        if found != example.expect:
            raise DataError(
                f"{where}: the verdict is {found}, but {example.expect} is expected.",
                field="examples",
                rule=rule.rule_id,
                next_step="Correct the condition or the example.",
            )
