"""Every table that the two plans speak of is a contract, in the shape that they give it."""

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from aurora.gateway.prices import default_book
from aurora.ingest.portions import BatchOrigin, SourceFile
from aurora.ingest.source_formats import ANY, source_formats
from aurora.ingest.staging import stage_file
from contracts import registry
from contracts.field import Field
from contracts.fields import FIELDS

TABLES = registry.tables()

AUTERITY_SQL = {
    "enhanced_ai_conversations": {
        "id": "UUID PRIMARY KEY",
        "user_id": "UUID NOT NULL",
        "session_id": "VARCHAR(255) NOT NULL",
        "industry_profile": "VARCHAR(50)",
        "conversation_context": "JSONB NOT NULL",
        "workflow_generated_id": "UUID",
        "compliance_requirements": "JSONB",
        "created_at": "TIMESTAMP WITH TIME ZONE",
        "updated_at": "TIMESTAMP WITH TIME ZONE",
    },
    "industry_workflow_templates": {
        "id": "UUID PRIMARY KEY",
        "industry_type": "VARCHAR(50) NOT NULL",
        "template_name": "VARCHAR(255) NOT NULL",
        "template_definition": "JSONB NOT NULL",
        "compliance_requirements": "JSONB",
        "success_metrics": "JSONB",
        "usage_count": "INTEGER",
        "created_at": "TIMESTAMP WITH TIME ZONE",
        "updated_at": "TIMESTAMP WITH TIME ZONE",
    },
    "enhanced_ai_model_usage": {
        "id": "UUID PRIMARY KEY",
        "user_id": "UUID NOT NULL",
        "conversation_id": "UUID",
        "model_name": "VARCHAR(100) NOT NULL",
        "provider": "VARCHAR(50) NOT NULL",
        "operation_type": "VARCHAR(50) NOT NULL",
        "industry_context": "VARCHAR(50)",
        "input_tokens": "INTEGER",
        "output_tokens": "INTEGER",
        "cost_usd": "DECIMAL(10, 6)",
        "processing_time_ms": "INTEGER",
        "accuracy_score": "DECIMAL(3, 2)",
        "compliance_validated": "BOOLEAN",
        "created_at": "TIMESTAMP WITH TIME ZONE",
    },
    "multimodal_processing_results": {
        "id": "UUID PRIMARY KEY",
        "conversation_id": "UUID",
        "modality_type": "VARCHAR(50) NOT NULL",
        "input_data_hash": "VARCHAR(255)",
        "processing_result": "JSONB NOT NULL",
        "confidence_score": "DECIMAL(3, 2)",
        "processing_time_ms": "INTEGER",
        "model_used": "VARCHAR(100)",
        "created_at": "TIMESTAMP WITH TIME ZONE",
    },
}
"""The plan's SQL. A default in SQL is a value in an export, so a time with one may be required here."""

METRIC = (
    *("operation_type", "model_name", "industry_context", "compliance_level", "input_tokens", "output_tokens"),
    *("execution_time", "cost", "success", "accuracy_score", "business_value", "compliance_verified", "timestamp"),
)

OUR_TYPE = {
    "UUID": "text",
    "VARCHAR": "text",
    "JSONB": "json",
    "INTEGER": "int",
    "DECIMAL": "decimal",
    "BOOLEAN": "bool",
    "TIMESTAMP": "timestamp",
}

OF_THE_PLANS = (
    # Auterity: A-047..A-051, A-091
    *AUTERITY_SQL,
    "ai_operation_metric",
    "principal",
    "workflow_case",
    "conversation",
    "usage",
    # Aurora 1 and 2.1: registry, protocol, exchanges
    *("assistant", "assistant_status", "task", "command", "handoff", "case_event", "alert", "sharing_rule"),
    # Clara, Mary, Theodora, Laila, Linda and Nina
    *("lead", "lead_event", "conversion_stat", "property", "listing", "financial_transaction", "payment"),
    *("compliance_status", "audit_event", "regulatory_check", "message", "message_stat"),
    # decisions and what came of them
    *("decision", "outcome", "override", "ai_decision"),
)


@pytest.mark.parametrize("name", OF_THE_PLANS)
def test_a_table_of_the_plans_is_a_contract(name):
    assert name in TABLES


@pytest.mark.parametrize(
    ("table", "column", "sql"), [(t, c, sql) for t, columns in AUTERITY_SQL.items() for c, sql in columns.items()]
)
def test_a_column_of_auterity_keeps_its_name_and_type(table, column, sql):
    declared = TABLES[table]
    assert column in declared.columns
    field = FIELDS[column]
    kind, length = re.match(r"(\w+)(?:\((\d+)\))?", sql).groups()
    assert field.type == OUR_TYPE[kind]
    if "NOT NULL" in sql or "PRIMARY KEY" in sql:
        assert declared.is_required(column)
    elif kind != "TIMESTAMP":
        assert not declared.is_required(column), "the plan lets it be empty"
    if kind == "VARCHAR" and column != "modality_type":
        assert _admits(field, "x" * int(length))
        assert not _admits(field, "x" * (int(length) + 1))
    if kind == "UUID":
        assert _admits(field, "7D444840-9dc0-11d1-b245-5ffdce74fad2")


@pytest.mark.parametrize("column", METRIC)
def test_a_field_of_the_metric_is_a_column(column):
    assert column in TABLES["ai_operation_metric"].columns


def _admits(field: Field, text: str) -> bool:
    return all(re.search(str(check.value), text) for check in field.checks if check.rule == "matches")


@pytest.mark.parametrize("name", ANY)
def test_a_row_of_every_contract_passes_its_gate(name, tmp_path: Path):
    file = tmp_path / "rows.ndjson"
    file.write_bytes(source_formats()["canonical_ndjson"].sample(contract=name, row_count=5, seed=2))
    origin = BatchOrigin(
        batch_id="b" * 64,
        batch_seq=1,
        source="test",
        source_format="canonical_ndjson",
        file_name=file.name,
        region="ae-dubai",
        ingested_at=dt.datetime(2026, 10, 1, tzinfo=dt.UTC),
    )
    staged = stage_file(
        SourceFile(path=file, contract=name, max_line_bytes=2**20), origin, folders=tmp_path, book=default_book()
    )
    (part,) = staged.parts
    assert (part.contract, part.good_count, part.quarantined_count) == (name, 5, 0)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_says_what_it_is_and_who_may_see_it(name):
    declared = TABLES[name]
    assert declared.meaning.endswith(".")
    assert declared.grain.startswith("one row a")
    assert declared.owner
    assert declared.retention_days > 0
    assert re.fullmatch(r"\d+\.\d+\.\d+", declared.version)
    for field in declared.fields:
        assert " " in field.meaning, field.name
        assert field.meaning.rstrip(")").endswith("."), field.name
        if field.type == "timestamp":
            assert field.unit == "UTC", field.name
        if field.protection != "none":
            assert (field.residency, field.privacy) in {("tenant_region", "personal"), ("tenant_region", "sensitive")}


@pytest.mark.parametrize("name", TABLES)
def test_what_is_encrypted_belongs_to_a_person(name):
    """Erasure destroys the key of the row's subject: without one a value could not be erased."""
    declared = TABLES[name]
    if any(field.protection == "encrypt" for field in declared.fields):
        assert declared.subject, name


def test_a_case_state_or_label_is_drawn_from_a_closed_list():
    closed = [f.name for f in FIELDS.values() if f.name.endswith(("_state", "_status")) and f.type == "text"]
    open_ended = [name for name in closed if not any(check.rule == "one_of" for check in FIELDS[name].checks)]
    assert open_ended == ["form_a_status"]


def test_the_json_schema_of_every_contract_can_be_written():
    for declared in TABLES.values():
        assert json.loads(json.dumps(registry.json_schema(declared)))["title"] == declared.name
