"""Loading a pack: what is declared arrives, and what is wrong is named."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from aurora.errors import DataError, NotFoundError
from aurora.packs import list_packs, load_pack, pack_files
from aurora.settings import Settings

PACKS = Settings().packs_dir
PLAN = """
| **Clara (Sales)** | High | Lead pipeline, conversion metrics | Full orchestration |
| **Mary (Inventory)** | High | Property status, availability | Read/Write access |
| **Theodora (Finance)** | High | Transaction logs, compliance status | Read-only + alerts |
| **Laila (Compliance)** | Critical | Audit trails, regulatory checks | Command authority |
| **Linda/Nina (Comms)** | Medium | Message volumes, response times | Monitoring + thresholds |
"""
"""The Aurora plan's table 2.2: assistant, integration priority, key data to expose, control level."""
CONTROL = {
    "full_orchestration": "Full orchestration",
    "read_write": "Read/Write access",
    "read_only_alerts": "Read-only + alerts",
    "command_authority": "Command authority",
    "monitoring_thresholds": "Monitoring + thresholds",
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


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_six_assistants_are_the_plans_table_word_for_word():
    fleet = {assistant.assistant_id: assistant for assistant in load_pack(PACKS, "real_estate").assistants}
    planned = set()
    for line in PLAN.strip().splitlines():
        who, priority, exposed, control = (cell.strip() for cell in line.strip("|").split("|"))
        names, role = who.strip("*").removesuffix(")").split(" (")
        for name in names.split("/"):
            found = fleet[name.lower()]
            assert (found.assistant_name, found.role) == (name, role)
            assert found.priority == priority.lower()
            assert ", ".join(found.exposed_data) == exposed
            assert CONTROL[found.control_level] == control
            assert not found.is_sample
            planned.add(found.assistant_id)
    assert {name for name, one in fleet.items() if one.is_sample} == set(fleet) - planned
    assert (len(planned), len(fleet)) == (6, 16)


def test_what_each_of_the_six_hands_to_aurora_is_a_contract():
    fleet = {assistant.assistant_id: assistant for assistant in load_pack(PACKS, "real_estate").assistants}
    exposed = {
        "clara": {"lead", "conversion_stat"},
        "mary": {"property", "listing"},
        "theodora": {"financial_transaction", "compliance_status"},
        "laila": {"audit_event", "regulatory_check"},
        "linda": {"message_stat"},
        "nina": {"message_stat"},
    }
    for assistant_id, contracts in exposed.items():
        assert contracts <= set(fleet[assistant_id].exports), assistant_id


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
