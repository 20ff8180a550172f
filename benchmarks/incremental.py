"""What 1 % new rows cost the marts, against making them all again.

The lake is made directly: ten million AI operations over 180 days, one batch a day, as exports arrive.
Each round adds 1 %: nearly all on the newest days, 2 % of it late, up to six weeks back. Every dbt run
costs something even when there is nothing to do (`fixed`: dbt's start, its tests, one statement a table);
that is measured next to each run and taken off both sides, as the bar says. CPU seconds of this process
are reported beside wall time, since a neighbour on the machine moves that by more than the 1 % costs; and
so is a run that brings in one single row: what writing to each table costs whatever the number of rows.
"""

from __future__ import annotations

import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aurora.store.lake import LakeWriter, create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from benchmarks.harness import Result, peak_memory_gib
from orchestration.dbt_runner import run_dbt

ROWS: Final = 10_000_000
DAYS: Final = 180
ROUNDS: Final = 5
LATE_SHARE: Final = 0.02
LATE_DAYS: Final = (3, 10, 40)
"""How many days back late rows fall."""
_START: Final = dt.date(2026, 3, 1)


@dataclass(frozen=True, slots=True)
class _Day:
    """Rows of one day in one batch."""

    day: dt.date
    row_count: int


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a dbt run took."""

    wall_s: float
    cpu_s: float

    @classmethod
    def median(cls, costs: Sequence[_Cost]) -> _Cost:
        """The middle of several, wall and CPU each by itself."""
        return cls(statistics.median(c.wall_s for c in costs), statistics.median(c.cpu_s for c in costs))


def run(*, data: Path | None, scale: float) -> list[Result]:
    """`scale` is the share of ten million rows; `data` is not used: the rows are made here, seeded by their number."""
    del data
    with tempfile.TemporaryDirectory() as folder:
        return _run(create_tenant(Path(folder), "bench", "ae-dubai"), rows=round(ROWS * scale))


def _run(paths: TenantPaths, *, rows: int) -> list[Result]:
    create_lake(paths)
    _land(paths, [_Day(_START + dt.timedelta(days=number), rows // DAYS) for number in range(DAYS)])
    run_dbt(paths)  # the first run of a process also imports and parses dbt
    rounds = [_round(paths, rows=rows, number=number) for number in range(ROUNDS)]
    full, added, one_row, fixed = (_Cost.median(costs) for costs in zip(*rounds, strict=True))
    return [
        Result(
            metric="incremental_share",
            value=statistics.median(_share(again.wall_s, more.wall_s, idle.wall_s) for again, more, _, idle in rounds),
            unit="of the full rebuild's time",
            bar=0.08,
            op="<=",
        ),
        Result(
            metric="incremental_share_cpu",
            value=statistics.median(_share(again.cpu_s, more.cpu_s, idle.cpu_s) for again, more, _, idle in rounds),
            unit="of the full rebuild's CPU",
        ),
        Result(
            metric="one_row_share",
            value=statistics.median(_share(again.wall_s, row.wall_s, idle.wall_s) for again, _, row, idle in rounds),
            unit="of the full rebuild's time",
        ),
        *_costs("full_rebuild", full),
        *_costs("after_one_percent", added),
        *_costs("after_one_row", one_row),
        *_costs("fixed", fixed),
        Result(metric="rows", value=_row_count(paths), unit="rows"),
        Result(metric="peak_memory", value=peak_memory_gib(), unit="GiB"),
    ]


def _round(paths: TenantPaths, *, rows: int, number: int) -> tuple[_Cost, _Cost, _Cost, _Cost]:
    """All again, 1 % more, one row more, nothing more (the mean of before and after)."""
    newest = _START + dt.timedelta(days=DAYS + 2 * number)
    full = _cost(paths, full_refresh=True)
    before = _cost(paths)
    _land(paths, _one_percent(rows, newest=newest))
    added = _cost(paths)
    _require_all_counted(paths)
    after = _cost(paths)
    _land(paths, [_Day(newest + dt.timedelta(days=1), 1)])
    one_row = _cost(paths)
    return full, added, one_row, _Cost((before.wall_s + after.wall_s) / 2, (before.cpu_s + after.cpu_s) / 2)


def _share(full: float, more: float, fixed: float) -> float:
    return (more - fixed) / (full - fixed)


def _cost(paths: TenantPaths, *, full_refresh: bool = False) -> _Cost:
    """One dbt run."""
    before = time.process_time()
    report = run_dbt(paths, full_refresh=full_refresh)
    return _Cost(report.seconds, time.process_time() - before)


def _costs(metric: str, cost: _Cost) -> list[Result]:
    return [
        Result(metric=metric, value=cost.wall_s, unit="s"),
        Result(metric=f"{metric}_cpu", value=cost.cpu_s, unit="s"),
    ]


def _one_percent(rows: int, *, newest: dt.date) -> list[_Day]:
    """The newest day and half of the next, and some rows that come late."""
    count = rows // 100
    late = round(count * LATE_SHARE) // len(LATE_DAYS)
    fresh = count - late * len(LATE_DAYS)
    days = [_Day(newest - dt.timedelta(days=back), late) for back in LATE_DAYS]
    return [*days, _Day(newest, fresh * 2 // 3), _Day(newest + dt.timedelta(days=1), fresh - fresh * 2 // 3)]


def _require_all_counted(paths: TenantPaths) -> None:
    """The marts hold every row: a fast rebuild that left some out would be no feat."""
    with read_lake(paths) as lake:
        counted = lake.query("SELECT sum(operation_count) FROM mart.usage_daily").item()
        landed = lake.query("SELECT sum(request_count) FROM raw.usage").item()
    if counted != landed:
        raise RuntimeError(f"The marts count {counted} operations, the lake {landed}.")


def _row_count(paths: TenantPaths) -> int:
    with read_lake(paths) as lake:
        return int(lake.query("SELECT count(*) FROM raw.usage").item())


def _land(paths: TenantPaths, days: list[_Day]) -> None:
    def work(lake: LakeWriter) -> None:
        seq, first = lake.query(
            "SELECT coalesce(max(batch_seq), 0) AS seq, coalesce(sum(good_count), 0) AS n FROM raw.ingest_batch"
        ).row(0)
        for place, day in enumerate(days):
            lake.execute(_BATCH, {"seq": seq + place + 1, "rows": day.row_count, "day": day.day})
            lake.execute(_ROWS, {"seq": seq + place + 1, "first": int(first), "rows": day.row_count, "day": day.day})
            first += day.row_count

    write_lake(paths, "raw", work, author="bench", message="Rows of the bench")


_BATCH: Final = """
INSERT INTO raw.ingest_batch BY NAME
SELECT 'batch-' || $seq AS batch_id, 'usage' AS contract, 'bench' AS source, 'canonical_ndjson' AS source_format,
    'day-' || $seq || '.ndjson' AS file_name, $rows AS row_count, $rows AS good_count, 0 AS quarantined_count,
    0 AS duplicate_count, 0 AS unpriced_count, CAST($day AS TIMESTAMPTZ) AS ingested_at,
    $seq AS batch_seq
"""

_ROWS: Final = """
INSERT INTO raw.usage BY NAME
WITH numbered AS (
    SELECT $first + n AS id, n, hash($first + n) AS draw FROM range($rows) AS made(n)
), drawn AS (
    SELECT *, draw % 16 AS assistant, (draw >> 8) % 3 AS nth_llm, (draw >> 16) % 1000 AS skew FROM numbered
)
SELECT
    md5(CAST(id AS VARCHAR)) AS usage_id,
    'bench' AS source,
    'canonical_ndjson' AS source_format,
    'record-' || id AS source_record_id,
    CAST($day AS TIMESTAMPTZ) + to_milliseconds(CAST(n * (86400000.0 / $rows) AS BIGINT)) AS occurred_at,
    CAST($day AS DATE) AS occurred_date,
    CASE WHEN (draw >> 26) % 10 < 8 THEN 'chat' ELSE 'embeddings' END AS operation_name,
    'provider-' || (assistant + nth_llm) % 4 AS provider_name,
    'llm-' || (assistant + nth_llm) % 12 AS request_model,
    'llm-' || (assistant + nth_llm) % 12 AS response_model,
    'assistant-' || assistant AS assistant_id,
    'conversation-' || id // 6 AS conversation_id,
    md5(CAST(id // 3 AS VARCHAR)) AS trace_id,
    'user-' || (draw >> 12) % 5000 AS user_id,
    100 + (draw >> 20) % 8000 AS input_tokens,
    10 + (draw >> 33) % 900 AS output_tokens,
    1 AS request_count,
    CAST(120 + skew * skew / 60 + (draw >> 40) % 200 AS BIGINT) AS duration_ms,
    skew = 999 AS is_error,
    CASE WHEN skew = 999 THEN 'timeout' END AS error_type,
    CASE WHEN skew % 50 > 0 THEN CAST((100 + (draw >> 20) % 8000) * 0.0000025 AS DECIMAL(18, 9)) END AS cost_usd,
    CASE WHEN skew % 50 > 0 THEN 'price_book' ELSE 'unpriced' END AS cost_source,
    'ae-dubai' AS region,
    'batch-' || $seq AS batch_id,
    $seq AS batch_seq,
    n + 1 AS row_number,
    CAST($day AS TIMESTAMPTZ) AS ingested_at
FROM drawn
"""
