"""Big, believable usage exports to measure on: NDJSON, CSV and Parquet of the same rows, made by DuckDB.

Twenty columns. One row in a hundred is bad, each in one of five ways; one in a thousand repeats the row
before it, one in ten thousand does so with other content.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import duckdb

FileKind = Literal["ndjson", "csv", "parquet"]

COLUMNS: Final = {
    "usage_id": "VARCHAR",
    "occurred_at": "TIMESTAMPTZ",
    "operation_name": "VARCHAR",
    "provider_name": "VARCHAR",
    "request_model": "VARCHAR",
    "response_model": "VARCHAR",
    "assistant_id": "VARCHAR",
    "conversation_id": "VARCHAR",
    "trace_id": "VARCHAR",
    "user_id": "VARCHAR",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "cache_read_input_tokens": "BIGINT",
    "reasoning_output_tokens": "BIGINT",
    "request_count": "BIGINT",
    "duration_ms": "BIGINT",
    "time_to_first_chunk_ms": "BIGINT",
    "is_error": "BOOLEAN",
    "error_type": "VARCHAR",
    "reported_cost_usd": "DECIMAL(18,9)",
}
"""The files' columns with the contract's types, as DuckDB is told them."""

_MODELS: Final = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-4.1"),
    ("anthropic", "claude-3-5-sonnet-latest"),
    ("anthropic", "claude-3-5-haiku-latest"),
    ("gcp.gemini", "gemini-2.0-flash"),
    ("mistral_ai", "mistral-large-latest"),
    ("own_cluster", "falcon-arabic-7b"),
)
"""The last one is in no price list."""


def write_usage_file(file: Path, kind: FileKind, *, row_count: int) -> None:
    """Write `row_count` rows; the same count gives the same rows in every kind.

    Parquet holds them in the contract's types: a value that is no number is a negative one there.
    """
    options = {"ndjson": "FORMAT json", "csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet"}[kind]
    rows = _rows(row_count)
    if kind == "parquet":
        typed = ", ".join(f"{_TYPED.get(name, name)}::{sql} AS {name}" for name, sql in COLUMNS.items())
        rows = f"SELECT {typed} FROM ({rows})"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({rows}) TO '{file}' ({options})")


_TYPED: Final = {"input_tokens": "coalesce(TRY_CAST(input_tokens->>'$' AS BIGINT), -1)"}


def _rows(row_count: int) -> str:
    models = ", ".join(f"{{'provider': '{provider}', 'llm': '{llm}'}}" for provider, llm in _MODELS)
    return f"""
    WITH numbered AS (
        SELECT i, CASE WHEN i % 997 = 5 AND i > 0 THEN i - 1 ELSE i END AS j FROM range({row_count}) AS r(i)
    ), drawn AS (
        SELECT i, j, hash(j) AS h, hash(j + 1000000007) AS g, CASE WHEN j % 100 = 50 THEN (j // 100) % 5 END AS fault
        FROM numbered
    ), facts AS (
        SELECT *, [{models}][1 + (h % {len(_MODELS)})::INT] AS served, 50 + (g % 6000)::BIGINT AS asked,
            20 + (h % 900)::BIGINT AS answered, h % 50 = 3 AS failed
        FROM drawn
    )
    SELECT
        md5(j::VARCHAR) AS usage_id,
        strftime(
            CASE WHEN fault = 0 THEN TIMESTAMP '1970-01-20 12:00:00'
            ELSE TIMESTAMP '2026-09-01' + to_microseconds((h % 2592000000000)::BIGINT) END,
            '%Y-%m-%dT%H:%M:%S.%fZ'
        ) AS occurred_at,
        CASE WHEN fault = 1 THEN NULL WHEN fault = 2 THEN 'chitchat' ELSE 'chat' END AS operation_name,
        served.provider AS provider_name,
        served.llm AS request_model,
        served.llm AS response_model,
        'assistant_' || (g % 40) AS assistant_id,
        'conversation-' || (j // 6) AS conversation_id,
        md5((j // 6)::VARCHAR || 't') AS trace_id,
        'user-' || (h % 5000) AS user_id,
        CASE WHEN fault = 3 THEN '"n/a"' ELSE asked::VARCHAR END::JSON AS input_tokens,
        CASE WHEN fault = 4 THEN -answered ELSE answered END + (i <> j AND i % 9970 = 5)::BIGINT AS output_tokens,
        CASE WHEN h % 3 = 0 THEN asked // 2 ELSE 0 END AS cache_read_input_tokens,
        CASE WHEN h % 5 = 0 THEN answered // 3 END AS reasoning_output_tokens,
        1 AS request_count,
        200 + (g % 20000)::BIGINT AS duration_ms,
        100 + (g % 900)::BIGINT AS time_to_first_chunk_ms,
        failed AS is_error,
        CASE WHEN failed THEN 'timeout' END AS error_type,
        CASE WHEN h % 4 = 0 THEN (asked * 0.0000025)::DECIMAL(18, 9) END AS reported_cost_usd
    FROM facts
    """
