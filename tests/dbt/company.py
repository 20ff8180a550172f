"""A small company whose exports and journal the clock's tests build marts from. Seeded; all rows believable.

Rows go through the real doors: exports through ingest, journal rows by the store's own writer.
"""

import datetime as dt
import json
import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from aurora.ingest.batch import ingest_landing
from aurora.store.lake import create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts import registry

NOW = dt.datetime(2026, 9, 20, 6, tzinfo=dt.UTC)
FIRST_DAY = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
DAYS = 8
ASSISTANTS = ("clara", "rashid", "omar", None)
LLMS = (("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4"), (None, "house-model"))
ONE_RUN_COLUMNS = frozenset({"snapshot_id"})
"""Say which run made a row, not what is true: a full rebuild says something else by right."""

Row = dict[str, Any]


def make_tenant(folder: Path) -> TenantPaths:
    """An empty tenant."""
    paths = create_tenant(folder, "demo", "ae-dubai")
    create_lake(paths)
    return paths


def usage_rows(*, count: int, seed: int) -> list[Row]:
    """AI operations over `DAYS` days: some fail, some have no price, no duration or no assistant."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        provider, model = draw.choice(LLMS)
        rows.append(
            {
                "usage_id": f"u{seed}-{number:06d}",
                "occurred_at": _moment(draw),
                "operation_name": draw.choice(("chat", "embeddings")),
                "provider_name": provider,
                "request_model": model,
                "assistant_id": draw.choice(ASSISTANTS),
                "input_tokens": draw.randrange(50, 4_000),
                "output_tokens": draw.choice((None, draw.randrange(1, 900))),
                "request_count": draw.choice((1, 1, 1, 5)),
                "duration_ms": draw.choice((None, draw.randrange(80, 6_000))),
                "is_error": draw.random() < 0.05,
                "reported_cost_usd": None if model == "house-model" else f"0.{draw.randrange(1, 10**6):09d}",
            }
        )
    return rows


def task_rows(*, count: int, seed: int) -> list[Row]:
    """Tasks of the fleet, settled and open."""
    draw = random.Random(seed)
    return [
        {
            "task_id": f"t{seed}-{number:06d}",
            "assistant_id": draw.choice(ASSISTANTS),
            "task_type": draw.choice(("viewing.schedule", "contract.draft")),
            "task_state": draw.choice(("completed", "completed", "completed", "failed", "working", "canceled")),
            "priority": "medium",
            "submitted_at": _moment(draw),
            "duration_ms": draw.choice((None, draw.randrange(1_000, 90_000))),
            "cost_usd": draw.choice((None, f"0.{draw.randrange(1, 10**6):09d}")),
        }
        for number in range(count)
    ]


def platform_rows(*, count: int, seed: int) -> list[Row]:
    """AI operations as the Auterity platform logs them: its own table, its own words."""
    draw = random.Random(seed)
    return [
        {
            "id": f"{seed:08d}-0000-4000-8000-{number:012d}",
            "user_id": f"00000000-0000-4000-8000-{draw.randrange(9):012d}",
            "model_name": "gpt-4o",
            "provider": "openai",
            "operation_type": draw.choice(("chat", "workflow_draft")),
            "input_tokens": draw.randrange(50, 4_000),
            "cost_usd": draw.choice((None, "0.012500")),
            "processing_time_ms": draw.randrange(80, 6_000),
            "created_at": _moment(draw),
        }
        for number in range(count)
    ]


def moved_on(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """Newer states of tasks: other words, other figures, for some another day or assistant."""
    draw = random.Random(seed)
    return [
        row
        | {
            "task_state": draw.choice(("completed", "failed", "working")),
            "assistant_id": draw.choice(ASSISTANTS),
            "submitted_at": draw.choice((row["submitted_at"], _moment(draw))),
            "duration_ms": draw.randrange(1_000, 90_000),
            "updated_at": NOW.isoformat(),
        }
        for row in rows
    ]


def wrong_rows(*, count: int, seed: int) -> list[Row]:
    """Rows that the gate refuses."""
    return [
        row | {"usage_id": f"bad-{row['usage_id']}", "input_tokens": -1} for row in usage_rows(count=count, seed=seed)
    ]


def drop(paths: TenantPaths, name: str, rows: Iterable[Row], *, source: str = "exports") -> Path:
    """A file in the landing folder."""
    file = paths.landing / source / f"{name}.ndjson"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def ingest(paths: TenantPaths) -> None:
    """What was dropped, into the lake."""
    ingest_landing(paths, clock=lambda: NOW)


def journal_rows(*, count: int, seed: int) -> list[tuple[str, Row]]:
    """Decisions, each followed sooner or later by outcomes and overrides, in the journal's order."""
    draw = random.Random(seed)
    records: list[tuple[float, str, Row]] = []
    for number in range(count):
        decision = _decision(number, draw)
        records.append((number, "decision", decision))
        about = {"decision_id": decision["decision_id"], "occurred_at": decision["decided_at"], "region": "ae-dubai"}
        for nth in range(draw.choice((0, 1, 1, 2))):
            outcome = {
                "outcome_id": f"o{number}-{nth}",
                "actor_id": "clara",
                "is_success": draw.random() < 0.8,
                **about,
            }
            records.append((number + draw.uniform(0.1, 30), "outcome", outcome))
        if draw.random() < 0.3:
            change = {
                "override_id": f"v{number}",
                "actor_id": "owner",
                "override_action": "human",
                "reason": "no",
                **about,
            }
            records.append((number + draw.uniform(0.1, 30), "override", change))
    ordered = sorted(records, key=lambda record: record[0])
    return [(table, row | {"journal_seq": seq}) for seq, (_, table, row) in enumerate(ordered, start=1)]


def journal(paths: TenantPaths, records: Sequence[tuple[str, Row]]) -> None:
    """Journal rows into the lake, as copying the journal leaves them."""

    def work(lake: Any) -> None:
        for table in ("decision", "outcome", "override"):
            rows = [row for name, row in records if name == table]
            if rows:
                lake.append(
                    table, pl.DataFrame(rows, schema_overrides=_kinds(table, rows[0]), infer_schema_length=None)
                )

    write_lake(paths, "raw", work, author="tests", message="Journal rows")


def marts(paths: TenantPaths) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every mart, sorted; without the columns that name the run."""
    with read_lake(paths) as lake:
        frames = {name: lake.query(f"SELECT * FROM mart.{name}") for name in lake.table_names("mart")}
    return {
        name: sorted(frame.drop([c for c in frame.columns if c in ONE_RUN_COLUMNS]).rows(), key=repr)
        for name, frame in frames.items()
    }


def _kinds(table: str, row: Row) -> dict[str, Any]:
    return {name: kind for name, kind in registry.polars_schema(registry.table(table)).items() if name in row}


def _moment(draw: random.Random) -> str:
    return (FIRST_DAY + dt.timedelta(seconds=draw.randrange(86_400 * DAYS))).isoformat().replace("+00:00", "Z")


def _decision(number: int, draw: random.Random) -> Row:
    is_chosen = draw.random() < 0.85
    cost = Decimal(draw.randrange(1, 900)) / 100_000
    return {
        "decision_id": f"d{number:05d}",
        "decision_kind": draw.choice(("route_llm", "route_task")),
        "decision_status": "chosen" if is_chosen else "abstained",
        "action": "gpt-4o" if is_chosen else None,
        "decided_at": FIRST_DAY + dt.timedelta(hours=number * 24 * DAYS / 60, seconds=draw.randrange(3_000)),
        "actor_id": "clara",
        "confidence": round(draw.uniform(0.5, 0.99), 4),
        "policy_id": "cheapest_adequate",
        "rule_pack_hash": "a1" * 32,
        "rules_checked_count": draw.choice((0, 3, 3, 3)),
        "seed": number,
        "candidates": '[{"vetoes":[{"rule_id":"residency"}]},{"vetoes":[]}]',
        "context": "{}",
        "reason": "cheapest that is good enough",
        "expected_cost_usd": cost if is_chosen else None,
        "baseline_cost_usd": cost * 2,
        "decide_us": draw.randrange(150, 900),
        "receipt_hash": f"{number:064x}",
        "region": "ae-dubai",
    }
