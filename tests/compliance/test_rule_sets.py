"""Rules in force: dates, the pack's hash, and verdicts that fail closed."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from aurora.compliance.records import record_of
from aurora.compliance.rules import check_examples, compile_rules, rule_pack_hash
from aurora.errors import DataError
from aurora.packs import Rule, load_pack
from aurora.settings import Settings


@pytest.fixture(scope="module")
def rules() -> tuple[Rule, ...]:
    return load_pack(Settings().packs_dir, "real_estate").rules


def test_a_rule_holds_from_its_first_day_to_the_day_before_its_last(rules: tuple[Rule, ...]):
    dated = msgspec.structs.replace(rules[0], effective_from=dt.date(2026, 1, 1), effective_to=dt.date(2026, 2, 1))
    compiled = compile_rules([dated])
    days = [dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 1, 31), dt.date(2026, 2, 1)]
    assert [len(compiled.in_force("route_task", day)) for day in days] == [0, 1, 1, 0]
    assert compiled.changes() == [dt.date(2026, 1, 1), dt.date(2026, 2, 1)]


def test_the_pack_hash_follows_content_and_not_order(rules: tuple[Rule, ...]):
    assert rule_pack_hash(rules) == rule_pack_hash(rules[::-1]) == compile_rules(rules[::-1]).pack_hash
    changed = msgspec.structs.replace(rules[0], reason="Another reason.")
    assert rule_pack_hash([changed, *rules[1:]]) != rule_pack_hash(rules)


def test_a_record_that_does_not_say_enough_is_unknown_and_says_why(rules: tuple[Rule, ...]):
    residency = next(rule for rule in compile_rules(rules).rules if rule.rule.rule_id == "res_001")
    record = record_of({"request": {"privacy_class": "personal"}}, where="test")
    assert residency.verdict(record) == "unknown"
    assert residency.unknown_reason.startswith("Cannot tell: candidate.regions")


def test_a_wrong_example_is_named(rules: tuple[Rule, ...]):
    example = msgspec.structs.replace(rules[0].examples[0], expect="unknown")
    broken = msgspec.structs.replace(rules[0], examples=(rules[0].examples[1], example))
    with pytest.raises(DataError, match="example 2"):
        check_examples(compile_rules([broken]).rules[0])


@pytest.mark.parametrize(
    ("part", "value"),
    [("mode", 3), ("is_acting", "yes"), ("deadline_ms", 1.5), ("max_cost_usd", "much"), ("compliance_levels", "rera")],
)
def test_an_example_with_a_wrong_type_or_field_is_named(part: str, value: object):
    with pytest.raises(DataError, match=f"request.{part} is not of type"):
        record_of({"request": {part: value}}, where="test")
    with pytest.raises(DataError, match=r"no field request\.moode"):
        record_of({"request": {"moode": "act"}}, where="test")


def test_a_rule_that_does_not_compile_names_itself(rules: tuple[Rule, ...]):
    broken = msgspec.structs.replace(rules[0], violates_when="request.mood = 'bad'")
    with pytest.raises(DataError, match=broken.rule_id):
        compile_rules([broken])
