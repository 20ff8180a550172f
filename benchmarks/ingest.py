"""How fast rows come in: Aurora's ingest beside DuckDB's own COPY of the same file to Parquet, in one run.

Ten million usage rows of twenty columns, as NDJSON and as CSV, are made once. Aurora reads, casts, gates,
tells duplicates apart, prices and commits them, and keeps what it refuses with its reason; DuckDB only reads
and writes. Each pass is a process of its own, so that its peak memory is its own. `data` is a folder to make
the files in (and leave them there); without it they are temporary: they take 8 GB.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from aurora.settings import PROJECT_DIR
from benchmarks.harness import Result
from benchmarks.usage_files import FileKind, write_usage_file

FULL_ROWS: Final = 10_000_000
_ROUNDS: Final = 3
_KINDS: Final[tuple[FileKind, ...]] = ("ndjson", "csv")


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Rows a second of both, their ratio pair by pair (A B A B), and ingest's peak memory."""
    row_count = max(1000, round(FULL_ROWS * scale))
    with tempfile.TemporaryDirectory() as temporary:
        folder = data or Path(temporary)
        results = [Result(metric="rows", value=row_count, unit="rows")]
        for kind in _KINDS:
            file = folder / f"usage-{row_count}.{kind}"
            if not file.exists():
                write_usage_file(file, kind, row_count=row_count)
            results += _measure(kind, file, row_count)
        return results


def _measure(kind: FileKind, file: Path, row_count: int) -> list[Result]:
    pairs = [(_pass("aurora", file), _pass("duckdb", file)) for _ in range(_ROUNDS)]
    for ours, _ in pairs:
        assert ours["rows"] == row_count == ours["good"] + ours["quarantined"] + ours["duplicates"]

    def median(values: list[float]) -> float:
        return statistics.median(values)

    ours_per_s = median([row_count / ours["seconds"] for ours, _ in pairs])
    theirs_per_s = median([row_count / theirs["seconds"] for _, theirs in pairs])
    return [
        Result(metric=f"ingest_{kind}", value=ours_per_s, unit="rows/s"),
        Result(metric=f"duckdb_copy_{kind}", value=theirs_per_s, unit="rows/s"),
        Result(
            metric=f"ratio_{kind}",
            value=median([theirs["seconds"] / ours["seconds"] for ours, theirs in pairs]),
            unit="ratio",
            bar=0.8,
            op=">=",
        ),
        Result(
            metric=f"cpu_ratio_{kind}",
            value=median([theirs["cpu_seconds"] / ours["cpu_seconds"] for ours, theirs in pairs]),
            unit="ratio",
        ),
        Result(
            metric=f"peak_memory_{kind}",
            value=max(ours["peak_memory_gib"] for ours, _ in pairs),
            unit="GiB",
            bar=4.0,
            op="<=",
        ),
        Result(metric=f"quarantined_{kind}", value=pairs[0][0]["quarantined"], unit="rows"),
        Result(metric=f"duplicates_{kind}", value=pairs[0][0]["duplicates"], unit="rows"),
    ]


def _pass(kind: str, file: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.ingest_child", kind, str(file), folder],
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"The pass of {kind} failed: {done.stderr}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured
