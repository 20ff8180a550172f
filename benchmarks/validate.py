"""What the gate costs: a contract's checks beside a hand-written polars pass of the same, and a split beside a copy.

Ten million usage rows of fifteen columns with twelve checks, as Parquet: once with a few bad rows, where the
gate has to look at everything and say almost nothing, and once with three bad in a hundred, where the good
rows are written to a new file and the others explained row by row. Beside the split stands the faster of two
plain copies, Parquet to Parquet, by polars and by DuckDB. Each pass is a process of its own. `data` is a folder
to make the files in (and leave them there); without it they are temporary: they take 1.5 GB.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aurora.settings import PROJECT_DIR
from benchmarks.harness import Result
from benchmarks.validate_child import CHECK_COUNT, COLUMN_COUNT, write_rows

FULL_ROWS: Final = 10_000_000
_ROUNDS: Final = 5
_FEW: Final = 10_000
_MANY: Final = 33


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Ratios pair by pair, the seconds they come from, and the gate's peak memory."""
    row_count = max(100_000, round(FULL_ROWS * scale))
    with tempfile.TemporaryDirectory() as temporary:
        folder = data or Path(temporary)
        few = folder / f"checked-{row_count}.parquet"
        many = folder / f"split-{row_count}.parquet"
        for file, one_in in ((few, _FEW), (many, _MANY)):
            if not file.exists():
                write_rows(file, row_count=row_count, bad_one_in=one_in)
        results = [
            Result(metric="rows", value=row_count, unit="rows"),
            Result(metric="columns", value=COLUMN_COUNT, unit="count"),
            Result(metric="checks", value=CHECK_COUNT, unit="count"),
        ]
        return results + _checked(few) + _split(many)


def _checked(file: Path) -> list[Result]:
    rounds = [{kind: _pass(kind, file) for kind in ("gate", "hand")} for _ in range(_ROUNDS)]
    for one in rounds:
        assert one["gate"]["bad"] == one["hand"]["bad"] > 0
    return [
        Result(metric="gate", value=_median(rounds, "gate"), unit="s"),
        Result(metric="hand_written_pass", value=_median(rounds, "hand"), unit="s"),
        Result(metric="gate_ratio", value=_ratio(rounds, "gate", ("hand",)), unit="ratio", bar=1.6, op="<="),
        Result(metric="gate_peak_memory", value=_peak(rounds, "gate"), unit="GiB", bar=1.0, op="<="),
        Result(metric="gate_bad_rows", value=rounds[0]["gate"]["bad"], unit="rows"),
    ]


def _split(file: Path) -> list[Result]:
    copies = ("polars_copy", "duckdb_copy")
    rounds = [{kind: _pass(kind, file) for kind in ("split", *copies)} for _ in range(_ROUNDS)]
    for one in rounds:
        assert one["split"]["rows"] == one["split"]["good"] + one["split"]["bad"]
    return [
        Result(metric="split", value=_median(rounds, "split"), unit="s"),
        *(Result(metric=copy, value=_median(rounds, copy), unit="s") for copy in copies),
        Result(metric="split_ratio", value=_ratio(rounds, "split", copies), unit="ratio", bar=1.8, op="<="),
        Result(metric="split_peak_memory", value=_peak(rounds, "split"), unit="GiB", bar=1.0, op="<="),
        Result(metric="split_bad_rows", value=rounds[0]["split"]["bad"], unit="rows"),
    ]


Round = Mapping[str, Mapping[str, Any]]


def _median(rounds: Sequence[Round], kind: str) -> float:
    return statistics.median(float(one[kind]["seconds"]) for one in rounds)


def _ratio(rounds: Sequence[Round], ours: str, theirs: tuple[str, ...]) -> float:
    """Of each round, against the faster of the others in it."""
    ratios = [float(one[ours]["seconds"]) / min(float(one[kind]["seconds"]) for kind in theirs) for one in rounds]
    return statistics.median(ratios)


def _peak(rounds: Sequence[Round], kind: str) -> float:
    return max(float(one[kind]["peak_memory_gib"]) for one in rounds)


def _pass(kind: str, file: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.validate_child", kind, str(file), folder],
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"The pass of {kind} failed: {done.stderr}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured
