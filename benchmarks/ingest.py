"""How fast rows come in, format by format, beside what DuckDB alone does with the same file in the same run.

Ten million usage rows of twenty columns are made once as NDJSON, CSV and Parquet. Aurora reads, casts, gates,
tells duplicates apart, prices, protects and commits them, and keeps what it refuses with its reason; DuckDB's
COPY only reads and writes. Every other format is measured on a file of its own samples, as large as one document
may be, beside DuckDB's plain parse of that file into a table, columns as it finds them; protobuf, and
a document whose shape DuckDB cannot find out, have none and are reported alone. Each pass is a process of its own, so that its peak memory is its own. `data` is a
folder to make the files in (and leave them there); without it they are temporary: they take 9 GB.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from aurora.ingest.source_formats import source_formats
from aurora.settings import PROJECT_DIR
from benchmarks.harness import Result
from benchmarks.usage_files import FileKind, write_usage_file

FULL_ROWS: Final = 10_000_000
_ROUNDS: Final = 3
_KINDS: Final[tuple[FileKind, ...]] = ("ndjson", "csv", "parquet")
_OTHER_BYTES: Final = 40 * 2**20
_FIRST_ROWS: Final = 200
_MOST_ROWS: Final = 400_000
_COPY_BAR: Final = 0.8
_PARSE_BAR: Final = 0.5


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
        for name in source_formats():
            if not name.startswith("canonical_"):
                results += _measure_other(name, folder, scale=scale)
        return results


def _measure_other(name: str, folder: Path, *, scale: float) -> list[Result]:
    """A format that only its own samples tell of; a table is held to the bar of tables."""
    made = source_formats()[name]
    contract = "usage" if "usage" in made.CONTRACTS else made.CONTRACTS[0]
    first = made.sample(contract=contract, row_count=_FIRST_ROWS, seed=1)
    count = min(_MOST_ROWS, _OTHER_BYTES * _FIRST_ROWS // len(first))
    file = folder / f"{name}.{name.rsplit('_', 1)[-1]}"
    file.write_bytes(
        made.sample(contract=contract, row_count=max(_FIRST_ROWS, round(count * min(1, scale * 10))), seed=1)
    )
    has_parse = file.suffix != ".protobuf"
    pairs = [(_pass("aurora", file, name, contract), _parse(file) if has_parse else None) for _ in range(_ROUNDS)]
    rows_per_s = statistics.median(ours["rows"] / ours["seconds"] for ours, _ in pairs)
    results = [Result(metric=f"ingest_{name}", value=float(rows_per_s), unit="rows/s")]
    ratios = [float(theirs["seconds"] / ours["seconds"]) for ours, theirs in pairs if theirs is not None]
    if ratios:
        bar = _COPY_BAR if file.suffix in (".csv", ".parquet") else _PARSE_BAR
        results.append(Result(metric=f"ratio_{name}", value=statistics.median(ratios), unit="ratio", bar=bar, op=">="))
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
            bar=_COPY_BAR,
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


def _parse(file: Path) -> dict[str, Any] | None:
    """DuckDB's plain parse; None for a file whose shape it cannot find out, such as keys that are all different."""
    try:
        return _pass("parse", file)
    except RuntimeError as error:
        if "Out of Memory" not in str(error):
            raise
        return None


def _pass(kind: str, file: Path, *about: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.ingest_child", kind, str(file), folder, *about],
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"The pass of {kind} failed: {done.stderr}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured
