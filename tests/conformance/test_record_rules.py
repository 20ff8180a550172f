"""Every rule about records: its examples are its tests, in both engines, and random records meet the same verdict."""

from __future__ import annotations

import pytest

from aurora.compliance.rulebook import RecordRule, load_rulebook
from aurora.compliance.verdicts import check_examples
from aurora.settings import Settings
from benchmarks.campaigns.rule_engines import disagreements

BOOK = load_rulebook(Settings().packs_dir)
RULES = [pytest.param(rule, id=rule.rule_id) for rule in BOOK.rules]


@pytest.mark.parametrize("rule", RULES)
def test_the_examples_of_a_rule_hold(rule: RecordRule):
    check_examples(BOOK, rule)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_shows_what_passes_and_what_fails(rule: RecordRule):
    assert {"pass", "fail"} <= {example.expect for example in rule.file.examples}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_its_source_and_what_to_do(rule: RecordRule):
    file = rule.file
    assert file.source.instrument
    assert file.remediation.says.endswith(".")
    assert set(file.provenance.split("/")) <= {"S", "S1", "K", "A", "B", "D"}
    assert set(file.evidence) & set(rule.condition.fields)


@pytest.mark.parametrize("rule", RULES)
def test_both_engines_give_the_same_verdict_on_examples_and_random_records(rule: RecordRule):
    assert disagreements(BOOK, rule, count=60, seed=5) == []
