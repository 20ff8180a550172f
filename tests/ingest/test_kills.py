"""Killed at any moment and run again: the lake is the one of a clean run, to the last row."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from benchmarks.campaigns.ingest_kills import (
    fill_landing,
    finish,
    kill_until_done,
    lake_hash,
    orphan_rows,
    start,
)

KILLS = 12


@pytest.fixture(scope="module")
def clean(template: Path, tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """A lake that took the files in one run."""
    folder = tmp_path_factory.mktemp("clean") / "data"
    shutil.copytree(template, folder)
    paths = TenantPaths(folder, "demo", "ae-dubai")
    fill_landing(paths, file_count=6, rows_per_file=1500, seed=5)
    finish(start(paths))
    return paths


@pytest.fixture
def dropped(clean: TenantPaths, paths: TenantPaths) -> TenantPaths:
    """An empty lake with the same files dropped."""
    shutil.copytree(clean.landing, paths.landing, dirs_exist_ok=True)
    return paths


def test_kills_at_any_moment_leave_the_lake_of_one_clean_run(clean: TenantPaths, dropped: TenantPaths):
    kills = kill_until_done(dropped, draw=random.Random(3), kills=KILLS)
    assert kills == KILLS
    assert lake_hash(dropped) == lake_hash(clean)
    assert orphan_rows(dropped) == 0


def test_two_processes_at_once_bring_nothing_in_twice(clean: TenantPaths, dropped: TenantPaths):
    finish(start(dropped), start(dropped))
    with read_lake(dropped) as lake:
        counts = lake.query("SELECT count(*) AS n, count(DISTINCT usage_id) AS ids FROM raw.usage").rows()
        batches = lake.query("SELECT count(*) AS n, count(DISTINCT batch_id) AS ids FROM raw.ingest_batch").rows()
    assert counts[0][0] == counts[0][1]
    assert batches == [(6, 6)]
    assert lake_hash(dropped, ignoring={"batch_seq"}) == lake_hash(clean, ignoring={"batch_seq"})


def test_the_files_to_ingest_hold_faults_duplicates_and_conflicts(clean: TenantPaths):
    with read_lake(clean) as lake:
        (sums,) = lake.query(
            "SELECT sum(good_count) > 0 AS good, sum(quarantined_count) > 0 AS bad, sum(duplicate_count) > 0 AS twice,"
            " sum(row_count) = sum(good_count + quarantined_count + duplicate_count) AS adds_up FROM raw.ingest_batch"
        ).to_dicts()
        rules = set(lake.query("SELECT DISTINCT rule FROM raw.quarantine")["rule"])
    assert all(sums.values()), json.dumps(sums)
    assert {"unique_key", "at_least", "json"} <= rules
