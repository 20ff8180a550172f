"""What decisions learn from: the features they were made with, and conflicts with who was right."""

from contracts.table import Table

FEATURE_SNAPSHOT = Table(
    name="feature_snapshot",
    meaning="Features as they were published for serving: what training sees of a past decision, and what replay goes by.",
    grain="one row a published snapshot, assistant and task type",
    key=("feature_hash", "assistant_id", "task_type"),
    columns=(
        "feature_hash",
        "published_at",
        "snapshot_id",
        "raw_snapshot_id",
        "assistant_id",
        "task_type",
        "task_count",
        "success_share",
        "duration_p50_ms",
        "cost_usd_mean",
        "open_task_count",
    ),
    optional=frozenset({"success_share", "duration_p50_ms", "cost_usd_mean"}),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

CONFLICT = Table(
    name="conflict",
    meaning="Contradictory recommendations of assistants, how they were resolved, and who was right.",
    grain="one row a conflict and state of it",
    key=("conflict_id", "journal_seq"),
    columns=(
        "conflict_id",
        "conflict_state",
        "topic",
        "about_id",
        "recommendations",
        "detected_by",
        "detected_at",
        "updated_at",
        "actor_id",
        "decision_id",
        "action",
        "right_action",
        "is_resolution_right",
        "scored_by",
        "note",
        "region",
        "journal_seq",
    ),
    optional=frozenset({"decision_id", "action", "right_action", "is_resolution_right", "scored_by", "note"}),
    owner="operations",
    retention_days=2555,
    is_ingested=False,
)

TABLES = (FEATURE_SNAPSHOT, CONFLICT)
