"""One measured pass over one Parquet file in a process of its own, so that its peak memory is that pass's alone.

python -m benchmarks.validate_child KIND FILE FOLDER

`gate` finds and explains the bad rows, `hand` counts them with polars expressions written out by hand,
`split` writes the good rows to FOLDER and explains the others, `polars_copy` and `duckdb_copy` only copy.
Prints one JSON object. Imports are paid before the clock starts, on either side.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.harness import peak_memory_gib

COLUMNS: Final = {
    "usage_id": "md5(i::VARCHAR)",
    "occurred_at": "make_timestamptz((CASE WHEN fault = 0 THEN 1700000000 ELSE 1788220800000000 + h % 2592000000000 END)::BIGINT)",
    "operation_name": "CASE WHEN fault = 1 THEN NULL WHEN fault = 2 THEN 'chitchat' ELSE 'chat' END",
    "provider_name": "['openai', 'anthropic', 'mistral_ai'][1 + (h % 3)::INT]",
    "request_model": "['gpt-4o', 'gpt-4.1', 'falcon-arabic-7b'][1 + (g % 3)::INT]",
    "conversation_id": "'conversation-' || (i // 6)",
    "input_tokens": "(CASE WHEN fault = 3 THEN -5 ELSE 50 + g % 6000 END)::BIGINT",
    "output_tokens": "(20 + h % 900)::BIGINT",
    "cache_read_input_tokens": "(CASE WHEN h % 3 = 0 THEN g % 400 ELSE 0 END)::BIGINT",
    "cache_creation_input_tokens": "(g % 40)::BIGINT",
    "reasoning_output_tokens": "CASE WHEN h % 5 = 0 THEN (h % 300)::BIGINT END",
    "request_count": "(CASE WHEN fault = 4 THEN 0 ELSE 1 END)::BIGINT",
    "duration_ms": "(200 + g % 20000)::BIGINT",
    "reported_cost_usd": "CASE WHEN h % 4 = 0 THEN ((50 + g % 6000) * 0.0000025)::DECIMAL(18, 9) END",
    "region": "CASE WHEN fault = 5 THEN 'Not A Region' ELSE 'ae-dubai' END",
}
"""The file's columns, of the contract `usage`, and how each is made."""
COLUMN_COUNT: Final = len(COLUMNS)
CHECK_COUNT: Final = 12
"""Checks of values in these columns; that five of them must not be null comes on top."""


def write_rows(file: Path, *, row_count: int, bad_one_in: int) -> None:
    """Write `row_count` rows, one bad in `bad_one_in`, in one of six ways."""
    import duckdb

    columns = ", ".join(f"{sql} AS {name}" for name, sql in COLUMNS.items())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"""
            COPY (
                WITH drawn AS (
                    SELECT i, hash(i) AS h, hash(i + 1000000007) AS g,
                        CASE WHEN i % {bad_one_in} = 7 THEN (i // {bad_one_in}) % 6 END AS fault
                    FROM range({row_count}) AS r(i)
                )
                SELECT {columns} FROM drawn
            ) TO '{file}' (FORMAT parquet, COMPRESSION lz4_raw)
            """
        )


def _gate(file: Path, _: Path) -> dict[str, Any]:
    from aurora.ingest.sifting import file_refusals

    return _counts(file_refusals(file, _contract()))


def _split(file: Path, folder: Path) -> dict[str, Any]:
    import polars as pl

    from aurora.ingest.sifting import sift_file

    good = folder / "good.parquet"
    sifted = sift_file(file, _contract(), good=good)
    return {**_counts(sifted), "good": pl.scan_parquet(good).select(pl.len()).collect().item()}


def _contract() -> Any:
    """The contract of exactly these columns: `usage`, as far as the file goes."""
    from dataclasses import replace

    from contracts import registry

    usage = registry.table("usage")
    known = tuple(name for name in usage.columns if name in COLUMNS)
    return replace(usage, columns=known, optional=usage.optional & set(known))


def _counts(sifted: Any) -> dict[str, Any]:
    return {"rows": sifted.row_count, "bad": sifted.refused["row_number"].n_unique()}


def _hand(file: Path, _: Path) -> dict[str, Any]:
    """What one writes who knows this file and polars, and wants the failing rows of each check."""
    import datetime as dt

    import polars as pl

    operations = [
        *("chat", "generate_content", "text_completion", "embeddings", "retrieval", "create_agent", "invoke_agent"),
        *("execute_tool", "invoke_workflow", "image_generation", "speech", "transcription", "moderation", "rerank"),
    ]
    at_least_0 = (
        *("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
        *("reasoning_output_tokens", "duration_ms", "reported_cost_usd"),
    )
    failing = {
        **{f"{name}_at_least": pl.col(name) < 0 for name in at_least_0},
        "request_count": pl.col("request_count") < 1,
        "occurred_at": pl.col("occurred_at") < dt.datetime(2015, 1, 1, tzinfo=dt.UTC),
        "operation_name": ~pl.col("operation_name").is_in(operations),
        "region": ~pl.col("region").str.contains(r"^[a-z][a-z0-9_.\-]{0,63}$"),
        **{
            f"{name}_null": pl.col(name).is_null()
            for name in ("usage_id", "occurred_at", "operation_name", "request_count", "region")
        },
    }
    any_failing = pl.any_horizontal(*failing.values()).fill_null(value=False)
    found = pl.scan_parquet(file).select(
        *(one.sum().alias(name) for name, one in failing.items()),
        any_failing.sum().alias("bad"),
        pl.len().alias("rows"),
    )
    counts = found.collect(engine="streaming").row(0, named=True)
    return {"rows": counts["rows"], "bad": counts["bad"]}


def _polars_copy(file: Path, folder: Path) -> dict[str, Any]:
    import polars as pl

    pl.scan_parquet(file).sink_parquet(folder / "copy.parquet", compression="lz4")
    return {}


def _duckdb_copy(file: Path, folder: Path) -> dict[str, Any]:
    import duckdb

    with duckdb.connect(config={"temp_directory": str(folder)}) as connection:
        connection.execute(
            f"COPY (SELECT * FROM '{file}') TO '{folder / 'copy.parquet'}' (FORMAT parquet, COMPRESSION lz4_raw)"
        )
    return {}


PASSES: Final[dict[str, Callable[[Path, Path], dict[str, Any]]]] = {
    "gate": _gate,
    "hand": _hand,
    "split": _split,
    "polars_copy": _polars_copy,
    "duckdb_copy": _duckdb_copy,
}


def main() -> None:
    """Run the pass that the command line names."""
    for paid_here in ("duckdb", "pandera.polars", "aurora.ingest.sifting"):
        importlib.import_module(paid_here)
    kind, file, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    start, start_cpu = time.perf_counter(), time.process_time()
    measured = PASSES[kind](file, folder)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    print(
        json.dumps({**measured, "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_memory_gib": peak_memory_gib()})
    )


if __name__ == "__main__":
    main()
