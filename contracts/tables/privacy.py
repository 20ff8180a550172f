"""Privacy at the door: what was found in the rows that came in, and rows that were refused for their region."""

from contracts.table import Table

PRIVACY_FINDING = Table(
    name="privacy_finding",
    meaning="Personal data that came in, and how it was protected; counts only, never a value.",
    grain="one row a batch, contract, column, class and action",
    key=("batch_id", "contract", "column_name", "identifier_class", "privacy_action"),
    columns=(
        "batch_id",
        "source",
        "contract",
        "column_name",
        "identifier_class",
        "privacy_action",
        "finding_count",
        "unsure_count",
        "ingested_at",
    ),
    owner="compliance",
    retention_days=2555,
    is_ingested=False,
)

RESIDENCY_REFUSAL = Table(
    name="residency_refusal",
    meaning="Rows that belong to a region where this lake may not keep them: who sent them, and nothing of what they hold.",
    grain="one row a refused row",
    key=("batch_id", "contract", "row_number"),
    columns=(
        "batch_id",
        "source",
        "source_format",
        "file_name",
        "contract",
        "row_number",
        "refused_region",
        "row_hash",
        "reason",
        "ingested_at",
    ),
    owner="compliance",
    retention_days=2555,
    is_ingested=False,
)

TABLES = (PRIVACY_FINDING, RESIDENCY_REFUSAL)
