"""The packs of the Auterity plan: its agents, their rules word for word, and that the rules really veto."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from aurora.compliance.rules import compile_rules
from aurora.decisions.engine import Engine
from aurora.packs import Assistant, Pack, load_pack
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Decision, RouteLlmRequest, RouteTaskRequest

PACKS = Settings().packs_dir
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
INDUSTRIES = ("automotive", "healthcare", "finance", "manufacturing", "general")
AGENTS = {
    ("automotive", "automotive_compliance"): ("lead_processing", "inventory_management", "service_scheduling"),
    ("healthcare", "healthcare_hipaa"): ("patient_scheduling", "appointment_management", "compliance_reporting"),
}
RULES = {
    ("automotive", "auto_001"): ("basic", "Customer data privacy for automotive sales", "anonymize_customer_data"),
    ("automotive", "auto_002"): ("soc2", "Financial transaction compliance", "apply_financial_controls"),
    ("healthcare", "hipaa_001"): ("hipaa", "Patient health information protection", "encrypt_phi_data"),
    ("healthcare", "hipaa_002"): ("hipaa", "Audit trail for PHI access", "create_access_log"),
}


def _pack(name: str) -> Pack:
    return load_pack(PACKS, name)


def _decide(pack: Pack, request: RouteTaskRequest | RouteLlmRequest) -> Decision:
    paths = TenantPaths(data_dir=Path("unused"), tenant="demo", region="ae-dubai")
    engine = Engine(paths, pack, compile_rules(pack.rules))
    return engine.decide(request, actor_id="a", decision_id="d", decided_at=NOW, seed=1)


def _vetoes(decision: Decision, candidate_id: str) -> set[str]:
    return {
        veto.rule_id
        for candidate in decision.candidates
        if candidate.candidate_id == candidate_id
        for veto in candidate.vetoes
    }


def _changed(pack: Pack, assistant_id: str, **fields: object) -> Pack:
    def one(assistant: Assistant) -> Assistant:
        return msgspec.structs.replace(assistant, **fields) if assistant.assistant_id == assistant_id else assistant

    return msgspec.structs.replace(pack, assistants=tuple(map(one, pack.assistants)))


@pytest.mark.parametrize("name", INDUSTRIES)
def test_every_industry_of_the_plan_has_a_pack_of_its_size(name: str):
    pack = _pack(name)
    assert 4 <= len(pack.assistants) <= 6
    assert len(pack.workflows) >= 2


@pytest.mark.parametrize(("pack", "agent"), AGENTS)
def test_the_agents_of_the_plan_have_its_capabilities(pack: str, agent: str):
    fleet = {one.assistant_id: one for one in _pack(pack).assistants}
    assert fleet[agent].skills == AGENTS[pack, agent]
    assert not fleet[agent].is_sample


@pytest.mark.parametrize(("pack", "rule_id"), RULES)
def test_the_rules_of_the_plan_are_its_words(pack: str, rule_id: str):
    rule = {one.rule_id: one for one in _pack(pack).rules}[rule_id]
    assert (rule.compliance_level, rule.description, rule.remediation_action) == RULES[pack, rule_id]
    assert rule_id in _pack(pack).compliance_requirements


def test_customer_data_is_kept_from_an_assistant_that_is_not_cleared():
    pack = _changed(_pack("automotive"), "dana", privacy_classes=("public", "internal"))
    decision = _decide(pack, RouteTaskRequest(task_type="lead_processing", privacy_class="personal"))
    assert "auto_001" in _vetoes(decision, "dana")
    assert decision.action is not None


def test_money_is_kept_from_an_assistant_outside_the_controls():
    pack = _changed(_pack("automotive"), "thea", compliance_levels=("basic",))
    decision = _decide(pack, RouteTaskRequest(task_type="finance_quote"))
    assert "auto_002" in _vetoes(decision, "thea")
    assert decision.action == "viktor"


def test_phi_is_kept_from_an_assistant_without_clearance():
    pack = _changed(_pack("healthcare"), "nadia", compliance_levels=())
    decision = _decide(pack, RouteTaskRequest(task_type="patient_scheduling", privacy_class="sensitive"))
    assert "hipaa_001" in _vetoes(decision, "nadia")
    assert decision.action == "healthcare_hipaa"


def test_phi_is_kept_from_an_assistant_without_an_access_log():
    pack = _changed(_pack("healthcare"), "nadia", exports=("audit_event",))
    decision = _decide(pack, RouteTaskRequest(task_type="patient_scheduling", privacy_class="internal"))
    assert _vetoes(decision, "nadia") == {"hipaa_002"}


def test_a_language_model_without_an_agreement_sees_no_patient():
    decision = _decide(_pack("healthcare"), RouteLlmRequest(prompt="hello", privacy_class="personal"))
    assert "hipaa_001" in _vetoes(decision, "gemma-2-9b-it")
    assert decision.action in {"llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"}


def test_only_financial_crime_acts_on_aml_matters_alone():
    request = RouteTaskRequest(task_type="account_opening", mode="act")
    decision = _decide(_pack("finance"), request)
    assert decision.action == "ivan"
    assert "aml_001" in _vetoes(decision, "sara")


def test_a_shared_declaration_is_the_same_everywhere():
    rules = [{one.rule_id: one for one in _pack(name).rules}["gen_003"] for name in (*INDUSTRIES, "real_estate")]
    assert all(rule == rules[0] for rule in rules)
