"""Assistants by day: uptime, handoffs and scores from exports, the same however the rows came in."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import run_dbt
from tests.dbt import company

Row = dict[str, Any]
FLEET = ["+assistant_scores", "+assistant_states", "+fleet_daily", "+handoffs_daily",
         "+assistant_tasks_recent", "+assistant_commands_recent"]  # fmt: skip
DAYS = 3
STEP = dt.timedelta(minutes=15)


def status_rows() -> list[Row]:
    """Reports each quarter of an hour: Rashid is down from 06:00 to 12:00 of the second day."""
    rows = []
    for name in ("clara", "rashid"):
        for number in range(DAYS * 96):
            at = company.FIRST_DAY + number * STEP
            is_down = name == "rashid" and at.day == 2 and 6 <= at.hour < 12
            rows.append({
                "assistant_id": name, "assistant_state": "down" if is_down else "active", "uptime_share": 1.0,
                "updated_at": at.isoformat().replace("+00:00", "Z"),
            })  # fmt: skip
    return rows


def handoff_rows(*, count: int, seed: int) -> list[Row]:
    """Offered and, in a later row, accepted after 100 ms; every tenth is refused, over an edge that is not there."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        at = company.FIRST_DAY + dt.timedelta(seconds=draw.randrange(86_400 * DAYS))
        offered = {
            "handoff_id": f"h{number}", "from_assistant_id": "clara", "to_assistant_id": "rashid",
            "handoff_state": "offered", "requested_at": _text(at), "updated_at": _text(at),
        }  # fmt: skip
        later = {"updated_at": _text(at + dt.timedelta(seconds=1))}
        if number % 10:
            accepted = _text(at + dt.timedelta(milliseconds=100))
            later |= {"handoff_state": "completed", "accepted_at": accepted, "is_edge_allowed": True}
        else:
            later |= {"handoff_state": "refused", "is_edge_allowed": False}
        rows += [offered, offered | later]
    return rows


def _text(at: dt.datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """Three days, built in two portions: the second brings late rows of every day and the fate of handoffs."""
    paths = company.make_tenant(tmp_path_factory.mktemp("fleet"))
    states, handoffs = status_rows(), handoff_rows(count=50, seed=3)
    tasks = company.task_rows(count=80, seed=3)
    for portion in range(2):
        company.drop(paths, f"assistant_status-{portion}", states[portion::2])
        company.drop(paths, f"handoff-{portion}", handoffs[portion::2])
        company.drop(paths, f"tasks-{portion}", tasks[portion::2])
        company.ingest(paths)
        run_dbt(paths, ("run" if portion == 0 else "build",), select=FLEET)
    return paths


def rows_of(paths: TenantPaths, table: str) -> list[Row]:
    with read_lake(paths) as lake:
        return lake.query(f"SELECT * FROM mart.{table} ORDER BY ALL").to_dicts()


def test_six_hours_down_are_a_quarter_of_the_day(fleet: TenantPaths):
    shares = {
        (row["period_date"].day, row["assistant_id"]): row["uptime_share"] for row in rows_of(fleet, "assistants_daily")
    }
    assert shares[2, "rashid"] == 0.75
    assert shares[2, "clara"] == shares[1, "rashid"] == 1.0
    days = rows_of(fleet, "fleet_daily")
    ecosystem = {row["period_date"].day: row["all_up_s"] / row["watched_s"] for row in days if row["watched_s"]}
    assert ecosystem[1] == ecosystem[3] == 1.0
    assert ecosystem[2] == pytest.approx(0.75, abs=0.01)


def test_states_are_told_as_spans(fleet: TenantPaths):
    spans = [
        row
        for row in rows_of(fleet, "assistant_states")
        if row["assistant_id"] == "rashid" and row["period_date"].day == 2
    ]
    assert [(row["assistant_state"], row["held_s"]) for row in spans] == [
        ("active", 6 * 3600), ("down", 6 * 3600), ("active", 12 * 3600),
    ]  # fmt: skip


def test_handoffs_count_in_their_newest_state(fleet: TenantPaths):
    days = rows_of(fleet, "handoffs_daily")
    assert sum(row["handoff_count"] for row in days) == sum(row["decided_count"] for row in days) == 50
    assert sum(row["handoff_error_count"] for row in days) == sum(row["breach_count"] for row in days) == 5
    assert {row["latency_p95_ms"] for row in days} == {100}
    assert {row["handoff_p95_ms"] for row in rows_of(fleet, "fleet_daily") if row["timed_handoff_count"]} == {100}


def test_a_score_is_made_of_what_is_known(fleet: TenantPaths):
    scores = {(row["assistant_id"], row["window_days"]): row for row in rows_of(fleet, "assistant_scores")}
    clara = scores["clara", 30]
    assert 0 <= clara["performance_score"] <= 100
    assert clara["compliance_share"] == 0.9
    assert scores["omar", 30]["compliance_share"] is None
    for row in scores.values():
        known = {"response_share": 0.25, "accuracy_share": 0.4, "cost_score_share": 0.15, "compliance_share": 0.2}
        known = {name: weight for name, weight in known.items() if row[name] is not None}
        worth = sum(row[name] * weight for name, weight in known.items()) / sum(known.values())
        assert row["performance_score"] == pytest.approx(100 * worth, abs=0.001)


def test_portions_with_late_rows_give_what_one_build_gives(fleet: TenantPaths):
    step_by_step = company.marts(fleet)
    run_dbt(fleet, ("run",), select=FLEET, full_refresh=True)
    at_once = company.marts(fleet)
    for name, rows in at_once.items():
        assert step_by_step[name] == rows, name
