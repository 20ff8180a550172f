"""What the rules found in the lake, and what they were asked about."""

from contracts.table import Table

FINDING = Table(
    name="finding",
    meaning="Records that break a rule, found by the sweep: what, since when, due when, and what became of it.",
    grain="one row a rule and record, and state of it",
    key=("finding_id",),
    columns=(
        "finding_id",
        "rule_id",
        "rule_pack_id",
        "regime",
        "about_contract",
        "record_source",
        "about_id",
        "assistant_id",
        "severity",
        "finding_state",
        "evidence",
        "found_at",
        "due_at",
        "owner_role",
        "resolved_at",
        "actor_id",
        "note",
        "updated_at",
        "is_sample",
        "region",
    ),
    optional=frozenset({"assistant_id", "resolved_at", "actor_id", "note"}),
    owner="compliance",
    retention_days=2555,
    versioned_by="updated_at",
    is_ingested=False,
)

RULE_SWEEP = Table(
    name="rule_sweep",
    meaning="What a sweep of each rule saw; a row is written when it saw something else than the time before.",
    grain="one row a rule and sweep that changed its figures",
    key=("rule_id",),
    columns=(
        "rule_id",
        "rule_pack_id",
        "regime",
        "about_contract",
        "rule_pack_hash",
        "judged_count",
        "broken_count",
        "unknown_count",
        "checked_at",
        "updated_at",
        "region",
    ),
    optional=frozenset({"checked_at"}),
    owner="compliance",
    retention_days=2555,
    versioned_by="updated_at",
    is_ingested=False,
)

TABLES = (FINDING, RULE_SWEEP)
