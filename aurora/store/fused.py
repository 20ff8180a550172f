"""DuckDB as a machine that turns a piece of a file into a staged Parquet file in one statement.

One connection with one thread: several of them, each in a thread of its own, are as fast as one with several
and keep rows in their order. Nothing of a tenant is attached; what it reads are bytes that the caller has
put in memory, or a file that it names. `watch` is asked about every row, in order, and says which are kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import numpy as np
import pyarrow as pa

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Watch = Callable[[Numbers, Hashes, Flags], Flags]
"""Row numbers, hashes of their keys, and whether each is good so far; returns which are kept."""

MEMORY_LIMIT: Final = "1GiB"
_PARQUET: Final = (
    "FORMAT parquet, COMPRESSION lz4_raw, PARQUET_VERSION V2, ROW_GROUP_SIZE 122880, "
    "DICTIONARY_SIZE_LIMIT 5000, WRITE_BLOOM_FILTER false, RETURN_STATS"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A staged file: its rows, and how many of each column are null."""

    row_count: int
    null_counts: Mapping[str, int]


class Engine:
    """One connection, and memory for one piece of a file. For one thread."""

    def __init__(self, *, spill: Path) -> None:
        self._connection = duckdb.connect(
            config={"threads": 1, "memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)}
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        self._memory = os.memfd_create("aurora-piece")
        self._watch: Watch | None = None
        self._connection.create_function(  # type: ignore[call-overload]
            "watch",
            self._ask,
            ["BIGINT", "UBIGINT", "BOOLEAN"],
            "BOOLEAN",
            type="arrow",
            null_handling="special",
            side_effects=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()
        os.close(self._memory)

    @property
    def piece(self) -> str:
        """Path under which a statement reads the piece that was loaded."""
        return f"/proc/self/fd/{self._memory}"

    def load(self, source: int, *, start: int, size: int) -> None:
        """Copy `size` bytes of the open file `source` into memory, without bringing them into Python."""
        os.ftruncate(self._memory, size)
        os.lseek(self._memory, 0, os.SEEK_SET)
        done = 0
        while done < size:
            sent = os.sendfile(self._memory, source, start + done, size - done)
            if not sent:
                raise OSError("The file became shorter while it was read.")
            done += sent

    def define(self, statements: list[str]) -> None:
        """Run statements that make types and tables for later ones."""
        for statement in statements:
            self._connection.execute(statement)

    def write(self, select: str, file: Path, *, watch: Watch) -> Written | None:
        """Write the rows of `select` to `file`; None, and no file, when DuckDB cannot read the piece."""
        self._watch = watch
        try:
            row = self._connection.execute(f"COPY ({select}) TO '{_quoted(file)}' ({_PARQUET})").fetchone()
        except duckdb.Error:
            file.unlink(missing_ok=True)
            return None
        finally:
            self._watch = None
        if row is None:
            return Written(0, {})
        return Written(int(row[1]), _null_counts(row[4]))

    def hashes(self, rows: pa.Table, key: list[str]) -> Hashes:
        """Hash of each row's key: what a statement's `hash(key, ...)` gives for the same values."""
        self._connection.register("keyed_rows", rows)
        try:
            columns = ", ".join(f'"{name}"' for name in key)
            found: Hashes = self._connection.execute(f"SELECT hash({columns}) AS h FROM keyed_rows").fetchnumpy()["h"]
        finally:
            self._connection.unregister("keyed_rows")
        return found.astype(np.uint64, copy=False)

    def _ask(self, numbers: Any, hashes: Any, are_good: Any) -> pa.Array:
        if self._watch is None:
            raise RuntimeError("No statement is being watched.")
        flags = self._watch(_array(numbers), _array(hashes), _array(are_good))
        return pa.array(flags, type=pa.bool_())


def is_available() -> bool:
    """Whether this system has what an engine needs: memory that looks like a file (Linux)."""
    return hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir()


def _array(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.to_numpy(zero_copy_only=False)


def _null_counts(statistics: Any) -> dict[str, int]:
    told = statistics if isinstance(statistics, Mapping) else {}
    return {str(name).strip('"'): int(about.get("null_count", 0)) for name, about in told.items()}


def _quoted(file: Path) -> str:
    return str(file).replace("'", "''")
