"""The market and the competition: inputs that the business report sets beside what Aurora measures itself."""

from contracts.table import Table

MARKET_STATISTIC = Table(
    name="market_statistic",
    meaning="Sales in the market by month, area and segment, as a land registry publishes them.",
    grain="one row a month, area and segment, and state of it",
    key=("market_area", "market_segment", "month_date", "source"),
    columns=(
        "month_date",
        "market_area",
        "market_segment",
        "transaction_count",
        "median_price_aed",
        "median_aed_per_sqft",
        "off_plan_share",
        "updated_at",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset({"median_price_aed", "median_aed_per_sqft", "off_plan_share"}),
    owner="strategy",
    retention_days=3650,
    versioned_by="updated_at",
)

COMPETITOR_FIGURE = Table(
    name="competitor_figure",
    meaning="Figures of competitors that a person brings in, each with where it was read. Aurora looks none up.",
    grain="one row a competitor, measure and day, and state of it",
    key=("competitor_name", "measure_name", "as_of_date"),
    columns=(
        "competitor_name",
        "measure_name",
        "measure_value",
        "measure_unit",
        "as_of_date",
        "source_note",
        "updated_at",
        "source",
        "is_sample",
        "region",
    ),
    owner="strategy",
    retention_days=3650,
    versioned_by="updated_at",
)

TABLES = (MARKET_STATISTIC, COMPETITOR_FIGURE)
