"""A process that reads or writes a lake, for the tests that need several. Not a test itself.

python lake_worker.py write DATA_DIR FIRST COUNT          commit COUNT one-row transactions
python lake_worker.py read DATA_DIR COUNT                 read COUNT times, rows must come in pairs
python lake_worker.py hang DATA_DIR                       append, say so, wait inside the transaction
"""

import datetime as dt
import sys
import time
from pathlib import Path

import polars as pl

from aurora.store.lake import LakeReader, LakeWriter, read_lake, write_lake
from aurora.store.paths import tenant_paths

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def pair(seq: int) -> pl.DataFrame:
    """Two rows that belong together: one of them alone is half a transaction."""
    return pl.DataFrame({"journal_seq": [2 * seq, 2 * seq + 1], "row_count": [1, 1], "ingested_at": [NOW, NOW]})


def count(lake: LakeReader) -> int:
    return int(lake.query("SELECT count(*) FROM raw.journal_offset").item())


def write(data_dir: Path, first: int, how_many: int) -> None:
    paths = tenant_paths(data_dir, "demo")
    for seq in range(first, first + how_many):
        write_lake(
            paths, "raw", lambda lake, s=seq: lake.append("journal_offset", pair(s)), author="worker", message="pair"
        )


def read(data_dir: Path, how_many: int) -> None:
    paths = tenant_paths(data_dir, "demo")
    for _ in range(how_many):
        with read_lake(paths) as lake:
            first, second = count(lake), count(lake)
        if first != second or first % 2:
            sys.exit(f"a reader saw {first}, then {second} rows of one snapshot")


def hang(data_dir: Path) -> None:
    def work(lake: LakeWriter) -> None:
        rows = pl.DataFrame({"journal_seq": range(50_000)}).with_columns(row_count=pl.lit(1), ingested_at=pl.lit(NOW))
        lake.append("journal_offset", rows.cast({"row_count": pl.Int64}))
        sys.stdout.write("appended\n")
        sys.stdout.flush()
        time.sleep(600)

    write_lake(tenant_paths(data_dir, "demo"), "raw", work, author="worker", message="hangs")


if __name__ == "__main__":
    kind, folder, *numbers = sys.argv[1:]
    {"write": write, "read": read, "hang": hang}[kind](Path(folder), *map(int, numbers))
