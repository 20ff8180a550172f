"""The report's marts from rows that came through the door: late rows land where they belong, as one build would have it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import run_dbt
from tests.dbt import company

MARTS = ("bi_sales", "bi_judgements", "bi_market")
DAY = dt.datetime(2026, 9, 4, 8, tzinfo=dt.UTC)
STATISTICS = b"""month,area,property_type,transactions,median_price_aed,median_aed_per_sqft,offplan_share,ready_share
2026-08,MARINA,Unit,200,1000000,1500,0.25,0.75
"""


def at(hours: float) -> str:
    return (DAY + dt.timedelta(hours=hours)).isoformat()


def lead(status: str, hours: float) -> dict[str, Any]:
    return {"lead_id": "L1", "lead_status": status, "channel": "portal", "enquired_at": at(0), "updated_at": at(hours)}


def event(number: int, kind: str, hours: float, *, actor: str | None) -> dict[str, Any]:
    return {
        "lead_event_id": f"E{number}",
        "lead_id": "L1",
        "lead_event_kind": kind,
        "occurred_at": at(hours),
        "assistant_id": "clara",
        "actor_id": actor,
    }


def deal(stage: str, hours: float, closed: str | None) -> dict[str, Any]:
    return {
        "deal_id": "D1",
        "lead_id": "L1",
        "deal_stage": stage,
        "price_aed": "1000000",
        "commission_aed": "20000",
        "updated_at": at(hours),
        "closed_at": closed,
    }


def usage(number: int, ms: int) -> dict[str, Any]:
    return {"usage_id": f"u{number}", "occurred_at": at(1), "operation_name": "chat", "provider_name": "openai", "request_model": "gpt-4o",
            "assistant_id": "clara", "trace_id": "t1", "duration_ms": ms, "reported_cost_usd": "0.01"}  # fmt: skip


JUDGED = {"evaluation_id": "e1", "evaluation_name": "helpfulness", "evaluator_kind": "human", "score_value": 0.8, "trace_id": "t1",
          "occurred_at": at(30), "updated_at": at(30)}  # fmt: skip


def rows(paths: TenantPaths, name: str) -> list[dict[str, Any]]:
    with read_lake(paths) as lake:
        return lake.query(f"SELECT * FROM mart.{name} ORDER BY ALL").to_dicts()


def test_late_rows_give_what_one_build_of_all_would_have_given(tmp_path: Path):
    paths = company.make_tenant(tmp_path)
    first = {
        "lead": [lead("contacted", 1)],
        "lead_event": [event(1, "enquired", 0, actor=None), event(2, "contacted", 0.5, actor=None)],
        "deal": [deal("mou", 20, None)],
        "usage": [usage(1, 400)],
        "evaluation": [JUDGED],
    }
    for name, made in first.items():
        company.drop(paths, f"{name}-1", made)
    (paths.landing / "exports" / "dld_monthly_sales.csv").write_bytes(STATISTICS)
    company.ingest(paths)
    selected = [f"+{name}" for name in MARTS]
    run_dbt(paths, select=selected)
    (before,) = rows(paths, "bi_sales")
    assert (before["lead_status"], before["deal_stage"], before["step_count"], before["first_response_s"]) == (
        "contacted",
        "mou",
        1,
        1800,
    )

    later = {
        "lead": [lead("won", 50)],
        "lead_event": [event(3, "viewed", 10, actor="broker-7")],
        "deal": [deal("closed", 50, at(49))],
        "usage": [usage(2, 600)],
    }
    for name, made in later.items():
        company.drop(paths, f"{name}-2", made)
    company.ingest(paths)
    run_dbt(paths, select=selected)
    (sale,) = rows(paths, "bi_sales")
    assert (sale["lead_status"], sale["deal_stage"], sale["closed_date"]) == ("won", "closed", dt.date(2026, 9, 6))
    assert (sale["step_count"], sale["assistant_step_count"]) == (2, 1)
    (judged,) = rows(paths, "bi_judgements")
    assert (judged["operation_count"], judged["duration_sum_ms"], float(judged["cost_usd"])) == (2, 1000, 0.02)
    (area,) = rows(paths, "bi_market")
    assert (area["transaction_count"], area["off_plan_share"], area["as_of_date"]) == (200, 0.25, dt.date(2026, 8, 1))
