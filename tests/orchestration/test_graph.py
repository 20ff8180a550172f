"""The whole graph over a small company: what it makes, what it checks, what stops what."""

import datetime as dt
from collections.abc import Callable

import dagster as dg
import polars as pl
import pytest
from dagster._core.instance.config import dagster_instance_config

from aurora.decisions.features import load_features
from aurora.settings import PROJECT_DIR
from aurora.store.lake import read_lake, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry
from orchestration.contract_checks import KEY, REQUIRED, VALUES, contract_checks, failing_counts
from orchestration.definitions import build_definitions
from orchestration.defs.decisions.assets import NO_SKEW
from orchestration.defs.quality.checks import ASSET, FRESH, NORMAL, STEP
from orchestration.defs.upkeep.assets import upkeep_asset
from orchestration.headless import materialize
from orchestration.resources import Workspace
from orchestration.stages import CHECKS, MARTS, STAGES, is_fresh
from orchestration.work import Work
from tests.dbt import company
from tests.orchestration.graph import QUIET, Ran, execute, steps

NAMES = {stage.name for stage in STAGES}
OFFSET = {"journal_seq": [1], "row_count": [1], "ingested_at": [company.NOW]}


# what there is --------------------------------------------------------------------------------


def test_the_definitions_load_as_dagster_loads_them():
    dg.Definitions.validate_loadable(build_definitions())


def test_the_graph_goes_from_raw_to_marts_to_serving():
    graph = build_definitions().resolve_asset_graph()
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert {f"raw/{name}" for name in registry.tables()} <= keys
    assert {"mart/usage_daily", "mart/kpi_values", "serving/features", "serving/route_llm", "upkeep/lake"} <= keys
    parents = graph.get(dg.AssetKey(["serving", "features"])).parent_keys
    assert parents == {dg.AssetKey(["mart", "assistant_features"])}
    behind = graph.get(dg.AssetKey(["mart", "usage_daily"])).parent_keys
    logs = ("usage", "enhanced_ai_model_usage", "ai_operation_metric")
    assert behind == {dg.AssetKey(["raw", name]) for name in logs}


def test_every_contract_has_asset_checks_and_the_ones_that_make_figures_wrong_block():
    graph = build_definitions().resolve_asset_graph()
    checks = {(key.asset_key.path[-1], key.name): graph.get_check_spec(key) for key in graph.asset_check_keys}
    for table in registry.tables():
        assert checks[table, KEY].blocking
        assert checks[table, REQUIRED].blocking
    of_sources = {(ASSET, FRESH), (ASSET, NORMAL), ("features", NO_SKEW)}
    assert {name for name, spec in checks.items() if not spec.blocking} == of_sources | {
        (check.table, check.name) for check in contract_checks() if check.name == VALUES
    }


def test_the_schedules_and_the_sensor_are_on_from_the_start():
    repository = build_definitions().get_repository_def()
    schedules = {one.name: one for one in repository.schedule_defs}
    assert {name: one.default_status for name, one in schedules.items()} == {
        "hourly": dg.DefaultScheduleStatus.RUNNING,
        "nightly": dg.DefaultScheduleStatus.RUNNING,
        "digest": dg.DefaultScheduleStatus.RUNNING,
        "capacity": dg.DefaultScheduleStatus.RUNNING,
        "ledger": dg.DefaultScheduleStatus.RUNNING,
        "learning": dg.DefaultScheduleStatus.RUNNING,
    }
    assert repository.get_sensor_def("landing").default_status == dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize(("name", "job"), [("hourly", "what_changed"), ("nightly", "nightly")])
def test_a_schedule_asks_for_its_job(name: str, job: str):
    schedule = build_definitions().resolve_schedule_def(name)
    asked = schedule.evaluate_tick(
        dg.build_schedule_context(scheduled_execution_time=dt.datetime(2026, 9, 1, 22, 40, tzinfo=dt.UTC))
    )
    assert schedule.job_name == job
    assert len(asked.run_requests or []) == 1


def test_the_hourly_job_leaves_training_and_upkeep_to_the_night():
    graph = build_definitions()
    hourly = {str(node) for node in graph.resolve_job_def("what_changed").graph.node_dict}
    nightly = {str(node) for node in graph.resolve_job_def("nightly").graph.node_dict}
    assert hourly == NAMES - {"route_llm"} | {STEP}
    assert hourly | {"route_llm"} < nightly


# a run ----------------------------------------------------------------------------------------


def test_one_run_brings_files_in_and_ends_with_features_and_a_bundle(whole_run: Ran):
    assert whole_run.result.success
    assert steps(whole_run.result) == {"succeeded": NAMES | {STEP}, "failed": set()}
    with read_lake(whole_run.paths) as lake:
        assert lake.query("SELECT count(*) FROM raw.usage").item() == 120
        assert lake.query("SELECT count(*) FROM raw.quarantine").item() == 3
        assert lake.query("SELECT sum(operation_count) FROM mart.usage_daily").item() > 120
    features = load_features(whole_run.paths)
    assert features is not None
    assert features.rows
    assert any((whole_run.paths.serving / "bundles" / "route_llm").iterdir())


def test_every_asset_is_materialised_and_every_check_passes(whole_run: Ran):
    made = {event.asset_key for event in whole_run.result.get_asset_materialization_events()}
    graph = build_definitions().resolve_asset_graph()
    of_their_own_jobs = {
        dg.AssetKey(name)
        for name in (
            ["upkeep", "lake"],
            ["pulled", "pages"],
            ["alerts", "raised"],
            ["alerts", "digest"],
            ["serving", "demand"],
            ["serving", "learning"],
            ["state", "conflict_ledger"],
        )
    }
    assert made == set(graph.get_all_asset_keys()) - of_their_own_jobs
    evaluations = whole_run.result.get_asset_check_evaluations()
    assert len(evaluations) == len(contract_checks()) + 3
    assert all(one.passed for one in evaluations)


def test_a_tenant_that_was_moved_is_still_fresh(tenant: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    work = work_of(tenant)
    stale = [stage.name for stage in STAGES if not is_fresh(stage, work)]
    assert stale == ["landing"]  # paths of files changed: they are looked at again, and known
    execute(tenant)
    assert all(is_fresh(stage, work) for stage in STAGES)


def test_dagsters_settings_are_ones_it_knows_and_send_nothing():
    settings, _ = dagster_instance_config(str(PROJECT_DIR))  # refuses unknown keys
    assert settings["telemetry"] == {"enabled": False}
    assert settings["concurrency"]["runs"]["max_concurrent_runs"] == 1


# what stops what ------------------------------------------------------------------------------


def _write_around_ingest(paths: TenantPaths, table: str, rows: pl.DataFrame) -> None:
    write_lake(paths, "raw", lambda lake: lake.append(table, rows), author="tests", message="Around ingest")


def _offsets(seq: int) -> pl.DataFrame:
    return pl.DataFrame(
        OFFSET | {"journal_seq": [seq]}, schema=registry.polars_schema(registry.table("journal_offset"))
    )


def test_a_repeated_key_written_around_ingest_blocks_marts_but_not_training(
    tenant: TenantPaths, work_of: Callable[[TenantPaths], Work], capfd: pytest.CaptureFixture[str]
):
    for _ in range(2):
        _write_around_ingest(tenant, "journal_offset", _offsets(7))
    work = work_of(tenant)
    told: list[str] = []
    code = materialize(
        Work(settings=work.settings, paths=work.paths, clock=work.clock, progress=told.append), begun=lambda _: None
    )
    assert code == 3
    assert any("1 rows of raw.journal_offset are wrong" in line for line in told)
    assert any(line.startswith("marts: not run") for line in told)
    assert any(line.startswith("features: not run") for line in told)
    assert not any(line.startswith("route_llm") for line in told)
    assert not is_fresh(MARTS, work)
    assert is_fresh(CHECKS, work)
    capfd.readouterr()


def test_a_value_out_of_bounds_is_shown_and_stops_nothing(tenant: TenantPaths):
    _write_around_ingest(tenant, "journal_offset", _offsets(-5))
    with read_lake(tenant) as lake:
        counts = failing_counts(lake)
    wrong = {name for name, count in counts.items() if count}
    assert wrong == {f"journal_offset.{VALUES}"}
    result = execute(tenant, "what_changed")
    assert result.success
    failed = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert [(one.check_name, one.severity) for one in failed] == [(VALUES, dg.AssetCheckSeverity.WARN)]


def test_a_missing_value_in_a_file_added_around_ingest_is_counted(tenant: TenantPaths):
    schema = registry.polars_schema(registry.table("journal_offset"))

    def add(lake) -> None:
        file = lake.folder("journal_offset") / "around.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(OFFSET | {"row_count": [None]}, schema=schema).write_parquet(file)
        lake.add_files("journal_offset", [file])

    write_lake(tenant, "raw", add, author="tests", message="Around ingest")
    with read_lake(tenant) as lake:
        counts = failing_counts(lake)
    assert {name for name, count in counts.items() if count} == {f"journal_offset.{REQUIRED}"}


# upkeep ---------------------------------------------------------------------------------------


def test_upkeep_keeps_what_the_lake_says_and_tells_what_it_did(tenant: TenantPaths):
    before = company.marts(tenant)
    result = dg.materialize(
        [upkeep_asset()],
        resources={"workspace": Workspace()},
        run_config=QUIET,
        instance=dg.DagsterInstance.ephemeral(tempdir=str(tenant.data_dir)),
    )
    assert result.success
    told = result.asset_materializations_for_node("upkeep__lake")[0].metadata
    assert told["runs_deleted"].value == 0
    assert len(told) > 3
    assert company.marts(tenant) == before
