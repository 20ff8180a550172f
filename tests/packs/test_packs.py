"""Loading a pack: what is declared arrives, and what is wrong is named."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from aurora.errors import DataError, NotFoundError
from aurora.packs import list_packs, load_pack, pack_files
from aurora.settings import Settings

PACKS = Settings().packs_dir
PLAN = {
    "clara": ("Sales", "high", "full_orchestration", ("Lead pipeline", "conversion metrics")),
    "mary": ("Inventory", "high", "read_write", ("Property status", "availability")),
    "theodora": ("Finance", "high", "read_only_alerts", ("Transaction logs", "compliance status")),
    "laila": ("Compliance", "critical", "command_authority", ("Audit trails", "regulatory checks")),
    "linda": ("Comms", "medium", "monitoring_thresholds", ("Message volumes", "response times")),
    "nina": ("Comms", "medium", "monitoring_thresholds", ("Message volumes", "response times")),
}
LLMROUTER = {
    "qwen2.5-7b-instruct",
    "codegemma-7b",
    "gemma-2-9b-it",
    "llama-3.1-8b-instruct",
    "llama3-chatqa-1.5-8b",
    "mistral-7b-instruct-v0.3",
    "llama-3.3-nemotron-super-49b-v1",
    "llama-3.1-nemotron-51b-instruct",
    "llama3-chatqa-1.5-70b",
}


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A copy of the shipped packs that a test may break."""
    shutil.copytree(PACKS, tmp_path / "packs")
    return tmp_path / "packs"


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_six_assistants_of_the_plan_are_declared_as_the_plan_says():
    fleet = {assistant.assistant_id: assistant for assistant in load_pack(PACKS, "real_estate").assistants}
    for assistant_id, declared in PLAN.items():
        found = fleet[assistant_id]
        assert (found.role, found.priority, found.control_level, found.exposed_data) == declared
        assert not found.is_sample
    assert sum(assistant.is_sample for assistant in fleet.values()) == 10


def test_the_language_models_of_the_training_data_are_candidates():
    llms = {llm.candidate_id: llm for llm in load_pack(PACKS, "real_estate").llms}
    assert set(llms) >= LLMROUTER
    assert llms["gemma-2-9b-it"].price.input_usd_per_mtok == Decimal("0.10")


def test_a_backup_can_do_some_of_the_work_it_backs_up():
    fleet = {assistant.assistant_id: assistant for assistant in load_pack(PACKS, "real_estate").assistants}
    assert {"clara", "theodora", "laila"} <= {a.assistant_id for a in fleet.values() if a.backup_assistant_id}
    for assistant in fleet.values():
        if assistant.backup_assistant_id is not None:
            assert set(fleet[assistant.backup_assistant_id].skills) & set(assistant.skills), assistant.assistant_id


@pytest.mark.parametrize(
    ("name", "old", "new", "field", "says"),
    [
        ("assistants/clara.yaml", "priority: high", "priorty: high", "", "priorty"),
        ("assistants/clara.yaml", "priority: high", "priority: urgent", "priority", "urgent"),
        ("assistants/clara.yaml", "capacity_count: 24", "capacity_count: many", "capacity_count", "int"),
        ("assistants/clara.yaml", "- offer_drafting", "- poetry", "skills", "poetry"),
        (
            "assistants/clara.yaml",
            "backup_assistant_id: omar",
            "backup_assistant_id: clara",
            "backup_assistant_id",
            "clara",
        ),
        ("assistants/clara.yaml", '"0.042"', '"-1"', "cost_per_task_usd", "at least 0"),
        ("assistants/clara.yaml", '"0.042"', '"NaN"', "cost_per_task_usd", "at least 0"),
        ("assistants/clara.yaml", "assistant_id: clara", "assistant_id: klara", "assistant_id", "klara"),
        ("assistants/clara.yaml", "priority: high", "priority: high\npriority: low", "", "twice"),
        ("../_shared/llms.yaml", "candidate_id: codegemma-7b", "candidate_id: gemma-2-9b-it", "candidate_id", "twice"),
        ("../_shared/llms.yaml", "quality: 0.520", "quality: 5.2", "llms[0].prior.quality", "1.0"),
        ("../_shared/policies.yaml", "fallback: best_single", "fallback: dice", "kinds.route_llm", "dice"),
        ("pack.yaml", "pack: real_estate", "pack: retail", "pack", "retail"),
        (
            "pack.yaml",
            "compliance_levels: [dld]",
            "compliance_levels: [moon]",
            "task_types.title_check.compliance_levels",
            "moon",
        ),
        ("compliance/res_001.yaml", "severity: critical", "severity: grave", "severity", "grave"),
    ],
)
def test_a_wrong_declaration_names_file_and_field(packs: Path, name: str, old: str, new: str, field: str, says: str):
    _edit(packs / "real_estate" / name, old, new)
    with pytest.raises(DataError) as caught:
        load_pack(packs, "real_estate")
    assert name.rpartition("/")[2] in caught.value.message
    assert says in caught.value.message
    if field:
        assert caught.value.field == field


def test_a_missing_file_and_bad_yaml_are_named(packs: Path):
    (packs / "real_estate" / "llms.yaml").write_text("llms: [", encoding="utf-8")
    with pytest.raises(DataError, match=r"llms\.yaml"):
        load_pack(packs, "real_estate")
    (packs / "real_estate" / "llms.yaml").unlink()
    with pytest.raises(DataError, match=r"llms\.yaml is missing"):
        load_pack(packs, "real_estate")


def test_an_unknown_pack_is_not_looked_for_outside_its_folder(packs: Path):
    for name in ("retail", "../packs/real_estate", ""):
        with pytest.raises(NotFoundError, match="no pack named"):
            load_pack(packs, name)


def test_the_files_of_a_pack_are_listed_for_watching():
    assert list_packs(PACKS) == ["automotive", "finance", "general", "healthcare", "manufacturing", "real_estate"]
    names = {file.name for file in pack_files(PACKS, "real_estate")}
    assert {"pack.yaml", "clara.yaml", "res_001.yaml", "policies.yaml"} <= names
