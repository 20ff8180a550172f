"""A history of the twin for the bench of alerts: made, built, its rounds run again, its pages judged by its truth."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from aurora.alerts.rules import load_alert_rules
from aurora.errors import AuroraError
from aurora.packs import load_pack
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state_schema import migrate
from benchmarks.campaigns.alert_rounds import Replayed, marts_of, replay
from benchmarks.campaigns.alert_truth import Judged, incidents, judge
from benchmarks.campaigns.alert_world import world
from twin.history import PACK, twin_frame, write_history
from twin.truth import read_manifest, read_truth

DAYS: Final = 90
UNTIL: Final = dt.date(2026, 11, 26)
TRUTH: Final = ("outages", "llm_prices", "billing_errors", "tasks")
_TASKS: Final = "SELECT task_id, assistant_id, is_success, submitted_at, completed_at FROM raw.task"


def twin_history(folder: Path, *, seed: int, scale: float, days: int = DAYS) -> TenantPaths:
    """A tenant below `folder` with the history of that seed in its lake, marts built."""
    settings = Settings(data_dir=folder / "data", tenant="bench", shared_data_dir=folder / "no-real-data")
    paths = create_tenant(settings.data_dir, settings.tenant, settings.region)
    migrate(paths.state)
    create_lake(paths)
    frame = twin_frame(settings, paths, until=UNTIL, days=days, seed=seed, scale=scale)
    write_history(paths, frame)
    environment = os.environ | {
        "AURORA_DATA_DIR": str(settings.data_dir),
        "AURORA_SHARED_DATA_DIR": str(settings.shared_data_dir),
        "AURORA_TENANT": settings.tenant,
    }
    build = [sys.executable, "-m", "orchestration", "build"]
    done = subprocess.run(build, cwd=PROJECT_DIR, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise AuroraError(
            f"The build ended with {done.returncode}.", next_step="Its messages stand above; mend what they name."
        )
    return paths


def measured_twin(paths: TenantPaths, folder: Path, *, seed: int, days: int) -> tuple[Judged, Replayed]:
    """Every round of a built history, in a tenant of its own below `folder`, and its pages by the history's truth."""
    marts, early = marts_of(paths)
    with read_lake(paths) as lake:
        tasks = lake.query(_TASKS)
    truth = {name: read_truth(paths, name) for name in TRUTH}
    first = dt.date.fromisoformat(read_manifest(paths)["first_day"])
    return judged_rounds(
        folder / "rounds", tasks, truth, marts, first=first, days=days, seed=seed, known_later_count=early
    )


def judged_rounds(
    folder: Path,
    tasks: pl.DataFrame,
    truth: Mapping[str, pl.DataFrame],
    marts: Mapping[str, pl.DataFrame],
    *,
    first: dt.date,
    days: int,
    seed: int,
    known_later_count: int = 0,
) -> tuple[Judged, Replayed]:
    """Rounds over a fleet's tasks as exported and the marts there are, and its pages by the truth's tables `TRUTH`."""
    settings = Settings()
    fleet = tuple(one for one in load_pack(settings.packs_dir, PACK).assistants if one.capacity_count)
    lived = world(fleet, tasks, _numbered(truth["outages"]), first=first, days=days, seed=seed)
    rounds = replay(folder, settings, lived, marts, known_later_count=known_later_count)
    known = truth["tasks"].select("task_id", "success_probability").join(tasks, on="task_id")
    happened = incidents({**truth, "tasks": known}, min_success_share=_objective(settings))
    subjects = {one.assistant_id for one in fleet} | _llms(marts)
    pages = [one for one in rounds.alerts if one.tier == "page"]
    return judge(pages, happened, subjects=subjects, days=days), rounds


def _numbered(outages: pl.DataFrame) -> pl.DataFrame:
    return outages.with_columns(
        pl.col("begins_at").dt.timestamp("us").alias("begins_us"), pl.col("ends_at").dt.timestamp("us").alias("ends_us")
    )


def _objective(settings: Settings) -> float:
    rules = {rule.rule_id: rule for rule in load_alert_rules(settings.packs_dir, settings.pack)}
    return rules["success_slo"].parameters["min_success_share"]


def _llms(marts: Mapping[str, pl.DataFrame]) -> set[str]:
    usage = marts.get("usage_daily")
    if usage is None:
        return set()
    named = usage.select(pl.format("{}:{}", "provider_name", "model_name").alias("name")).drop_nulls()
    return set(named["name"])
