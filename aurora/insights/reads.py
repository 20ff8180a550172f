"""What the report is made from: marts of two periods at one snapshot, read in bulk. Nothing here reads raw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from aurora.errors import NotFoundError, NotReadyError
from aurora.insights import periods
from aurora.store.lake import LakeReader
from contracts.messages.insights import ReportPeriod

SALES_INDUSTRY: Final = "real_estate"
"""The brokerage's contracts (lead, deal) tell of sales of real estate."""
UNASSIGNED: Final = "not assigned"
"""Industry of AI operations that no assistant of the fleet is named for."""
_NEEDS: Final = (
    "assistants",
    "assistants_daily",
    "assistant_skills_daily",
    "cost_daily",
    "handoffs_daily",
    "kpi_values",
    "bi_sales",
    "bi_judgements",
    "bi_market",
)
_SQL: Final[Mapping[str, str]] = {
    "assistants": "SELECT assistant_id, assistant_name, industry FROM mart.assistants ORDER BY 1",
    "costs": """
        SELECT period_date, assistant_id, model_name, sum(operation_count) AS operation_count,
               sum(unpriced_count) AS unpriced_count, sum(cost_usd) AS cost_usd
        FROM mart.cost_daily WHERE period_date BETWEEN $before AND $until GROUP BY ALL ORDER BY 1, 2, 3
    """,
    "skills": """
        SELECT * FROM mart.assistant_skills_daily WHERE period_date BETWEEN $since AND $until
        ORDER BY period_date, assistant_id, task_type
    """,
    "sales": """
        SELECT * FROM mart.bi_sales
        WHERE closed_date BETWEEN $before AND $until OR enquired_date BETWEEN $before AND $until
        ORDER BY enquiry_id, deal_id
    """,
    "judgements": """
        SELECT * FROM mart.bi_judgements
        WHERE evaluator_kind = 'human' AND period_date BETWEEN $since AND $until ORDER BY evaluation_id
    """,
    "market": "SELECT * FROM mart.bi_market ORDER BY figure_kind, subject_name, measure_name, as_of_date, source",
    "kpis": """
        SELECT kpi_id, kpi_name, period_date, kpi_value, unit, value_low, value_high, sample_count
        FROM mart.kpi_values WHERE kpi_value IS NOT NULL AND period_date BETWEEN $since AND $until
        QUALIFY row_number() OVER (PARTITION BY kpi_id ORDER BY period_date DESC) = 1 ORDER BY kpi_id
    """,
    "handoffs": """
        SELECT period_date, from_assistant_id AS assistant_id, sum(decided_count) AS decided_count,
               sum(breach_count) AS breach_count
        FROM mart.handoffs_daily WHERE period_date BETWEEN $since AND $until GROUP BY ALL ORDER BY 1, 2
    """,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The frames, already narrowed to one industry, and what they were read from."""

    period: ReportPeriod
    industry: str | None
    raw_snapshot: int
    mart_snapshot: int
    is_simulated: bool
    industries: tuple[str, ...]
    assistants: pl.DataFrame
    costs: pl.DataFrame
    skills: pl.DataFrame
    sales: pl.DataFrame
    judgements: pl.DataFrame
    market: pl.DataFrame
    kpis: pl.DataFrame
    handoffs: pl.DataFrame

    @property
    def days(self) -> int:
        """Length of the period."""
        return (self.period.until - self.period.since).days + 1

    def within(self, frame: pl.DataFrame, column: str = "period_date") -> pl.DataFrame:
        """Rows of the period."""
        return frame.filter(pl.col(column).is_between(self.period.since, self.period.until))

    def earlier(self, frame: pl.DataFrame, column: str = "period_date") -> pl.DataFrame:
        """Rows of the period before."""
        return frame.filter(pl.col(column).is_between(*periods.before(self.period)))

    def has_sales(self) -> bool:
        """Whether sales belong to what was asked for."""
        return self.industry in (None, SALES_INDUSTRY)


def read_facts(lake: LakeReader, *, time_period: str, industry: str | None) -> Facts:
    """All that the report needs.

    Errors: `NotReadyError` before the marts are built, `UsageError` for a period that is none, `NotFoundError` for
    an industry that nothing is known of.
    """
    lacking = sorted(set(_NEEDS) - set(lake.table_names("mart")))
    if lacking:
        raise NotReadyError(
            f"The mart {lacking[0]} is not built yet.", field="mart", next_step="`aurora build` builds the marts."
        )
    period = periods.resolve(time_period, newest=_newest(lake))
    bounds = {"since": period.since, "until": period.until, "before": periods.before(period)[0]}
    frames = {name: _floats(lake.query(sql, _used(sql, bounds))) for name, sql in _SQL.items()}
    frames["assistants"] = frames["assistants"].with_columns(pl.col("industry").fill_null(UNASSIGNED))
    known = _industries(frames)
    if industry is not None and industry not in known:
        raise NotFoundError(
            f"Nothing is known of the industry {industry[:64]!r}.",
            field="industry_filter",
            next_step=f"Choose from {', '.join(known) or 'none yet'}.",
        )
    return Facts(
        period=period,
        industry=industry,
        raw_snapshot=lake.snapshot_id("raw"),
        mart_snapshot=lake.snapshot_id("mart"),
        is_simulated=_is_simulated(frames),
        industries=known,
        **_narrowed(frames, industry),
    )


def _newest(lake: LakeReader) -> dt.date:
    found = lake.query(
        "SELECT max(period_date) FROM mart.assistants_daily WHERE task_count > 0 OR operation_count > 0"
    ).item()
    if not isinstance(found, dt.date):
        raise NotReadyError(
            "There is no day with work yet.", field="time_period", next_step="Send data and run `aurora build`."
        )
    return found


def _used(sql: str, bounds: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in bounds.items() if f"${name}" in sql}


def _floats(frame: pl.DataFrame) -> pl.DataFrame:
    """Decimals were summed exactly by the lake; from here on they are numbers."""
    return frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64))


def _industries(frames: Mapping[str, pl.DataFrame]) -> tuple[str, ...]:
    known = set(frames["assistants"]["industry"].to_list()) - {UNASSIGNED}
    return tuple(sorted(known | ({SALES_INDUSTRY} if frames["sales"].height else set())))


def _is_simulated(frames: Mapping[str, pl.DataFrame]) -> bool:
    return any(
        frames[name]["source"].str.starts_with("twin_").any() for name in ("sales", "judgements") if frames[name].height
    )


def _narrowed(frames: Mapping[str, pl.DataFrame], industry: str | None) -> dict[str, Any]:
    held = dict(frames)
    names = held["assistants"].select("assistant_id", "assistant_name", "industry")
    for name in ("costs", "skills", "judgements", "handoffs"):
        held[name] = (
            held[name]
            .join(names, on="assistant_id", how="left", maintain_order="left")
            .with_columns(
                pl.col("industry").fill_null(UNASSIGNED),
                pl.coalesce("assistant_name", "assistant_id", pl.lit(UNASSIGNED)).alias("assistant_name"),
            )
        )
    if industry is None:
        return held
    for name in ("assistants", "costs", "skills", "judgements", "handoffs"):
        held[name] = held[name].filter(pl.col("industry") == industry)
    if industry != SALES_INDUSTRY:
        held["sales"], held["market"] = held["sales"].clear(), held["market"].clear()
    return held
