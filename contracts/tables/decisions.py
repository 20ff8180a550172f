"""What was decided, what came of it, and what a person changed: the journal's rows in the lake."""

from contracts.table import Table

DECISION = Table(
    name="decision",
    version="1.1.0",
    meaning="Decisions of the engine, each with all that is needed to explain and replay it.",
    grain="one row a decision",
    key=("decision_id",),
    columns=(
        "decision_id",
        "decision_kind",
        "decision_status",
        "action",
        "decided_at",
        "actor_id",
        "task_id",
        "conversation_id",
        "confidence",
        "propensity",
        "policy_id",
        "bundle_hash",
        "rule_pack_hash",
        "rules_checked_count",
        "snapshot_id",
        "feature_hash",
        "seed",
        "candidates",
        "context",
        "reason",
        "expected_cost_usd",
        "baseline_cost_usd",
        "decide_us",
        "receipt_hash",
        "region",
        "journal_seq",
    ),
    optional=frozenset(
        {
            "action",
            "task_id",
            "conversation_id",
            "propensity",
            "bundle_hash",
            "feature_hash",
            "snapshot_id",
            "expected_cost_usd",
            "baseline_cost_usd",
            "decide_us",
        }
    ),
    owner="compliance",
    retention_days=2555,
    is_ingested=False,
)

OUTCOME = Table(
    name="outcome",
    meaning="What came of a decision, as reported by the assistant that acted.",
    grain="one row an outcome report",
    key=("outcome_id",),
    columns=(
        "outcome_id",
        "decision_id",
        "actor_id",
        "occurred_at",
        "is_success",
        "quality",
        "cost_usd",
        "duration_ms",
        "note",
        "region",
        "journal_seq",
    ),
    optional=frozenset({"quality", "cost_usd", "duration_ms", "note"}),
    owner="operations",
    retention_days=2555,
    is_ingested=False,
)

OVERRIDE = Table(
    name="override",
    meaning="Decisions that a person changed, with the reason.",
    grain="one row an override",
    key=("override_id",),
    columns=(
        "override_id",
        "decision_id",
        "actor_id",
        "occurred_at",
        "override_action",
        "reason",
        "region",
        "journal_seq",
    ),
    owner="compliance",
    retention_days=2555,
    is_ingested=False,
)

TABLES = (DECISION, OUTCOME, OVERRIDE)
