"""The project's views: made as dbt would make them, all at once, and only where something changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from aurora.store.connection import latest_snapshot
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import DBT_PROJECT_DIR, dbt_folder, run_dbt
from orchestration.dbt_views import project_views


def test_each_view_is_what_dbt_compiles(built: TenantPaths):
    folder = dbt_folder(built) / "target" / "compiled"
    views = project_views(DBT_PROJECT_DIR)
    compiled = {
        file.stem: file.read_text(encoding="utf-8").strip()
        for layer in ("staging", "intermediate")
        for file in (folder / "aurora" / "models" / layer).rglob("*.sql")
        if file.parent.suffix != ".yml"  # what a unit test puts in its place
    }
    assert len(views) > 50
    assert {name: sql for name, (_, sql) in views.items()} == {name: compiled[name] for name in views}


def test_views_read_raw_and_each_other_only():
    """So they can be made before any table is."""
    views = project_views(DBT_PROJECT_DIR)
    tables = {file.stem for file in (DBT_PROJECT_DIR / "models").rglob("*.sql")} - views.keys()
    assert {name for name, (_, sql) in views.items() if any(f'."{table}"' in sql for table in tables)} == set()


def test_a_view_whose_sql_changed_is_made_again_and_no_other(copied: Callable[[], TenantPaths], tmp_path: Path):
    paths, project = copied(), tmp_path / "project" / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project)
    file = project / "models" / "staging" / "raw" / "stg_raw__rule_sweeps.sql"
    changed = file.read_text(encoding="utf-8") + "where 1 = 0\n"
    file.write_text(changed, encoding="utf-8")
    before = latest_snapshot(paths, "mart")
    run_dbt(paths, ("run",), select=["rule_figures"], project_dir=project)
    assert latest_snapshot(paths, "mart") == before + 1
    with read_lake(paths) as lake:
        sql = lake.query("SELECT sql FROM duckdb_views() WHERE view_name = 'stg_raw__rule_sweeps'").item()
    assert "1 = 0" in sql.replace("(", "").replace(")", "")
