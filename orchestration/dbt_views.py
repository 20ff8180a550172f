"""The views of the dbt project, brought up to date in one transaction before dbt runs.

As nodes of dbt they would be two thirds of a run: each a transaction that makes DuckLake read its catalog anew, and
then a moment of dbt in every later build. Their SQL is the same for all tenants, is rendered here by the project's own
macros, and a test holds it against what dbt compiles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from aurora.catalogue.dbt_sql import RAW, Renderer
from aurora.store.extensions import quote

VIEWS: Final = "config.materialized:view"
"""How dbt calls them where nodes are selected."""

_HELD: Final = """
    SELECT s.schema_name || '.' || v.view_name, t.value FROM __ducklake_metadata_mart.ducklake_view AS v
    JOIN __ducklake_metadata_mart.ducklake_schema AS s ON s.schema_id = v.schema_id
    JOIN __ducklake_metadata_mart.ducklake_tag AS t ON t.object_id = v.view_id
    WHERE v.end_snapshot IS NULL AND s.end_snapshot IS NULL AND t.end_snapshot IS NULL AND t.key = 'comment'
"""
"""Comments of the mart's views, off the lake's catalog: DuckDB's own list would describe every table of both lakes."""

_LAYERS: Final = ("staging", "intermediate")
_STORED: Final = re.compile(r"\bmaterialized\s*=")
"""A model of these layers that is no view says so in its own file."""


def project_views(project_dir: Path) -> Mapping[str, tuple[str, str]]:
    """Name in the mart and SQL of each view by its dbt name, each behind those that it reads."""
    files = {file.stem: file for file in sorted((project_dir / "models").rglob("*.sql"))}
    schemas = {name: _schema(file, project_dir) for name, file in files.items()}

    def spell(name: str) -> str:
        if name.startswith(RAW):
            return f'"raw"."main"."{name.removeprefix(RAW)}"'
        return f'"mart"."{schemas.get(name, "main")}"."{name}"'

    renderer = Renderer(project_dir, spell=spell)
    views = {
        name: renderer.model(file)
        for name, file in files.items()
        if schemas[name] in _LAYERS and not _STORED.search(file.read_text(encoding="utf-8"))
    }
    order = TopologicalSorter({name: sorted(view.parents & views.keys()) for name, view in views.items()})
    return {name: (spell(name), views[name].sql.strip()) for name in order.static_order()}


def make_views(connection: Any, project_dir: Path) -> int:
    """Make the views that are missing or whose SQL changed, all in one transaction; how many. The lakes are attached.

    Views read raw and each other only (a test holds it), so none waits for a table that is still to be built.
    """
    held = dict(connection.execute(_HELD).fetchall())
    fresh = []
    for place, sql in project_views(project_dir).values():
        stamp = hashlib.md5(sql.encode(), usedforsecurity=False).hexdigest()
        if held.get(place.replace('"', "").removeprefix("mart.")) != stamp:
            fresh.append((place, sql, stamp))
    if fresh:
        _make(connection, fresh)
    return len(fresh)


def _make(connection: Any, fresh: list[tuple[str, str, str]]) -> None:
    connection.execute("BEGIN")
    try:
        for schema in _LAYERS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS mart.{schema}")
        for place, sql, stamp in fresh:
            connection.execute(f"CREATE OR REPLACE VIEW {place} AS ({sql})")
            connection.execute(f"COMMENT ON VIEW {place} IS {quote(stamp)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _schema(file: Path, project_dir: Path) -> str:
    layer = file.relative_to(project_dir / "models").parts[0]
    return layer if layer in _LAYERS else "main"
