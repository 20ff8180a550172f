"""The books that ingest keeps: batches, refused rows, and how far the journal was copied."""

from contracts.table import Table

INGEST_BATCH = Table(
    name="ingest_batch",
    meaning="Every batch that was committed, with its counts: rows in = good + quarantined + duplicates.",
    grain="one row a batch and contract",
    key=("batch_id", "contract"),
    columns=(
        "batch_id",
        "batch_seq",
        "contract",
        "source",
        "source_format",
        "file_name",
        "row_count",
        "good_count",
        "quarantined_count",
        "duplicate_count",
        "unpriced_count",
        "ingested_at",
        "source_cursor",
        "repairs_batch_id",
    ),
    optional=frozenset({"source_cursor", "repairs_batch_id"}),
    owner="data engineering",
    retention_days=2555,
    version="1.1.0",
    is_ingested=False,
)

QUARANTINE = Table(
    name="quarantine",
    meaning="Rows that were refused, each with the rule, the reason and where it stood.",
    grain="one row a refused row and failed check",
    key=("quarantine_id",),
    columns=(
        "quarantine_id",
        "batch_id",
        "contract",
        "source",
        "source_format",
        "file_name",
        "row_number",
        "column_name",
        "rule",
        "reason",
        "raw_row",
        "ingested_at",
    ),
    optional=frozenset({"column_name", "raw_row"}),
    owner="data engineering",
    retention_days=365,
    is_ingested=False,
)

JOURNAL_OFFSET = Table(
    name="journal_offset",
    meaning="How far the tenant's journal was copied to the lake, written with the rows themselves.",
    grain="one row a copy",
    key=("journal_seq",),
    columns=("journal_seq", "row_count", "ingested_at"),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

TABLES = (INGEST_BATCH, QUARANTINE, JOURNAL_OFFSET)
