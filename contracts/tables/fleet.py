"""The fleet and its work: assistants and tasks."""

from contracts.table import Table

ASSISTANT = Table(
    name="assistant",
    meaning="The assistants of the fleet as declared in the tenant's pack.",
    grain="one row an assistant and state of its declaration",
    key=("assistant_id",),
    columns=(
        "assistant_id",
        "assistant_name",
        "role",
        "industry",
        "skills",
        "control_level",
        "assistant_state",
        "priority",
        "is_sample",
        "capacity_count",
        "backup_assistant_id",
        "region",
    ),
    optional=frozenset({"backup_assistant_id"}),
    owner="operations",
    retention_days=2555,
    is_ingested=False,
)

TASK = Table(
    name="task",
    meaning="Work that assistants took, as they exported it.",
    grain="one row a task and state of it",
    key=("task_id",),
    versioned_by="updated_at",
    backfill=(("updated_at", "coalesce(completed_at, started_at, submitted_at)"),),
    version="2.0.0",
    columns=(
        "task_id",
        "case_id",
        "source",
        "assistant_id",
        "task_type",
        "task_state",
        "priority",
        "privacy_class",
        "submitted_at",
        "started_at",
        "completed_at",
        "updated_at",
        "duration_ms",
        "cost_usd",
        "quality",
        "is_success",
        "is_sample",
        "decision_id",
        "region",
    ),
    optional=frozenset(
        {
            "case_id",
            "assistant_id",
            "priority",
            "privacy_class",
            "started_at",
            "completed_at",
            "duration_ms",
            "cost_usd",
            "quality",
            "is_success",
            "decision_id",
        }
    ),
    owner="operations",
    retention_days=1095,
)

TABLES = (ASSISTANT, TASK)
