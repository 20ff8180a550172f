"""Asked before an act: the verdict of every rule on one record, in process and without a database.

Who asks gives the record's columns and the facts that rules need. What is left out is unknown, and an unknown
verdict stops an act where the rule is asked before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aurora.compliance.declarations import Example
from aurora.compliance.records import typed
from aurora.compliance.rulebook import RecordRule, Rulebook
from aurora.compliance.rules import Verdict
from aurora.errors import DataError, NotFoundError
from contracts.rule_records import record_table

EXAMPLES_NOW = dt.datetime(2026, 6, 15, 9, tzinfo=dt.UTC)
"""When the examples of rules are judged, unless they say otherwise: a Monday, eleven in Dubai."""
_VERDICTS: Mapping[bool | None, Verdict] = {True: "fail", False: "pass", None: "unknown"}


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule says of the record."""

    rule: RecordRule
    verdict: Verdict
    unknown_fields: tuple[str, ...] = ()
    """Of an unknown verdict: columns and facts that nobody gave."""

    @property
    def stops(self) -> bool:
        """Whether the act may not go on: broken, or unknown where the rule is asked before the act."""
        return self.verdict == "fail" or (self.verdict == "unknown" and self.rule.is_pre_act)


def record_of(rulebook: Rulebook, record: str, given: Mapping[str, Any], *, where: str) -> dict[str, object]:
    """A record from columns and facts as JSON or YAML gives them; the rest is unknown.

    `DataError` names a field that the record does not have, or a value of the wrong type; `NotFoundError` a record
    that no rule speaks of.
    """
    contract = record_table(record)
    if contract not in rulebook.by_contract:
        raise NotFoundError(
            f"No rule speaks of a record {record[:64]!r}.",
            field="record",
            next_step=f"Records are: {', '.join(rulebook.by_contract)}.",
        )
    fields = rulebook.fields(contract)
    found: dict[str, object] = dict.fromkeys(fields)
    for name, value in given.items():
        if name not in fields:
            raise DataError(
                f"{where}: there is no field {name} of {record}.",
                field=name,
                rule="record",
                next_step=f"Fields are: {', '.join(fields)}.",
            )
        found[name] = None if value is None else typed(value, fields[name], path=name, where=where)
    return found


def evaluate(
    rulebook: Rulebook, record: str, values: Mapping[str, object], *, now: dt.datetime
) -> tuple[RuleVerdict, ...]:
    """The verdict of every rule in force about `record` (a word of the law, or a contract), in the order of the book.

    `values` holds every field (`record_of`).
    """
    seen = {**values, **rulebook.given(now)}
    today = now.date()
    return tuple(
        judge(rule, seen) for rule in rulebook.by_contract.get(record_table(record), ()) if rule.holds_on(today)
    )


def judge(rule: RecordRule, seen: Mapping[str, object]) -> RuleVerdict:
    """One rule's verdict; `seen` holds the record and what `Rulebook.given` gives."""
    verdict = _VERDICTS[rule.condition.evaluate(seen)]
    if verdict != "unknown":
        return RuleVerdict(rule, verdict)
    return RuleVerdict(rule, verdict, tuple(name for name in rule.condition.fields if seen[name] is None))


def example_verdict(rulebook: Rulebook, rule: RecordRule, example: Example, *, where: str) -> Verdict:
    """The verdict on one of the rule's examples."""
    seen = record_of(rulebook, rule.file.record, example.given, where=where)
    seen |= rulebook.given(example.now or EXAMPLES_NOW)
    return judge(rule, seen).verdict


def check_examples(rulebook: Rulebook, rule: RecordRule) -> None:
    """Run the rule's own examples; `DataError` names the first whose verdict is not the expected one."""
    for number, example in enumerate(rule.file.examples, start=1):
        where = f"Rule {rule.rule_id}, example {number}"
        found = example_verdict(rulebook, rule, example, where=where)
        if found != example.expect:
            raise DataError(
                f"{where}: the verdict is {found}, but {example.expect} is expected.",
                field="examples",
                rule=rule.rule_id,
                next_step="Correct the condition or the example.",
            )
