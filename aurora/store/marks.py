"""Which tables of a lake hold what they held before, told from its catalog alone.

What a table holds is its live files of rows and of deletions and its live columns. Files are written once, under names
that are not used again, and nothing is kept inside the catalog (see connection.py). So equal marks mean equal content;
a merge of files gives another mark for the same rows, which costs a look.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Final

from aurora.store.connection import BUSY_TIMEOUT_MS, latest_snapshot
from aurora.store.paths import Layer, TenantPaths

_TABLES: Final = """
    SELECT t.table_id, s.schema_name || '.' || t.table_name FROM ducklake_table AS t
    JOIN ducklake_schema AS s ON s.schema_id = t.schema_id WHERE t.end_snapshot IS NULL
"""
_PARTS: Final = """
    SELECT table_id, 'rows', path || ':' || file_size_bytes FROM ducklake_data_file WHERE end_snapshot IS NULL
    UNION ALL SELECT table_id, 'deleted', path || ':' || file_size_bytes FROM ducklake_delete_file
    WHERE end_snapshot IS NULL
    UNION ALL SELECT table_id, 'column', column_id || ':' || column_name || ':' || column_type FROM ducklake_column
    WHERE end_snapshot IS NULL
    ORDER BY 1, 2, 3
"""


def table_marks(paths: TenantPaths, layer: Layer) -> Mapping[str, str]:
    """A mark of each table of the newest snapshot, by `schema.table`; a few ms, without DuckDB.

    Errors: `NotFoundError` for the tenant, `NotReadyError` where there is no lake yet.
    """
    latest_snapshot(paths, layer)  # or the lake is not there
    uri = f"{paths.catalog(layer).as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as catalog:
        catalog.execute("BEGIN")  # both questions about one moment
        names = dict(catalog.execute(_TABLES).fetchall())
        hashes = {table_id: hashlib.sha256(str(table_id).encode()) for table_id in names}
        for table_id, kind, part in catalog.execute(_PARTS):
            if table_id in hashes:
                hashes[table_id].update(f"|{kind}{part}".encode())
    return {names[table_id]: found.hexdigest() for table_id, found in hashes.items()}
