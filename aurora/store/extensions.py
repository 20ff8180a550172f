"""DuckDB's extensions, from the pinned packages on disk. Nothing is ever downloaded.

The packages are data only (`duckdb_extension_<name>/extensions/v<version>/`), so they are found by
`importlib` and their files are loaded by path. DuckDB checks the signature of a file by reading all of
it (35 MB each, 0.2 s for a lake), at every LOAD. A process does that once: the library that passed is
mapped from then on, and every further connection takes that one (2 ms).
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

import duckdb

from aurora.errors import NotReadyError

Setting: TypeAlias = str | bool | int | float | list[str]

LAKE_EXTENSIONS: tuple[str, ...] = ("ducklake", "sqlite_scanner")
"""What an embedded lake needs: the format, and the catalog it keeps in SQLite."""

OFFLINE: dict[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
"""Settings under which DuckDB reaches for no network when it meets a name that it does not know."""


def extension_file(name: str) -> Path:
    """File of one extension for the DuckDB that is installed; `NotReadyError` when its package is not."""
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    folders = [Path(found) for found in (package.submodule_search_locations or [])] if package else []
    for folder in folders:
        file = folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if file.is_file():
            return file
    raise NotReadyError(
        f"DuckDB {duckdb.__version__} has no {name} extension here.",
        field=name,
        rule="pinned_extension",
        next_step="Run `make install`: requirements.lock pins DuckDB and its extensions to one version.",
    )


def open_with_extensions(settings: Mapping[str, Setting]) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that can open a lake."""
    files = [extension_file(name) for name in LAKE_EXTENSIONS]
    for file in files:
        check_signature(file)
    connection = duckdb.connect(":memory:", config={**OFFLINE, **settings, "allow_unsigned_extensions": True})
    for file in files:
        connection.execute(f"LOAD {quote(str(file))}")
    return connection


@cache
def check_signature(file: Path) -> None:
    """Map an extension into this process if DuckDB's makers signed it; `NotReadyError` when they did not."""
    with duckdb.connect(":memory:", config={**OFFLINE}) as connection:
        try:
            connection.execute(f"LOAD {quote(str(file))}")
        except duckdb.IOException as error:
            raise NotReadyError(
                f"{file.name} is not the file that DuckDB's makers signed.",
                field=str(file),
                rule="signature",
                next_step="Install it again: `make install`.",
            ) from error


def link_extensions(directory: Path) -> Path:
    """`directory`, filled with links laid out as DuckDB's `extension_directory` wants them.

    For tools that open DuckDB themselves (dbt). Safe to call from several processes at once.
    """
    with duckdb.connect(":memory:", config={**OFFLINE}) as connection:
        row = connection.execute("PRAGMA platform").fetchone()
    platform = str(row[0]) if row else ""
    folder = directory / f"v{duckdb.__version__}" / platform
    folder.mkdir(parents=True, exist_ok=True)
    for name in LAKE_EXTENSIONS:
        target = extension_file(name)
        link = folder / target.name
        if link.is_symlink() and link.readlink() == target:
            continue
        fresh = folder / f".{target.name}.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(link)
    return directory


def quote(text: str) -> str:
    """`text` as a SQL string literal: paths may hold an apostrophe, and ATTACH takes no parameters."""
    return "'" + text.replace("'", "''") + "'"
