"""A build looks at what a changed raw table leads to and at nothing else, and gives what a whole build gives."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from aurora.store.connection import latest_snapshot
from aurora.store.lake import write_lake
from aurora.store.marks import table_marks
from aurora.store.paths import TenantPaths
from orchestration.dbt_changes import note_whole_build, standing, to_look_at
from orchestration.dbt_runner import DBT_PROJECT_DIR, dbt_folder, run_dbt
from tests.dbt import company


def _to_look_at(paths: TenantPaths, project_dir: Path = DBT_PROJECT_DIR) -> list[str] | None:
    return to_look_at(paths, dbt_folder(paths), standing(paths, project_dir))


def test_after_a_whole_build_there_is_nothing_to_look_at(copied: Callable[[], TenantPaths]):
    paths = copied()
    before = latest_snapshot(paths, "mart")
    report = run_dbt(paths, only_changed=True)
    assert report.nodes == ()
    assert report.raw_snapshot_id == latest_snapshot(paths, "raw")
    assert latest_snapshot(paths, "mart") == before


def test_new_rows_of_one_table_are_followed_and_give_what_a_whole_build_gives(copied: Callable[[], TenantPaths]):
    paths = copied()
    company.journal(paths, [("override", row) for row in _overrides(paths)])
    assert _to_look_at(paths) == ["source:raw.override+"]
    report = run_dbt(paths, only_changed=True)
    names = {node.name for node in report.nodes if node.kind == "model"}
    assert {"decisions", "decisions_daily", "kpi_values"} <= names
    assert not names & {"usage_daily", "rule_figures", "gold_party"}
    assert _to_look_at(paths) == []
    followed = company.marts(paths)
    run_dbt(paths, ("run",), full_refresh=True)
    assert company.marts(paths) == followed


def _overrides(paths: TenantPaths) -> list[company.Row]:
    records = company.journal_rows(count=60, seed=4)
    decision_id = records[0][1]["decision_id"]
    about = {"decision_id": decision_id, "occurred_at": company.NOW, "region": paths.region, "actor_id": "owner"}
    return [
        {"override_id": "late", "override_action": "human", "reason": "no", "journal_seq": len(records) + 1, **about}
    ]


def test_a_mart_that_another_hand_changed_is_looked_at_whole(copied: Callable[[], TenantPaths]):
    paths = copied()
    write_lake(
        paths, "mart", lambda lake: lake.execute("DELETE FROM mart.cost_daily"), author="tests", message="By hand"
    )
    assert _to_look_at(paths) is None


def test_a_mart_that_was_lost_is_looked_at_whole(copied: Callable[[], TenantPaths]):
    paths = copied()
    for file in paths.directory.glob("mart.catalog.sqlite*"):
        file.unlink()
    assert _to_look_at(paths) is None


def test_another_project_is_looked_at_whole(copied: Callable[[], TenantPaths], tmp_path: Path):
    paths, project = copied(), tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project)
    assert _to_look_at(paths, project) == []
    with (project / "macros" / "engine.sql").open("a", encoding="utf-8") as file:
        file.write("\n{# changed #}\n")
    assert _to_look_at(paths, project) is None


def test_what_arrives_during_a_build_is_looked_at_in_the_next(copied: Callable[[], TenantPaths]):
    paths = copied()
    began = standing(paths, DBT_PROJECT_DIR)
    company.journal(paths, [("override", row) for row in _overrides(paths)])
    note_whole_build(paths, dbt_folder(paths), began)
    assert _to_look_at(paths) == ["source:raw.override+"]


def test_a_mark_follows_rows_that_come_and_go_and_no_other_table(copied: Callable[[], TenantPaths]):
    paths = copied()
    first = table_marks(paths, "raw")
    company.journal(paths, [("override", row) for row in _overrides(paths)])
    second = table_marks(paths, "raw")
    gone = "DELETE FROM raw.override WHERE override_id = 'late'"
    write_lake(paths, "raw", lambda lake: lake.execute(gone), author="tests", message="Erased")
    third = table_marks(paths, "raw")
    assert {name for name in first if first[name] != second[name]} == {"main.override"}
    assert {name for name in first if second[name] != third[name]} == {"main.override"}


def test_no_dbt_model_reads_a_clock_or_draws_by_chance():
    """A build skips what no changed table leads to, which is only right while equal rows give equal marts."""
    asked = re.compile(
        r"\b(now|today|random|uuid|get_current_\w+)\s*\(|\bcurrent_(date|time|timestamp)\b", re.IGNORECASE
    )
    files = [*(DBT_PROJECT_DIR / "models").rglob("*.sql"), *(DBT_PROJECT_DIR / "macros").rglob("*.sql")]
    assert [file.name for file in files if asked.search(file.read_text(encoding="utf-8"))] == []
