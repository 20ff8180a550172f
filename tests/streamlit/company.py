"""A made-up company in a real lake: seeded rows in the marts, and in raw what the Data page shows.

The pages' tests and the browser test read it as they would a built tenant.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from aurora.audit.records import decision_record, outcome_record, override_record
from aurora.store.journal import JournalRecord
from aurora.store.lake import LakeWriter, create_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.decisions import (
    Candidate,
    Decision,
    DecisionRequest,
    OutcomeRequest,
    OverrideRequest,
    RouteLlmRequest,
    RouteTaskRequest,
    Veto,
)

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
TODAY = NOW.date()
DAYS = 45

ASSISTANTS = (
    ("clara", "Clara", "Leads and viewings", "active"),
    ("mary", "Mary", "Listings and marketing", "active"),
    ("theodora", "Theodora", "Finance and reporting", "active"),
    ("laila", "Laila", "Compliance and AML", "degraded"),
    ("linda", "Linda", "Contracts", "active"),
    ("nina", "Nina", "Customer service", "active"),
    ("valuation", "Valuation assistant", "Property valuation", "active"),
    ("support", "Support assistant", "Internal support", "down"),
)
LLMS = (
    ("openai", "gpt-4.1", "chat", 0.0125, 0.012, 0.0),
    ("openai", "gpt-4.1-mini", "chat", 0.0021, 0.009, 0.0),
    ("anthropic", "claude-sonnet-4", "chat", 0.0160, 0.010, 0.0),
    ("google", "gemini-2.5-flash", "chat", 0.0009, 0.014, 0.0),
    ("openai", "text-embedding-3-small", "embeddings", 0.00002, 0.001, 0.0),
    ("self_hosted", "falcon-arabic-7b-instruct", "chat", 0.0, 0.03, 1.0),
)
STAGES = ("fleet", "landing", "journal", "entities", "rules", "checks", "marts", "conflicts", "features", "route_llm")
ANSWERING = [llm[1] for llm in LLMS if llm[2] == "chat"]
Row = dict[str, Any]


def seed_company(data_dir: Path, tenant: str = "demo", *, seed: int = 7) -> TenantPaths:
    """A tenant with 45 days of usage, decisions, batches, quarantine and KPIs."""
    paths = create_tenant(data_dir, tenant, "ae-dubai")
    create_lake(paths)
    draw = random.Random(seed)
    usage = _usage(draw)
    marts = {
        "usage_daily": pl.DataFrame(usage),
        "cost_daily": _cost_daily(pl.DataFrame(usage)),
        "assistants": _assistants(pl.DataFrame(usage), draw),
        "decisions": pl.DataFrame(_decisions(draw), infer_schema_length=None),
        "ingest_batches": pl.DataFrame(_batches(draw)),
        "quarantine_reasons": pl.DataFrame(_quarantine(draw)),
        "kpi_values": pl.DataFrame(_kpis()),
    }
    marts["decisions_daily"] = _decisions_daily(marts["decisions"])
    write_lake(paths, "mart", lambda lake: create_marts(lake, marts), author="tests", message="Seed the sample company")
    seed_journal(paths, marts["decisions"].head(40).to_dicts(), draw)
    write_lake(paths, "raw", lambda lake: _append_raw(lake, draw), author="tests", message="Seed raw rows")
    seed_builds(paths)
    return paths


def seed_builds(paths: TenantPaths) -> None:
    """A record of each stage, as the clock leaves it."""
    folder = paths.directory / "builds"
    folder.mkdir(exist_ok=True)
    for number, stage in enumerate(STAGES):
        record = {
            "stage": stage, "state": "built", "inputs": "0" * 64, "seconds": 1.5 + number,
            "ended_at": (NOW - dt.timedelta(minutes=20 - number)).isoformat(),
        }  # fmt: skip
        (folder / f"{stage}.json").write_text(json.dumps(record), encoding="utf-8")


def seed_journal(paths: TenantPaths, rows: list[Row], draw: random.Random) -> None:
    """The newest decisions as the API would have written them, with outcomes and overrides."""
    records = [record for row in rows for record in _records(row, draw)]
    with StateStore.open(paths, clock=lambda: NOW) as store:
        store.append(records).result()


def _records(row: Row, draw: random.Random) -> Iterator[JournalRecord]:
    decision = _decision(row, draw)
    yield decision_record(decision, elapsed_us=row["decide_us"])
    if row["is_success"] is not None:
        outcome = OutcomeRequest(is_success=row["is_success"], quality=row["quality"], occurred_at=row["decided_at"])
        outcome_id = f"out_{seeded_id(draw)}"
        yield outcome_record(outcome, decision, outcome_id=outcome_id, actor_id=row["actor_id"], now=NOW)
    if row["is_overridden"]:
        change = OverrideRequest(action="human", reason=row["override_reason"])
        yield override_record(change, decision, override_id=f"ovr_{seeded_id(draw)}", actor_id="owner", now=NOW)


def _decision(row: Row, draw: random.Random) -> Decision:
    is_llm = row["decision_kind"] == "route_llm"
    names = ANSWERING if is_llm else [assistant[0] for assistant in ASSISTANTS]
    forbidden, unable = [name for name in names if name != row["action"]][:2]
    vetoes = {
        forbidden: Veto(source="rule", rule_id="residency_dubai", reason="Personal data of clients stays in ae-dubai."),
        unable: Veto(source="scope", rule_id="skill", reason="It does not have the skill."),
    }
    candidates = tuple(
        Candidate(
            candidate_id=name,
            is_eligible=name not in vetoes,
            vetoes=(vetoes[name],) if name in vetoes else (),
            score=None if name == forbidden else 0.99 if name == row["action"] else draw.uniform(0.3, 0.9),
            quality=None if name == forbidden else draw.uniform(0.5, 0.98),
            cost_usd=None if name == forbidden else Decimal(str(round(draw.uniform(0.0005, 0.02), 6))),
            latency_ms=draw.uniform(400, 3_000),
            propensity=1.0 if name == row["action"] else 0.0,
        )
        for name in names
    )
    request: DecisionRequest = (
        RouteLlmRequest(prompt="What is the transfer fee for a villa in Arabian Ranches?", privacy_class="personal")
        if is_llm
        else RouteTaskRequest(task_type="viewing.schedule", task_id=row["task_id"], priority="high")
    )
    return Decision(
        decision_id=row["decision_id"], tenant_id="demo", region="ae-dubai", kind=row["decision_kind"], mode="act",
        status=row["decision_status"], action=row["action"], reason=row["reason"], confidence=row["confidence"],
        propensity=1.0 if row["action"] else None, decided_at=row["decided_at"], actor_id=row["actor_id"],
        policy_id=row["policy_id"], bundle_hash="3f" * 32 if is_llm else None, rule_pack_hash="a1" * 32,
        rules_checked=("residency_dubai", "aml_clearance", "budget_cap", "four_eyes"), snapshot_id=3,
        feature_hash="7c" * 32, seed=draw.getrandbits(31), request=request, candidates=candidates,
        expected_cost_usd=None if row["expected_cost_usd"] is None else Decimal(str(row["expected_cost_usd"])),
        baseline_cost_usd=Decimal(str(row["baseline_cost_usd"])),
    )  # fmt: skip


def empty_company(data_dir: Path, tenant: str = "demo") -> TenantPaths:
    """A tenant just made: a lake without a row and without a mart."""
    paths = create_tenant(data_dir, tenant, "ae-dubai")
    create_lake(paths)
    return paths


def create_marts(lake: LakeWriter, marts: dict[str, pl.DataFrame]) -> None:
    """Marts with these rows, typed as the rows are; money as decimals."""
    sql_types: dict[Any, str] = {
        pl.String: "VARCHAR", pl.Int64: "BIGINT", pl.Float64: "DOUBLE", pl.Boolean: "BOOLEAN", pl.Date: "DATE",
        pl.Datetime: "TIMESTAMP WITH TIME ZONE",
    }  # fmt: skip
    for name, frame in marts.items():
        columns = ", ".join(
            f"{column} {'DECIMAL(18,9)' if column.endswith('_usd') else sql_types[kind.base_type()]}"
            for column, kind in frame.schema.items()
        )
        lake.execute(f"CREATE TABLE mart.{name} ({columns})")
        lake.append(name, frame)


def _usage(draw: random.Random) -> list[Row]:
    rows: list[Row] = []
    for back in range(DAYS):
        date = TODAY - dt.timedelta(days=back)
        weekly = 0.45 if date.weekday() in (5, 6) else 1.0
        for index, (assistant_id, *_) in enumerate(ASSISTANTS):
            for provider, llm, operation, usd_a_call, error_rate, unpriced in LLMS:
                calls = int(draw.gauss(90, 20) * weekly / (1 + 0.35 * index) * (1.004 ** (DAYS - back)))
                if calls <= 0:
                    continue
                rate = error_rate * (6 if assistant_id == "laila" else 1)
                errors = sum(draw.random() < rate for _ in range(calls))
                p50 = draw.gauss(900, 120) * (1 if operation == "chat" else 0.1)
                rows.append({
                    "period_date": date, "assistant_id": assistant_id, "provider_name": provider, "model_name": llm,
                    "operation_name": operation, "source": draw.choice(("langfuse", "otlp")),
                    "operation_count": calls, "error_count": errors, "error_share": errors / calls,
                    "input_tokens": calls * 900, "output_tokens": calls * 240,
                    "cache_read_input_tokens": calls * 120,
                    "cost_usd": None if unpriced else round(calls * usd_a_call * draw.gauss(1, 0.1), 6),
                    "unpriced_count": calls if unpriced else 0,
                    "duration_p50_ms": p50, "duration_p95_ms": p50 * 3.1, "duration_p99_ms": p50 * 5.4,
                })  # fmt: skip
    return rows


def _cost_daily(usage: pl.DataFrame) -> pl.DataFrame:
    keys = ["period_date", "assistant_id", "provider_name", "model_name", "cost_source"]
    source = (
        pl.when(pl.col("unpriced_count") > 0).then(pl.lit("unpriced"))
        .when(pl.col("provider_name") == "openai").then(pl.lit("provider"))
        .when(pl.col("source") == "langfuse").then(pl.lit("logged")).otherwise(pl.lit("price_book"))
    )  # fmt: skip
    return (
        usage.with_columns(cost_source=source)
        .group_by(keys)
        .agg(pl.col("cost_usd").sum(), pl.col("operation_count", "unpriced_count").sum())
        .with_columns(cost_usd=pl.when(pl.col("cost_source") != "unpriced").then("cost_usd"))
        .sort(keys)
    )


def _assistants(usage: pl.DataFrame, draw: random.Random) -> pl.DataFrame:
    month = usage.filter(pl.col("period_date") > TODAY - dt.timedelta(days=30))
    rows: list[Row] = []
    for index, (assistant_id, name, role, state) in enumerate(ASSISTANTS):
        own = month.filter(pl.col("assistant_id") == assistant_id)
        rows.append({
            "assistant_id": assistant_id, "assistant_name": name, "role": role,
            "control_level": "full_orchestration", "assistant_state": state, "priority": "high",
            "is_sample": index > 5, "operation_count_30d": own["operation_count"].sum(),
            "cost_usd_30d": own["cost_usd"].sum(),
            "error_share_30d": own["error_count"].sum() / own["operation_count"].sum(),
            "duration_p95_ms_30d": 2_000.0 + 700 * index, "task_count_30d": draw.randint(80, 400),
            "success_share_30d": draw.uniform(0.85, 0.99), "last_seen_at": NOW - dt.timedelta(minutes=13 * index),
        })  # fmt: skip
    return pl.DataFrame(rows)


def _decisions(draw: random.Random) -> list[Row]:
    rows: list[Row] = []
    for number in range(400):
        kind = draw.choice(("route_llm", "route_task"))
        is_abstained = draw.random() < 0.06
        is_overridden = not is_abstained and draw.random() < 0.05
        action = (
            None if is_abstained else draw.choice([a[0] for a in ASSISTANTS] if kind == "route_task" else ANSWERING)
        )
        baseline = draw.uniform(0.004, 0.02)
        rows.append({
            "decision_id": f"dec_{seeded_id(draw)}", "decision_kind": kind,
            "decision_status": "abstained" if is_abstained else "chosen", "action": action,
            "decided_at": NOW - dt.timedelta(minutes=100 * number + draw.randint(0, 90)),
            "actor_id": draw.choice(("assistant:clara", "assistant:nina", "assistant:mary")),
            "task_id": f"task_{number:05}" if kind == "route_task" else None,
            "confidence": draw.uniform(0.35, 0.55) if is_abstained else draw.uniform(0.7, 0.99),
            "policy_id": "cheapest_good_enough" if kind == "route_llm" else "weighted_utility",
            "reason": "No candidate reaches the floor of 0.70." if is_abstained
            else "Good enough at the lowest expected cost.",
            "rules_checked_count": 6, "veto_count": draw.randint(0, 4),
            "expected_cost_usd": None if is_abstained else round(baseline * draw.uniform(0.3, 0.9), 9),
            "baseline_cost_usd": round(baseline, 9),
            "is_success": None if is_abstained or draw.random() < 0.2 else draw.random() < 0.93,
            "quality": None if is_abstained else draw.uniform(0.6, 1.0), "is_overridden": is_overridden,
            "override_action": "human" if is_overridden else None,
            "override_reason": "The client knows her." if is_overridden else None,
            "needs_human": is_abstained and number < 60, "decide_us": draw.randint(120, 900),
        })  # fmt: skip
    return rows


def seeded_id(draw: random.Random) -> str:
    """Sixteen hexadecimal digits."""
    return f"{draw.getrandbits(64):016x}"


def _decisions_daily(decisions: pl.DataFrame) -> pl.DataFrame:
    return (
        decisions.with_columns(period_date=pl.col("decided_at").dt.date())
        .group_by("period_date", "decision_kind")
        .agg(
            decision_count=pl.len().cast(pl.Int64),
            abstained_count=(pl.col("decision_status") == "abstained").sum().cast(pl.Int64),
            overridden_count=pl.col("is_overridden").sum().cast(pl.Int64),
            success_share=pl.col("is_success").mean(),
            expected_cost_usd=pl.col("expected_cost_usd").sum(),
            baseline_cost_usd=pl.col("baseline_cost_usd").filter(pl.col("expected_cost_usd").is_not_null()).sum(),
        )
        .sort("period_date", "decision_kind")
    )


def _batches(draw: random.Random) -> list[Row]:
    rows: list[Row] = []
    for number in range(30):
        total = draw.randint(800, 9_000)
        refused = draw.randint(0, 40) if number % 4 == 0 else 0
        rows.append({
            "batch_id": seeded_id(draw) * 4, "batch_seq": number + 1, "contract": "usage",
            "source": draw.choice(("langfuse", "otlp", "azure")), "source_format": "otlp_json",
            "file_name": f"sample_{number:03}.json", "row_count": total, "good_count": total - refused,
            "quarantined_count": refused, "duplicate_count": 0, "unpriced_count": draw.randint(0, 50),
            "ingested_at": NOW - dt.timedelta(hours=30 - number),
        })  # fmt: skip
    return rows


def _quarantine(draw: random.Random) -> list[Row]:
    cases = (
        ("langfuse", "at_least", "input_tokens"), ("langfuse", "not_before", "occurred_at"),
        ("otlp", "type", "output_tokens"), ("azure", "not_null", "occurred_at"), ("otlp", "unique_key", "usage_id"),
    )  # fmt: skip
    rows = [
        {"source": source, "contract": "usage", "rule": rule, "column_name": column,
         "period_date": TODAY - dt.timedelta(days=back), "row_count": draw.randint(1, 9)}
        for source, rule, column in cases
        for back in range(0, 12, 3)
    ]  # fmt: skip
    return [{**row, "open_count": row["row_count"]} for row in rows]


def _kpis() -> list[Row]:
    values = (
        ("agent_success_rate", "Agent success rate", 0.931, "share", 0.98, "up", False),
        ("ai_operation_error_rate", "AI operation error rate", 0.0161, "share", 0.01, "down", False),
        ("ai_operation_response_p95", "AI operation response, p95", 1_790.0, "ms", 2_000.0, "down", True),
        ("compliance_validation_rate", "Compliance validation rate", 1.0, "share", 1.0, "up", True),
        ("confidence_calibration_error", "Confidence calibration error", 0.031, "share", 0.05, "down", True),
        ("counterfactual_saving", "Counterfactual saving", 0.37, "share", 0.25, "up", True),
        ("cost_per_task", "Cost per task", 0.041, "USD", 0.05, "down", True),
        ("handoff_time", "Time to hand over", None, "ms", 200.0, "down", None),
    )  # fmt: skip
    return [
        {"kpi_id": kpi_id, "kpi_name": name, "period_date": TODAY, "kpi_value": value, "unit": unit, "target": target,
         "direction": direction, "value_low": None if value is None else value * 0.95,
         "value_high": None if value is None else value * 1.05, "sample_count": 0 if value is None else 12_400,
         "is_met": is_met, "snapshot_id": 3}
        for kpi_id, name, value, unit, target, direction, is_met in values
    ]  # fmt: skip


def _append_raw(lake: LakeWriter, draw: random.Random) -> None:
    lake.append("usage", pl.DataFrame([_raw_usage(draw, number) for number in range(240)], infer_schema_length=None))
    lake.append("quarantine", pl.DataFrame([_raw_quarantine(draw, number) for number in range(70)]))


def _raw_usage(draw: random.Random, number: int) -> Row:
    occurred_at = NOW - dt.timedelta(minutes=7 * number)
    return {
        "usage_id": f"otlp:{seeded_id(draw)}", "source": "otlp", "source_format": "otlp_json",
        "occurred_at": occurred_at, "occurred_date": occurred_at.date(), "operation_name": "chat",
        "provider_name": "openai", "request_model": "gpt-4.1-mini", "response_model": "gpt-4.1-mini",
        "assistant_id": "clara", "user_id": f"client-{number % 9}", "input_tokens": 900, "output_tokens": 240,
        "request_count": 1, "duration_ms": draw.randint(300, 4_000), "is_error": False, "cost_usd": 0.0021,
        "cost_source": "price_book", "region": "ae-dubai", "batch_id": "b" * 64, "batch_seq": 1,
        "row_number": number + 1, "ingested_at": NOW,
    }  # fmt: skip


def _raw_quarantine(draw: random.Random, number: int) -> Row:
    return {
        "quarantine_id": seeded_id(draw), "batch_id": "b" * 64, "contract": "usage", "source": "langfuse",
        "source_format": "langfuse_json", "file_name": "export_004.json", "row_number": 17 * number + 3,
        "column_name": "input_tokens", "rule": "at_least",
        "reason": f"input_tokens is -{number + 1}; it must be at least 0. Correct the export and send the row again.",
        "raw_row": json.dumps({"input_tokens": -number - 1, "user_id": "client-3"}), "ingested_at": NOW,
    }  # fmt: skip
