"""Pulls in Dagster: a run when a source is due, for the sources that are, and its trouble is the run's."""

import json
from typing import Any

import dagster as dg

from aurora.store.paths import TenantPaths
from orchestration.definitions import build_definitions
from orchestration.defs.ingest.pulls import PULLED_KEY, SOURCES_TAG, pulled_asset
from orchestration.resources import Workspace
from orchestration.work import utc_now


def write_sources(paths: TenantPaths, *sources: dict[str, Any]) -> None:
    (paths.directory / "pulls.yaml").write_text(json.dumps({"pulls": sources}), encoding="utf-8")


def source(name: str, **changed: Any) -> dict[str, Any]:
    return {"source": name, "url": "http://127.0.0.1:9/", "contract": "usage", **changed}


def tick(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(cursor=cursor, resources={"workspace": Workspace()})
    return build_definitions().resolve_sensor_def("pull")(context)


def test_each_source_is_asked_when_its_interval_is_over(empty: TenantPaths):
    assert "no source" in (tick(None).skip_message or "")
    write_sources(empty, source("clara", interval_s=60), source("mary", interval_s=600))
    assert asked(tick(None)) == ["clara.usage,mary.usage"]
    now = utc_now().timestamp()
    assert "due" in (tick(json.dumps({"clara.usage": now - 30, "mary.usage": now - 30})).skip_message or "")
    later = tick(json.dumps({"clara.usage": now - 61, "mary.usage": now - 61, "gone.usage": now}))
    assert asked(later) == ["clara.usage"]
    assert set(json.loads(later.cursor)) == {"clara.usage", "mary.usage"}
    assert "due" in (tick(later.cursor).skip_message or "")


def asked(found: dg.SensorResult | dg.SkipReason) -> list[str]:
    assert isinstance(found, dg.SensorResult)
    return [run.tags[SOURCES_TAG] for run in found.run_requests or []]


def test_a_source_in_trouble_fails_the_run_and_says_why(empty: TenantPaths):
    write_sources(empty, source("clara"), source("mary"))
    ran = dg.materialize(
        [pulled_asset()], resources={"workspace": Workspace()}, tags={SOURCES_TAG: "clara.usage"}, raise_on_error=False
    )
    (failure,) = [event.step_failure_data for event in ran.all_events if event.is_step_failure]
    assert failure.user_failure_data.description == "1 of 1 sources are in trouble."
    assert "AURORA_PULL_ALLOWED" in str(failure.user_failure_data.metadata["clara.usage"].value)


def test_a_build_pulls_nothing():
    for name in ("what_changed", "everything", "nightly"):
        job = build_definitions().resolve_job_def(name)
        assert PULLED_KEY not in job.asset_layer.selected_asset_keys
