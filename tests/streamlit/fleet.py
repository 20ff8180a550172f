"""A fleet for the pages' tests: marts of its days, scores, states and handoffs, and a poller's word that stays fresh."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from aurora.assistants.live import publish_live
from aurora.packs.loading import load_pack
from aurora.settings import PROJECT_DIR
from aurora.store.fleet import EndpointRow, put_endpoint
from aurora.store.journal import time_text
from aurora.store.lake import LakeWriter, write_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.assistants import AssistantState, Latency
from contracts.messages.commands import LiveAssistant, LiveFleet
from tests.streamlit.company import NOW, TODAY, create_marts

Row = dict[str, Any]
DAYS = 14
PACK = load_pack(PROJECT_DIR / "packs", "real_estate")
NAMES = tuple(one.assistant_id for one in PACK.assistants)
DEGRADED, DOWN, UNSEEN = "mary", "omar", "yusuf"
"""Assistants that are not well: one slow, one that does not answer, one that is not connected."""
KPIS = (
    ("kpi_ecosystem_uptime", "Ecosystem uptime", 0.991, "share", 0.995, "up", False),
    ("kpi_cross_assistant_latency_p95", "Cross-assistant latency, p95", 140.0, "ms", 200.0, "down", True),
    ("kpi_handoff_error_rate", "Handoff error rate", 0.06, "share", 0.01, "down", False),
)


def seed_fleet(paths: TenantPaths, *, seed: int = 5) -> None:
    """Fourteen days of every assistant of the pack, and all but one of them connected."""
    draw = random.Random(seed)
    marts = {
        "assistants_daily": pl.DataFrame(_days(draw), infer_schema_length=None),
        "assistant_scores": pl.DataFrame(_scores(draw), infer_schema_length=None),
        "assistant_states": pl.DataFrame(_states()),
        "assistant_skills_daily": pl.DataFrame(_skills(draw)),
        "assistant_features": pl.DataFrame(_features(draw)),
        "assistant_decisions_daily": pl.DataFrame(
            [{"period_date": TODAY, "assistant_id": "clara", "chosen_count": 20, "override_count": 3}]
        ),
        "assistant_tasks_recent": pl.DataFrame(_tasks()),
        "assistant_commands_recent": pl.DataFrame(_commands(), infer_schema_length=None),
        "handoffs_daily": pl.DataFrame(_handoffs()),
    }

    def work(lake: LakeWriter) -> None:
        create_marts(lake, marts)
        lake.append("kpi_values", pl.DataFrame(_kpis()))

    write_lake(paths, "mart", work, author="tests", message="Seed the fleet")
    with StateStore.open(paths, clock=lambda: NOW) as store:
        for name in NAMES:
            if name != UNSEEN:
                row = EndpointRow(name, f"http://127.0.0.1:1/{name}", None, True, time_text(NOW), "owner")
                store.append([], statements=put_endpoint(row)).result()


@contextmanager
def polled(paths: TenantPaths) -> Iterator[None]:
    """Somebody polls the fleet: its state is published every second until the end."""
    is_over = threading.Event()

    def publish() -> None:
        while True:
            publish_live(paths, live_fleet(dt.datetime.now(dt.UTC)))
            if is_over.wait(1.0):
                return

    publish_live(paths, live_fleet(dt.datetime.now(dt.UTC)))
    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def live_fleet(now: dt.datetime) -> LiveFleet:
    """The fleet as a poller would publish it at `now`."""
    return LiveFleet(
        tenant_id="demo", updated_at=now, round_ms=12.0, assistants=tuple(_live(name, now) for name in NAMES)
    )


def _live(name: str, now: dt.datetime) -> LiveAssistant:
    states: dict[str, AssistantState] = {DEGRADED: "degraded", DOWN: "down"}
    is_seen = name != UNSEEN
    return LiveAssistant(
        assistant_id=name,
        assistant_state=states.get(name, "active"),
        reason="It answers, within its thresholds." if name not in states else "p95 9,000 ms is above 6,000 ms.",
        since=NOW if is_seen else None,
        is_connected=is_seen,
        is_simulated=is_seen,
        last_ping=now if is_seen and name != DOWN else None,
        ping_ms=4.2 if is_seen else None,
        performance_score=91.0 if is_seen else None,
        uptime_share=1.0 if is_seen else None,
        error_share=0.01,
        latency=Latency(p50_ms=800, p95_ms=9_000 if name == DEGRADED else 2_000, p99_ms=9_500),
        open_task_count=3,
        capacity_count=24,
    )


def _days(draw: random.Random) -> Iterator[Row]:
    for back in range(DAYS):
        for name in NAMES:
            tasks = draw.randint(15, 40)
            good = draw.randint(tasks // 2, tasks)
            p50 = draw.uniform(400, 900)
            yield {
                "period_date": TODAY - dt.timedelta(days=back), "assistant_id": name, "task_count": tasks,
                "open_count": 0, "settled_count": tasks, "success_count": good, "success_share": good / tasks,
                "quality_mean": 0.8, "task_p50_ms": 900.0, "task_p95_ms": 4_000.0, "task_p99_ms": 9_000.0,
                "task_cost_usd": 0.2, "operation_count": tasks * 6, "error_count": tasks // 10,
                "error_share": (tasks // 10) / (tasks * 6), "duration_p50_ms": p50, "duration_p95_ms": p50 * 3,
                "duration_p99_ms": p50 * 5, "cost_usd": round(tasks * 0.013, 6), "unpriced_count": 0,
                "conversation_count": 4, "watched_s": 86_400.0, "up_s": 86_000.0, "uptime_share": 86_000 / 86_400,
                "handoff_count": 5, "handoff_error_count": 1, "received_count": 5,
            }  # fmt: skip


def _scores(draw: random.Random) -> Iterator[Row]:
    for window in (7, 30):
        for name in NAMES:
            score = 82.0 if name == "clara" else draw.uniform(60, 80)
            yield {
                "assistant_id": name, "window_days": window, "performance_score": score, "previous_score": score - 3,
                "score_change": 3.0, "response_share": 0.9, "accuracy_share": 0.8, "cost_score_share": 1.0,
                "compliance_share": 0.95, "settled_count": 300, "as_of_date": TODAY,
            }  # fmt: skip


def _states() -> Iterator[Row]:
    for name in NAMES:
        for number, (state, hours) in enumerate((("active", 8), ("down", 1), ("active", 15)), start=1):
            start = dt.datetime.combine(TODAY - dt.timedelta(days=1), dt.time(), dt.UTC)
            yield {
                "period_date": start.date(), "assistant_id": name, "span_number": number, "assistant_state": state,
                "started_at": start + dt.timedelta(hours={1: 0, 2: 8, 3: 9}[number]), "last_report_at": NOW,
                "held_s": hours * 3600.0, "report_count": hours * 4,
            }  # fmt: skip


def _skills(draw: random.Random) -> Iterator[Row]:
    for one in PACK.assistants:
        for skill in one.skills[:3]:
            yield {
                "period_date": TODAY, "assistant_id": one.assistant_id, "task_type": skill, "task_count": 40,
                "settled_count": 40, "success_count": draw.randint(20, 40), "judged_count": 40, "quality_sum": 31.0,
                "timed_count": 40, "duration_sum_ms": 60_000, "priced_count": 40, "cost_usd": 0.5,
                "settled_cost_usd": 0.5, "success_cost_usd": 0.4,
            }  # fmt: skip


def _features(draw: random.Random) -> Iterator[Row]:
    for one in PACK.assistants:
        for skill in one.skills[:3]:
            yield {
                "assistant_id": one.assistant_id, "task_type": skill, "task_count": 40,
                "success_share": draw.uniform(0.5, 1), "duration_p50_ms": 900, "duration_p95_ms": 3_000,
                "cost_usd_mean": 0.0125, "error_share": 0.01, "open_task_count": 1, "as_of_date": TODAY,
            }  # fmt: skip


def _tasks() -> Iterator[Row]:
    for number in range(3):
        yield {
            "task_id": f"t{number}", "assistant_id": "clara", "task_type": "lead_follow_up", "task_state": "completed",
            "priority": "high", "submitted_at": NOW - dt.timedelta(minutes=number), "duration_ms": 1_200,
            "quality": 0.9, "cost_usd": 0.01, "is_success": number != 1, "is_sample": True, "recency": number + 1,
        }  # fmt: skip


def _commands() -> Iterator[Row]:
    yield {
        "command_id": "cmd-old", "assistant_id": "clara", "command_kind": "run_task", "command_state": "completed",
        "actor_id": "nina", "error_type": "", "issued_at": NOW - dt.timedelta(days=1), "duration_ms": 1_100,
        "source": "twin_clara", "is_sample": True, "recency": 1,
    }  # fmt: skip


def _handoffs() -> Iterator[Row]:
    for back in range(DAYS):
        for start, end in (("clara", "mary"), ("clara", "linda"), ("fatima", "yusuf")):
            yield {
                "period_date": TODAY - dt.timedelta(days=back), "from_assistant_id": start, "to_assistant_id": end,
                "handoff_count": 10, "decided_count": 10, "handoff_error_count": 1, "breach_count": 1,
                "latency_p50_ms": 40, "latency_p95_ms": 150, "latency_p99_ms": 190,
            }  # fmt: skip


def _kpis() -> Iterator[Row]:
    for kpi_id, name, value, unit, target, direction, is_met in KPIS:
        for back in range(DAYS):
            yield {
                "kpi_id": kpi_id, "kpi_name": name, "period_date": TODAY - dt.timedelta(days=back), "kpi_value": value,
                "unit": unit, "target": target, "direction": direction, "value_low": value * 0.9,
                "value_high": value * 1.1, "sample_count": 400, "is_met": is_met, "snapshot_id": 3,
            }  # fmt: skip
