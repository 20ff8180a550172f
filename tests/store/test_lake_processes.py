"""The lake among processes: readers beside a writer, writers beside each other, writers that are killed."""

import datetime as dt
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from aurora.store.lake import read_lake, write_lake
from aurora.store.maintenance import maintain
from aurora.store.paths import TenantPaths

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("lake_worker.py")


def start(kind: str, paths: TenantPaths, *numbers: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), kind, str(paths.data_dir), *map(str, numbers)]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def offsets(paths: TenantPaths) -> pl.Series:
    with read_lake(paths) as lake:
        return lake.query("SELECT journal_seq FROM raw.journal_offset ORDER BY 1")["journal_seq"]


def test_processes_read_whole_transactions_while_one_writes(paths):
    finish(start("write", paths, 0, 30), *[start("read", paths, 30) for _ in range(3)])
    assert offsets(paths).to_list() == list(range(60))


def test_four_writing_processes_lose_nothing(paths):
    finish(*[start("write", paths, 100 * n, 15) for n in range(4)])
    expected = [row for n in range(4) for row in range(200 * n, 200 * n + 30)]
    assert offsets(paths).to_list() == expected


def kill_in_mid_transaction(paths: TenantPaths) -> None:
    process = start("hang", paths)
    assert process.stdout is not None
    assert process.stdout.readline() == "appended\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def test_a_killed_writer_leaves_a_readable_lake_without_its_rows(paths):
    finish(start("write", paths, 0, 1))
    kill_in_mid_transaction(paths)
    assert offsets(paths).to_list() == [0, 1]
    assert len(list(paths.files("raw").rglob("*.parquet"))) == 2, "the killed writer's file is an orphan"
    maintain(paths, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    assert len(list(paths.files("raw").rglob("*.parquet"))) == 1
    finish(start("write", paths, 1, 1))
    assert offsets(paths).to_list() == [0, 1, 2, 3]


def test_writers_killed_at_any_moment_leave_whole_transactions(paths):
    moments = random.Random(7)
    for attempt in range(5):
        process = start("write", paths, 1000 * attempt, 1000)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.8 + moments.random())
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        seen = offsets(paths)
        assert seen.len() % 2 == 0
        assert seen.n_unique() == seen.len()
    rows = pl.DataFrame({"journal_seq": [10**6], "row_count": [1], "ingested_at": ["2026-01-01T00:00:00Z"]})
    write_lake(paths, "raw", lambda lake: lake.append("journal_offset", rows), author="t", message="m")
    assert offsets(paths).max() == 10**6
