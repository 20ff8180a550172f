"""Every rule of every pack: its examples are its tests, in both engines."""

from __future__ import annotations

import pytest

from aurora.compliance.rules import CompiledRule, check_examples, compile_rules
from aurora.packs import list_packs, load_pack
from aurora.settings import Settings

PACKS = Settings().packs_dir
RULES = [
    pytest.param(rule, id=f"{name}/{rule.rule.rule_id}")
    for name in list_packs(PACKS)
    for rule in compile_rules(load_pack(PACKS, name).rules).rules
]


@pytest.mark.parametrize("rule", RULES)
def test_the_examples_of_a_rule_hold(rule: CompiledRule):
    check_examples(rule)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_shows_what_passes_and_what_fails(rule: CompiledRule):
    assert {"pass", "fail"} <= {example.expect for example in rule.rule.examples}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_its_source_and_what_to_do(rule: CompiledRule):
    assert rule.rule.source
    assert rule.rule.remediation.endswith(".")
    assert rule.rule.reason.endswith(".")
    assert set(rule.rule.provenance.split("/")) <= {"S", "S1", "K", "A", "B", "D"}
