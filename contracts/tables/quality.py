"""The quality of what comes in: what became of refused rows, the days rows are about, what is expected of a source."""

from contracts.table import Table

QUARANTINE_RESOLUTION = Table(
    name="quarantine_resolution",
    meaning="Every act on a refused row, with who did it and why. The newest one is the row's state; a row without one is open.",
    grain="one row an act and refused row",
    key=("resolution_id",),
    columns=(
        "resolution_id",
        "batch_id",
        "contract",
        "source",
        "row_number",
        "refused_at",
        "repair_act",
        "repair_state",
        "is_duplicate",
        "repair_batch_id",
        "batch_seq",
        "repaired_columns",
        "column_name",
        "rule",
        "reason",
        "actor_id",
        "note",
        "record_id",
        "resolved_at",
    ),
    optional=frozenset({"repaired_columns", "column_name", "rule", "reason"}),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

BATCH_DAY = Table(
    name="batch_day",
    meaning="Which days the rows that a batch landed are about: what lateness and volume are judged by.",
    grain="one row a batch, contract and day of the rows' own time",
    key=("batch_id", "contract", "event_date"),
    columns=(
        "batch_id",
        "batch_seq",
        "contract",
        "source",
        "event_date",
        "good_count",
        "first_event_at",
        "last_event_at",
        "ingested_at",
    ),
    optional=frozenset({"first_event_at", "last_event_at"}),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

SOURCE_EXPECTATION = Table(
    name="source_expectation",
    meaning="What is expected of a source, as the pack and the tenant declare it.",
    grain="one row a source",
    key=("source",),
    columns=(
        "source",
        "expected_interval_h",
        "expected_low_count",
        "expected_high_count",
        "late_tolerance_days",
        "quiet_days",
    ),
    optional=frozenset({"expected_interval_h", "expected_low_count", "expected_high_count"}),
    owner="data engineering",
    retention_days=2555,
    is_ingested=False,
)

TABLES = (QUARANTINE_RESOLUTION, BATCH_DAY, SOURCE_EXPECTATION)
