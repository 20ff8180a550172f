"""Every pack: nothing to mend, a tenant can be made from it, and the tenant's engine decides all of its work."""

from __future__ import annotations

import datetime as dt
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from aurora.decisions.engine import Engine
from aurora.decisions.loading import load_engine
from aurora.decisions.pack_check import check_pack
from aurora.handoffs.sharing import load_sharing
from aurora.ingest.fleet import publish_fleet
from aurora.ingest.sample_fleet import fleet_month
from aurora.packs import list_packs, load_pack
from aurora.settings import load_settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import create_tenant
from contracts.messages.decisions import DecisionRequest, RouteLlmRequest, RouteTaskRequest
from contracts.messages.workflows import StepKind

PACKS_DIR = load_settings({}).packs_dir
PACKS = list_packs(PACKS_DIR)
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
pytestmark = pytest.mark.parametrize("pack", PACKS)


def _engine(pack: str, folder: Path) -> Engine:
    return load_engine(create_tenant(folder, "demo", "ae-dubai"), load_settings({"AURORA_PACK": pack}))


def _action(engine: Engine, request: DecisionRequest) -> str | None:
    return engine.decide(request, actor_id="a", decision_id="d", decided_at=NOW, seed=1).action


def test_there_is_nothing_to_mend(pack: str):
    """References, graph, workflows, rules' and handoffs' examples, a taker for all work."""
    assert [str(fault) for fault in check_pack(PACKS_DIR, pack, today=NOW.date())] == []


def test_every_task_type_has_a_taker(pack: str, tmp_path: Path):
    engine = _engine(pack, tmp_path)
    for task_type in engine.pack.task_types:
        assert _action(engine, RouteTaskRequest(task_type=task_type)) is not None, task_type


def test_every_class_of_data_has_a_language_model_that_may_see_it(pack: str, tmp_path: Path):
    engine = _engine(pack, tmp_path)
    for privacy in ("public", "internal", "personal", "sensitive"):
        assert _action(engine, RouteLlmRequest(prompt="hello", privacy_class=privacy)) is not None, privacy


def test_the_work_of_a_workflow_finds_a_taker_when_it_is_acted_on(pack: str, tmp_path: Path):
    """What a decision step asks in act mode, with the data it names."""
    engine = _engine(pack, tmp_path)
    for workflow in engine.pack.workflows:
        for step in workflow.steps:
            if step.__struct_config__.tag == "decision":
                request = RouteTaskRequest(task_type=step.task_type, privacy_class=step.privacy_class, mode="act")
                assert _action(engine, request) is not None, step.step_id


def test_samples_are_marked_in_the_file_itself(pack: str):
    folder = PACKS_DIR / pack / "assistants"
    for assistant in load_pack(PACKS_DIR, pack).assistants:
        text = (folder / f"{assistant.assistant_id}.yaml").read_text(encoding="utf-8")
        assert text.startswith("# A sample") == assistant.is_sample


def test_dependencies_run_one_way_and_nobody_backs_up_itself(pack: str):
    fleet = load_pack(PACKS_DIR, pack).assistants
    order = list(TopologicalSorter({one.assistant_id: one.depends_on for one in fleet}).static_order())
    assert sorted(order) == sorted(one.assistant_id for one in fleet)
    assert all(one.backup_assistant_id != one.assistant_id for one in fleet)


def test_every_assistant_says_what_may_be_tuned_and_when_it_is_degraded(pack: str):
    for one in load_pack(PACKS_DIR, pack).assistants:
        assert one.parameters, one.assistant_id
        assert one.cost_per_task_usd > 0, one.assistant_id
        assert one.capacity_count > 0, one.assistant_id


def test_who_hands_over_sensitive_data_is_shown_accepted_and_refused(pack: str):
    examples = load_sharing(PACKS_DIR, load_pack(PACKS_DIR, pack)).policy.examples
    assert {"accepted", "refused"} == {example.expect for example in examples}


def test_the_industry_profile_has_every_field_of_the_plan(pack: str):
    loaded = load_pack(PACKS_DIR, pack)
    profile = loaded.profile
    assert profile.industry == pack
    assert profile.compliance_requirements
    assert len(profile.terminology) >= 5
    assert len(profile.workflow_templates) >= 2
    assert profile.security_level in loaded.compliance_levels


def test_a_benchmark_says_where_it_comes_from(pack: str):
    benchmarks = load_pack(PACKS_DIR, pack).benchmarks
    assert {"published", "assumption"} <= {one.basis for one in benchmarks.values()}
    for name, one in benchmarks.items():
        assert (one.provenance is not None) == (one.basis == "published"), name


def test_workflows_ask_people_and_are_measured(pack: str):
    loaded = load_pack(PACKS_DIR, pack)
    kinds = {step.__struct_config__.tag for workflow in loaded.workflows for step in workflow.steps}
    assert kinds <= set(StepKind.__args__)
    assert {"command", "approval", "checkpoint"} <= kinds
    for workflow in loaded.workflows:
        assert set(workflow.success_metrics) <= set(loaded.benchmarks), workflow.workflow_id


def test_the_fleet_goes_into_the_lake_and_has_a_sample_month(pack: str, tmp_path: Path):
    loaded = load_pack(PACKS_DIR, pack)
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    assert publish_fleet(paths, loaded) == len(loaded.assistants)
    with read_lake(paths) as lake:
        assert lake.query("SELECT DISTINCT industry FROM raw.assistant")["industry"].to_list() == [pack]
    month = fleet_month(loaded, seed=3, until=NOW, tasks=200)
    assert {task["assistant_id"] for task in month.tasks} <= {one.assistant_id for one in loaded.assistants}
