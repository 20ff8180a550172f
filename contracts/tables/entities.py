"""Golden records: which records belong together, why, and whose value survives. Aurora writes these itself."""

from contracts.table import Table

ENTITY_LINK = Table(
    name="entity_link",
    meaning="Which golden record each source's record belongs to.",
    grain="one row a record of a source",
    key=("entity_kind", "source", "source_record_id"),
    columns=(
        "entity_kind",
        "source",
        "source_record_id",
        "entity_id",
        "own_entity_id",
        "first_batch_seq",
        "linked_at",
    ),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

ENTITY_MATCH = Table(
    name="entity_match",
    meaning="Pairs of records that were found to be one, that a person must judge, or that look alike and are not.",
    grain="one row a pair of records",
    key=("match_id",),
    columns=(
        "match_id",
        "entity_kind",
        "left_source",
        "left_record_id",
        "right_source",
        "right_record_id",
        "match_verdict",
        "match_rule",
        "match_share",
        "match_evidence",
        "linked_at",
    ),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

SURVIVOR_RULE = Table(
    name="survivor_rule",
    meaning="Whose value a column of a golden record takes, as the pack declares it.",
    grain="one row a column and source",
    key=("entity_kind", "survivor_column", "trusted_source"),
    columns=(
        "entity_kind",
        "survivor_column",
        "trusted_source",
        "survivor_strategy",
        "trust_rank",
        "is_synced",
    ),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

TABLES = (ENTITY_LINK, ENTITY_MATCH, SURVIVOR_RULE)
"""In raw like the fleet: what the marts are made from, rewritten only where it changed."""
