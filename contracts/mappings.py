"""How the Auterity plan's tables are conformed: which column of the common table each of theirs is.

The plan's tables land as they are (`contracts/tables/auterity.py`). `conformed_select` gives their rows in the
shape of the common table, in portable SQL, so that one fact is counted in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from contracts import registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformed:
    """One table of the plan and the common table that its rows are also rows of.

    `columns` gives an SQL expression over the plan's columns for each column of the common table; what is not
    named stays empty. Columns that are named alike in both are taken as they are.
    """

    table: str
    into: str
    columns: Mapping[str, str]
    note: str = ""


MAPPINGS: Final[tuple[Conformed, ...]] = (
    Conformed(
        table="enhanced_ai_model_usage",
        into="usage",
        columns=MappingProxyType(
            {
                "usage_id": "source || ':' || id",
                "source_record_id": "id",
                "occurred_at": "created_at",
                "occurred_date": "cast(created_at as date)",
                "operation_name": "case when operation_type in ({operations}) then operation_type else 'chat' end",
                "provider_name": "provider",
                "request_model": "model_name",
                "request_count": "1",
                "duration_ms": "processing_time_ms",
                "is_error": "false",
                "reported_cost_usd": "cost_usd",
                "cost_source": "case when cost_usd is null then 'unpriced' else 'logged' end",
                "industry": "industry_context",
                "quality": "cast(accuracy_score as double)",
                "is_compliance_validated": "coalesce(compliance_validated, false)",
            }
        ),
        note="An operation that OpenTelemetry has no name for counts as chat; the platform logs no failures.",
    ),
    Conformed(
        table="ai_operation_metric",
        into="usage",
        columns=MappingProxyType(
            {
                "usage_id": "source || ':' || metric_id",
                "source_record_id": "metric_id",
                "occurred_at": '"timestamp"',
                "occurred_date": 'cast("timestamp" as date)',
                "operation_name": "case when operation_type in ({operations}) then operation_type else 'chat' end",
                "request_model": "model_name",
                "request_count": "1",
                "duration_ms": "cast(round(execution_time * 1000) as bigint)",
                "is_error": "not success",
                "reported_cost_usd": "cost",
                "cost_usd": "cost",
                "cost_source": "case when cost is null then 'unpriced' else 'logged' end",
                "industry": "industry_context",
                "quality": "cast(accuracy_score as double)",
                "business_value_usd": "business_value",
                "is_compliance_validated": "coalesce(compliance_verified, false)",
            }
        ),
        note="The collector stamps the end of an operation; its day is taken from that.",
    ),
    Conformed(
        table="enhanced_ai_conversations",
        into="conversation",
        columns=MappingProxyType(
            {
                "conversation_id": "id",
                "started_at": "created_at",
                "ended_at": "updated_at",
                "is_error": "false",
            }
        ),
        note="The newest state of each conversation; what was said stays in the plan's table, encrypted.",
    ),
)


def conformed_select(mapping: Conformed, *, relation: str) -> str:
    """The rows of `relation`, which is shaped as the plan's table, as rows of the common table."""
    from contracts.vocabulary import OPERATIONS

    plan, common = registry.table(mapping.table), registry.table(mapping.into)
    operations = ", ".join(f"'{name}'" for name in OPERATIONS)
    kinds = registry.duckdb_columns(common)
    columns = []
    for name in common.columns:
        given = mapping.columns.get(name, name if name in plan.columns else None)
        if name == "source_format" and given is None:
            given = f"'{mapping.table}'"
        value = "null" if given is None else given.replace("{operations}", operations)
        columns.append(f"cast({value} as {kinds[name].lower()}) as {name}")
    return "select " + ", ".join(columns) + f" from {relation}"
