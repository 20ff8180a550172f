"""What counts as additive and what as breaking, and what may be published."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts import registry
from contracts.evolution import (
    PUBLISHED,
    Change,
    changes,
    described,
    lake_state,
    next_version,
    read_state,
    refusals,
    state_text,
)

TABLES = registry.tables()
STATE: dict[str, Any] = json.loads(json.dumps(described(TABLES)))


def _changed(edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    state = json.loads(json.dumps(STATE))
    edit(state)
    return state


def _one(edit: Callable[[dict[str, Any]], object]) -> Change:
    (change,) = changes(STATE, _changed(edit))
    return change


def _column(state: dict[str, Any], table: str, column: str) -> dict[str, Any]:
    return state[table]["columns"][column]


def test_what_is_declared_may_follow_what_was_published():
    """When this fails: raise the version, name the migration, or make the change additive."""
    assert refusals(read_state(PUBLISHED), described(TABLES), TABLES) == []


def test_a_state_is_read_back_as_it_was_written(tmp_path):
    (tmp_path / "state.json").write_text(state_text(described(TABLES)), encoding="utf-8")
    assert read_state(tmp_path / "state.json") == STATE
    assert changes(STATE, described(TABLES)) == []


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (lambda s: s.pop("usage"), "table_removed"),
        (lambda s: s["usage"]["columns"].pop("trace_id"), "column_removed"),
        (lambda s: _column(s, "usage", "duration_ms").update(type="float"), "type"),
        (lambda s: _column(s, "usage", "duration_ms").update(unit="s"), "unit"),
        (lambda s: _column(s, "usage", "trace_id").update(is_required=True), "required"),
        (lambda s: _column(s, "usage", "duration_ms")["checks"].update(at_most=10), "check_tightened"),
        (lambda s: _column(s, "usage", "duration_ms")["checks"].update(at_least=5), "check_tightened"),
        (lambda s: _column(s, "task", "task_state")["checks"].update(one_of=["completed"]), "check_tightened"),
        (lambda s: _column(s, "task", "task_type")["checks"].update(matches="^x"), "check_tightened"),
        (lambda s: _column(s, "usage", "user_id").update(protection="encrypt"), "protection"),
        (lambda s: _column(s, "usage", "trace_id").update(residency="tenant_region"), "residency"),
        (lambda s: s["usage"].update(key=["usage_id", "source"]), "key"),
        (lambda s: s["task"].update(versioned_by=None), "states"),
        (lambda s: s["usage"].update(is_ingested=False), "ingested"),
        (lambda s: s["usage"]["columns"].update(new={**_column(s, "usage", "usage_id")}), "column_added"),
    ],
)
def test_a_change_after_which_something_may_stop_is_breaking(edit, kind):
    change = _one(edit)
    assert (change.kind, change.level, change.is_breaking) == (kind, "major", True)


@pytest.mark.parametrize(
    ("edit", "kind", "level"),
    [
        (lambda s: s.update(extra=s["usage"]), "table_added", "minor"),
        (lambda s: s["usage"]["columns"].update(new={**_column(s, "usage", "trace_id")}), "column_added", "minor"),
        (lambda s: _column(s, "usage", "usage_id").update(is_required=False), "optional", "minor"),
        (lambda s: _column(s, "usage", "duration_ms")["checks"].clear(), "check_loosened", "minor"),
        (lambda s: _column(s, "usage", "duration_ms")["checks"].update(at_least=-1), "check_loosened", "minor"),
        (lambda s: _column(s, "usage", "trace_id").update(privacy="personal"), "privacy", "minor"),
        (lambda s: s["usage"].update(retention_days=1), "retention", "minor"),
        (lambda s: _column(s, "usage", "trace_id").update(meaning="Other words."), "words", "patch"),
    ],
)
def test_a_change_that_lets_everything_work_is_additive(edit, kind, level):
    change = _one(edit)
    assert (change.kind, change.level, change.is_breaking) == (kind, level, False)


def test_a_renamed_column_is_told_as_gone_with_its_likely_new_name():
    def rename(state: dict[str, Any]) -> None:
        state["usage"]["columns"]["trace"] = state["usage"]["columns"].pop("trace_id")

    gone = changes(STATE, _changed(rename))[0]
    assert gone.kind == "column_removed"
    assert "It may be called trace now." in gone.words


@pytest.mark.parametrize(("level", "wanted"), [("major", "3.0.0"), ("minor", "2.4.0"), ("patch", "2.3.2")])
def test_the_next_version_announces_the_change(level, wanted):
    assert next_version("2.3.1", level) == wanted


def _declared(**changed: Any) -> dict[str, Any]:
    return {**TABLES, "usage": dataclasses.replace(TABLES["usage"], **changed)}


def _older(edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """What was published: as now but for `edit`, one version before."""
    state = _changed(edit)
    state["usage"]["version"] = "0.9.0"
    return state


def test_an_additive_change_passes_when_the_version_says_so():
    old = _older(lambda s: s["usage"]["columns"].pop("trace_id"))
    for version, expected in (("0.9.5", ["usage"]), ("0.10.0", [])):
        tables = _declared(version=version)
        assert [one.table for one in refusals(old, described(tables), tables)] == expected


def test_a_breaking_change_is_refused_unless_it_names_its_migration():
    old = _older(lambda s: _column(s, "usage", "duration_ms").update(type="float"))
    silent = _declared(version="1.0.0")
    (refused,) = refusals(old, described(silent), silent)
    assert "duration_ms" in refused.reason
    assert "names no migration" in refused.reason
    told = _declared(version="1.0.0", migration=("ALTER TABLE raw.usage ALTER COLUMN duration_ms TYPE BIGINT",))
    assert refusals(old, described(told), told) == []
    quiet = _declared(version="0.10.0", migration=told["usage"].migration)
    assert "1.0.0 or more" in refusals(old, described(quiet), quiet)[0].reason


def test_a_new_required_column_passes_with_its_backfill():
    old = _older(lambda s: s["usage"]["columns"].pop("request_count"))
    tables = _declared(version="1.0.0")
    assert len(refusals(old, described(tables), tables)) == 1
    filled = _declared(version="1.0.0", backfill=(("request_count", "1"),))
    assert refusals(old, described(filled), filled) == []


def test_a_published_table_may_not_vanish():
    tables = {name: declared for name, declared in TABLES.items() if name != "usage"}
    (refused,) = refusals(STATE, described(tables), tables)
    assert refused.table == "usage"


def test_a_live_lake_is_told_apart_by_columns_types_and_nulls():
    types = {kind: name for name, kind in registry.DUCKDB_TYPES.items() if name != "json"}
    live = {
        name: {
            column: (kind, not declared.is_required(column))
            for column, kind in registry.duckdb_columns(declared).items()
        }
        for name, declared in TABLES.items()
    }
    assert changes(lake_state(live, STATE, types), STATE) == []
    live["task"]["duration_ms"] = ("DOUBLE", True)
    del live["usage"]["trace_id"]
    live["usage"]["old_column"] = ("VARCHAR", True)
    found = {(change.table, change.column, change.kind) for change in changes(lake_state(live, STATE, types), STATE)}
    assert found == {
        ("task", "duration_ms", "type"),
        ("usage", "trace_id", "column_added"),
        ("usage", "old_column", "column_removed"),
    }
