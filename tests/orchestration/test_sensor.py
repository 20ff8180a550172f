"""The landing sensor: one run for what was dropped, none for nothing new, none while a file grows."""

import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from aurora.store.paths import TenantPaths
from orchestration.definitions import build_definitions
from orchestration.defs.ingest.sensors import SETTLE_S
from orchestration.resources import Workspace
from orchestration.stages import LANDING, run_stage
from orchestration.work import Work, utc_now
from tests.dbt import company


class _Ticks:
    """The sensor as the daemon ticks it: the cursor goes from one tick to the next."""

    def __init__(self) -> None:
        self.cursor: str | None = None

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        context = dg.build_sensor_context(cursor=self.cursor, resources={"workspace": Workspace()})
        found = build_definitions().resolve_sensor_def("landing")(context)
        self.cursor = found.cursor if isinstance(found, dg.SensorResult) else context.cursor
        return found

    def skipped(self) -> str:
        found = self.tick()
        assert isinstance(found, dg.SkipReason)
        return found.skip_message or ""

    def asked(self) -> list[str | None]:
        found = self.tick()
        assert isinstance(found, dg.SensorResult)
        return [request.run_key for request in found.run_requests or []]


def _drop(paths: TenantPaths, name: str, *, seconds_ago: float) -> Path:
    file = company.drop(paths, name, company.usage_rows(count=5, seed=1))
    moment = utc_now().timestamp() - seconds_ago
    os.utime(file, (moment, moment))
    return file


def test_a_dropped_file_asks_for_one_run(empty: TenantPaths):
    ticks = _Ticks()
    _drop(empty, "a", seconds_ago=60)
    first = ticks.asked()
    assert len(first) == 1
    assert "Nothing new" in ticks.skipped()
    _drop(empty, "b", seconds_ago=60)
    second = ticks.asked()
    assert len(second) == 1
    assert first != second


def test_an_empty_landing_folder_asks_for_nothing_twice(empty: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    ticks = _Ticks()
    run_stage(LANDING, work_of(empty))
    assert "in the lake already" in ticks.skipped()
    assert "Nothing new" in ticks.skipped()


def test_a_file_that_is_still_written_waits_and_is_not_forgotten(empty: TenantPaths):
    ticks = _Ticks()
    file = _drop(empty, "growing", seconds_ago=0)
    assert "still being written" in ticks.skipped()
    settled = utc_now().timestamp() - SETTLE_S - 1
    os.utime(file, (settled, settled))
    assert len(ticks.asked()) == 1


def test_a_file_that_is_still_written_holds_up_no_other(empty: TenantPaths):
    ticks = _Ticks()
    _drop(empty, "growing", seconds_ago=0)
    _drop(empty, "whole", seconds_ago=60)
    assert len(ticks.asked()) == 1
    assert "still being written" in ticks.skipped()


def test_what_a_build_brought_in_needs_no_run(empty: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    ticks = _Ticks()
    _drop(empty, "a", seconds_ago=60)
    run_stage(LANDING, work_of(empty))
    assert "in the lake already" in ticks.skipped()
    _drop(empty, "b", seconds_ago=60)
    assert len(ticks.asked()) == 1


def test_hidden_and_unfinished_files_ask_for_nothing(empty: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    run_stage(LANDING, work_of(empty))
    _drop(empty, ".hidden", seconds_ago=60)
    unfinished = empty.landing / "exports" / "big.ndjson.part"
    unfinished.write_text("{", encoding="utf-8")
    assert "in the lake already" in _Ticks().skipped()
