"""A company small enough to reckon by hand: its marts, as dbt would have made them, in a real lake.

Thirty days of November 2026. Two assistants do the same kind of work; sales, judgements and a market stand beside it.
"""

from __future__ import annotations

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from aurora.store.lake import LakeWriter, create_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant

FIRST, LAST = dt.date(2026, 11, 1), dt.date(2026, 11, 30)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(30)]
CLARA_TASK_USD, MARY_TASK_USD = Decimal("0.03"), Decimal("0.01")
COMMISSIONS = [10_000 + 500 * n for n in range(40)]
"""Of 40 closed sales; in the first 20 of them assistants took 1 of 2 steps, in the others none of 4."""
Row = dict[str, Any]


def seed_marts(data_dir: Path, tenant: str = "demo", *, sales: int = 40, judgements: int = 60) -> TenantPaths:
    """A tenant with the marts that the report reads."""
    paths = create_tenant(data_dir, tenant, "ae-dubai")
    create_lake(paths)
    write_marts(paths, marts(sales=sales, judgements=judgements))
    return paths


def copied(paths: TenantPaths, folder: Path, **changed: int) -> TenantPaths:
    """A copy of the company with other numbers of sales or judgements."""
    shutil.copytree(paths.data_dir, folder / "own")
    own = TenantPaths(folder / "own", paths.tenant, paths.region)
    frames = marts(**changed)
    write_marts(own, {name: frames[name] for name in ("bi_sales", "bi_judgements")})
    return own


def write_marts(paths: TenantPaths, frames: dict[str, pl.DataFrame]) -> None:
    """Put marts in place of those of the same name, as one snapshot."""

    def work(lake: LakeWriter) -> None:
        for name, frame in frames.items():
            columns = ", ".join(f"{column} {_kind(kind)}" for column, kind in frame.schema.items())
            lake.execute(f"DROP TABLE IF EXISTS mart.{name}")
            lake.execute(f"CREATE TABLE mart.{name} ({columns})")
            lake.append(name, frame)

    write_lake(paths, "mart", work, author="test", message="marts")


def _kind(kind: pl.DataType) -> str:
    if isinstance(kind, pl.Decimal):
        return "DECIMAL(18, 9)"
    return {
        pl.String: "VARCHAR",
        pl.Int64: "BIGINT",
        pl.Float64: "DOUBLE",
        pl.Date: "DATE",
        pl.Boolean: "BOOLEAN",
        pl.Null: "VARCHAR",
    }[type(kind)]


def marts(*, sales: int = 40, judgements: int = 60) -> dict[str, pl.DataFrame]:
    """Every mart the report reads."""
    return {
        "assistants": pl.DataFrame(
            [
                {"assistant_id": "clara", "assistant_name": "Clara", "industry": "real_estate"},
                {"assistant_id": "mary", "assistant_name": "Mary", "industry": "real_estate"},
                {"assistant_id": "hana", "assistant_name": "Hana", "industry": "healthcare"},
            ]
        ),
        "assistants_daily": pl.DataFrame({"period_date": DAYS, "task_count": [40] * 30, "operation_count": [80] * 30}),
        "assistant_skills_daily": _skills(),
        "cost_daily": _costs(),
        "handoffs_daily": _handoffs(),
        "kpi_values": _kpis(),
        "bi_sales": _sales(sales),
        "bi_judgements": _judgements(judgements),
        "bi_market": _market(),
    }


def _money(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("^.*_(usd|aed)$").cast(pl.Decimal(18, 9)))


def _skills() -> pl.DataFrame:
    """Twenty tasks each a day; Clara is dearer and slower, and 15 of hers succeed where 18 of Mary's do. Hana did five."""
    rows = []
    for place, day in enumerate(DAYS):
        wave = (place % 3 - 1) * Decimal("0.001")
        for name, usd, success, ms in (("clara", CLARA_TASK_USD, 15, 3000), ("mary", MARY_TASK_USD, 18, 1000)):
            cost = (usd + wave) * 20
            rows.append(_skill(day, name, 20, success, (ms + 100 * (place % 2)) * 20, cost))
    rows.append(_skill(DAYS[0], "hana", 5, 5, 5000, Decimal("0.05")))
    return _money(pl.DataFrame(rows))


def _skill(day: dt.date, name: str, count: int, success: int, ms: int, cost: Decimal) -> Row:
    return {
        "period_date": day, "assistant_id": name, "task_type": "triage" if name == "hana" else "listing_copy", "task_count": count, "settled_count": count,
        "success_count": success, "timed_count": count, "duration_sum_ms": ms, "priced_count": count, "cost_usd": cost,
        "settled_cost_usd": cost, "success_cost_usd": cost * success / count,
    }  # fmt: skip


def _costs() -> pl.DataFrame:
    """A dollar a day each of Clara and Mary, a tenth of a dollar of nobody's; two operations a day without a price."""
    return _money(
        pl.DataFrame(
            [
                {
                    "period_date": day,
                    "assistant_id": name,
                    "model_name": llm,
                    "operation_count": count,
                    "unpriced_count": bare,
                    "cost_usd": usd,
                }
                for day in DAYS
                for name, llm, count, bare, usd in (
                    ("clara", "gpt-5-mini", 40, 0, Decimal(1)),
                    ("mary", "house-llm", 40, 2, Decimal(1)),
                    (None, "gpt-5-mini", 1, 0, Decimal("0.1")),
                )
            ]
        )
    )


def _handoffs() -> pl.DataFrame:
    rows = [("clara", 10, 1), ("mary", 10, 0), ("hana", 0, 0)]
    return pl.DataFrame(
        [
            {"period_date": day, "from_assistant_id": name, "decided_count": n, "breach_count": b}
            for day in DAYS
            for name, n, b in rows
        ]
    )


def _kpis() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "kpi_id": "kpi_counterfactual_saving", "kpi_name": "Saving", "period_date": LAST, "kpi_value": 0.31, "unit": "share",
                "value_low": 0.28, "value_high": 0.34, "sample_count": 900,
            }
        ]
    )  # fmt: skip


def _sales(count: int) -> pl.DataFrame:
    rows = [
        _sale(
            f"L{n}", deal_id=f"D{n}", closed_date=DAYS[n % 30], deal_stage="closed", commission_aed=Decimal(amount), price_aed=Decimal(amount * 50),
            step_count=2 if n < 20 else 4, assistant_step_count=1 if n < 20 else 0, lead_status="won", location="Dubai Marina",
        )
        for n, amount in enumerate(COMMISSIONS[:count])
    ]  # fmt: skip
    quick = [(f"Q{n}", 60, "booked" if n < 30 else "lost") for n in range(50)]
    slow = [(f"S{n}", 7200, "booked" if n < 10 else "lost") for n in range(50)]
    rows += [
        _sale(
            key,
            enquired_date=dt.date(2026, 10, 15),
            first_response_s=wait,
            lead_status=status,
            step_count=1,
            assistant_step_count=1,
        )
        for key, wait, status in quick + slow
    ]
    rows += [_sale(f"N{n}", enquired_date=dt.date(2026, 11, 20), lead_status="new") for n in range(3)]
    return _money(pl.DataFrame(rows, infer_schema_length=None))


def _sale(key: str, **told: Any) -> Row:
    empty: Row = {
        "enquiry_id": key, "deal_id": None, "source": "crm", "channel": "portal", "lead_status": None, "enquired_date": None,
        "marketing_cost_aed": Decimal(100), "step_count": 0, "assistant_step_count": 0, "first_assistant_id": None, "first_response_s": None,
        "deal_stage": None, "closed_date": None, "price_aed": None, "commission_aed": None, "location": None,
    }  # fmt: skip
    return {**empty, **told}


def _judgements(count: int) -> pl.DataFrame:
    """The longer the answer took, the lower the judgement, without exception; the cost says nothing."""
    rows = [
        {
            "evaluation_id": f"e{n:03d}", "period_date": DAYS[n % 30], "source": "survey", "evaluation_name": "helpfulness",
            "evaluator_kind": "human", "score_value": 1 - n / 100, "assistant_id": "clara", "operation_count": 1, "error_count": 0,
            "duration_sum_ms": 1000 + 10 * n, "output_tokens": 100, "cost_usd": Decimal(n * 37 % 60) / 1000,
        }
        for n in range(count)
    ]  # fmt: skip
    empty = {"evaluation_id": pl.String, "period_date": pl.Date, "source": pl.String, "evaluation_name": pl.String, "evaluator_kind": pl.String,
             "score_value": pl.Float64, "assistant_id": pl.String, "operation_count": pl.Int64, "error_count": pl.Int64,
             "duration_sum_ms": pl.Int64, "output_tokens": pl.Int64, "cost_usd": pl.Decimal(18, 9)}  # fmt: skip
    return _money(pl.DataFrame(rows, schema_overrides=empty) if rows else pl.DataFrame(schema=empty))


def _market() -> pl.DataFrame:
    """Two areas over six months, sales doubling from the first three to the last three; one figure of a competitor."""
    rows = [
        {
            "figure_kind": "market", "subject_name": area, "measure_name": "Unit", "as_of_date": dt.date(2026, month, 1), "source": "dld",
            "transaction_count": count * (2 if month > 7 else 1), "median_price_aed": 1_000_000.0, "off_plan_share": 0.5,
            "measure_value": None, "measure_unit": None, "source_note": None,
        }
        for month in range(5, 11)
        for area, count in (("DUBAI MARINA", 100), ("BUSINESS BAY", 50))
    ]  # fmt: skip
    rows.append(
        {
            "figure_kind": "competitor", "subject_name": "Example Realty", "measure_name": "buyer_commission_share", "as_of_date": FIRST,
            "source": "desk", "transaction_count": None, "median_price_aed": None, "off_plan_share": None, "measure_value": 0.018,
            "measure_unit": "share", "source_note": "Their price page, read on 1 November 2026",
        }
    )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)
