"""One measured pass over one file in a process of its own, so that its peak memory is that pass's alone.

python -m benchmarks.ingest_child aurora FILE FOLDER    ingest it into a new tenant below FOLDER
python -m benchmarks.ingest_child duckdb FILE FOLDER    DuckDB's own COPY of it to a Parquet file in FOLDER
python -m benchmarks.ingest_child parse FILE FOLDER     DuckDB's plain parse of it into a table, columns as it finds them

A fourth argument names the source format, a fifth the contract; else they are detected.

Prints one JSON object. What a long-lived process pays once (imports, the price book, an open DuckDB) is
not in the seconds, on either side.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import peak_memory_gib
from benchmarks.usage_files import COLUMNS


def _aurora(file: Path, folder: Path, source_format: str | None, contract: str | None) -> dict[str, Any]:
    import pandera.polars  # noqa: F401 - paid here, not in the measured part

    from apps.bootstrap import utc_now
    from aurora.gateway.prices import default_book
    from aurora.ingest.batch import ingest_file
    from aurora.ingest.landing import drop_file
    from aurora.store.lake import create_lake
    from aurora.store.paths import create_tenant

    paths = create_tenant(folder, "bench", "ae-dubai")
    create_lake(paths)
    book = default_book()
    landed = drop_file(paths, file, source="gateway")
    start, start_cpu = time.perf_counter(), time.process_time()
    report = ingest_file(
        paths, landed, source="gateway", clock=utc_now, book=book, source_format=source_format, contract=contract
    )
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - start_cpu,
        "rows": report.rows,
        "good": report.good,
        "quarantined": report.quarantined,
        "duplicates": report.duplicates,
        "unpriced": report.unpriced,
    }


def _duckdb(file: Path, folder: Path) -> dict[str, Any]:
    columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items()) + "}"
    reader = {
        ".ndjson": f"read_json('{file}', format = 'newline_delimited', columns = {columns}, ignore_errors = true)",
        ".csv": f"read_csv('{file}', header = true, columns = {columns}, ignore_errors = true)",
        ".parquet": f"read_parquet('{file}')",
    }[file.suffix]
    return _timed(f"COPY (SELECT * FROM {reader}) TO '{folder / 'copy.parquet'}'", folder)


def _parse(file: Path, folder: Path) -> dict[str, Any]:
    document = max(2**24, file.stat().st_size + 1)
    reader = {
        ".csv": f"read_csv('{file}')",
        ".parquet": f"read_parquet('{file}')",
    }.get(file.suffix, f"read_json('{file}', maximum_object_size = {document})")
    return _timed(f"CREATE TABLE parsed AS SELECT * FROM {reader}", folder)


def _timed(sql: str, folder: Path) -> dict[str, Any]:
    import duckdb

    with duckdb.connect(config={"memory_limit": "6GiB", "temp_directory": str(folder)}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        start, start_cpu = time.perf_counter(), time.process_time()
        row = connection.execute(sql).fetchone()
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "rows": 0 if row is None else int(row[0])}


def main() -> None:
    """Run the pass that the command line names."""
    kind, file, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    source_format, contract = (*sys.argv[4:6], None, None)[:2]
    match kind:
        case "aurora":
            measured = _aurora(file, folder, source_format, contract)
        case "duckdb":
            measured = _duckdb(file, folder)
        case _:
            measured = _parse(file, folder)
    print(json.dumps({**measured, "peak_memory_gib": peak_memory_gib()}))


if __name__ == "__main__":
    main()
