"""The last reader that was closed, kept for the next one that wants the same snapshots.

Opening a reader costs 0.1 s of a core, nearly all of it DuckDB's start and DuckLake's look at the catalog;
pages and routes read the same snapshot again and again. One connection is kept a process, by nobody but
the one reader that takes it; whatever changed in between (a commit, a checkpoint, a restored or a moved
folder, a fork) makes another key, and so a new connection.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import duckdb

from aurora.store.paths import Layer, TenantPaths

Key: TypeAlias = tuple[object, ...]

LONGEST_IDLE_S: Final = 600.0
"""An older one is not used again: maintenance may have taken its spill folder."""


@dataclass(frozen=True, slots=True)
class _Idle:
    key: Key
    connection: duckdb.DuckDBPyConnection
    since: float
    """Monotonic, in seconds."""


_LOCK: Final = threading.Lock()
_KEPT: Final[list[_Idle]] = []


def reader_key(paths: TenantPaths, snapshots: Mapping[Layer, int]) -> Key:
    """What a reader's connection was opened on: this process, these very catalogs as they are, these snapshots."""
    catalogs = []
    for layer, snapshot in sorted(snapshots.items()):
        found = paths.catalog(layer).stat()
        catalogs.append((layer, snapshot, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))
    return (os.getpid(), str(paths.data_dir.absolute()), paths.tenant, paths.region, *catalogs)


def take(key: Key) -> duckdb.DuckDBPyConnection | None:
    """The kept connection, now the caller's alone; None when it is another's."""
    with _LOCK:
        if _KEPT and _KEPT[0].key == key and time.monotonic() - _KEPT[0].since < LONGEST_IDLE_S:
            return _KEPT.pop().connection
    return None


def keep(key: Key, connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection back in good order; the one that was kept is closed."""
    with _LOCK:
        replaced = [*_KEPT]
        _KEPT[:] = [_Idle(key, connection, time.monotonic())]
    for one in replaced:
        if one.key[0] == key[0]:  # never another process's, as after a fork
            one.connection.close()
