"""What people enter for KPIs that Aurora cannot measure."""

from contracts.table import Table

KPI_INPUT = Table(
    name="kpi_input",
    meaning="Figures that people or files bring for KPIs from outside the software (market, revenue, audits, load tests), "
    "and a company's own targets. A newer figure of the same day takes the older one's place; one without a value "
    "withdraws it.",
    grain="one row a figure and state of it",
    key=("kpi_input_id",),
    columns=(
        "kpi_input_id",
        "kpi_id",
        "kpi_input_kind",
        "as_of_date",
        "kpi_value",
        "value_low",
        "value_high",
        "sample_count",
        "source_note",
        "actor_id",
        "note",
        "updated_at",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset({"kpi_value", "value_low", "value_high", "sample_count", "note"}),
    owner="finance",
    retention_days=2555,
    versioned_by="updated_at",
)

TABLES = (KPI_INPUT,)
