"""`python -m orchestration`: fast when fresh, clear when it fails, gone when told to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora.store.connection import hold_write_lock
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from orchestration.__main__ import INTERRUPTED, build, main
from orchestration.freshness import read_record, record_file
from orchestration.stages import FEATURES, FLEET, JOURNAL, LANDING, MARTS, STAGES, is_fresh, run_stage
from orchestration.work import Work
from tests.dbt import company
from tests.orchestration.graph import Ran, environment, fill

ROOT = Path(__file__).resolve().parents[2]


def _command(paths: TenantPaths, *arguments: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment(paths.data_dir), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_fresh_tenant_is_looked_at_without_importing_dagster(whole_run: Ran):
    script = (
        "import sys; from orchestration.__main__ import main; code = main(['build']);"
        "print([name for name in ('dagster', 'dbt', 'mlflow', 'sklearn', 'pandera') if name in sys.modules]);"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment(whole_run.paths.data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    assert "Everything is fresh." in done.stderr


@pytest.mark.usefixtures("empty")
def test_an_unknown_tenant_ends_with_not_found_and_the_next_step(capfd: pytest.CaptureFixture[str]):
    assert main(["build", "--tenant", "nobody"]) == 5
    told = capfd.readouterr().err
    assert "nobody" in told
    assert "next:" in told


@pytest.mark.usefixtures("empty")
def test_an_unknown_setting_ends_as_wrong_usage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AURORA_COLOUR", "blue")
    assert main(["build"]) == 2


def test_sync_sources_leaves_what_the_contracts_say(capfd: pytest.CaptureFixture[str]):
    assert main(["sync-sources"]) == 0
    assert "is what the contracts say" in capfd.readouterr().err


def test_sigterm_in_the_middle_ends_with_130_and_the_next_build_goes_on(empty: TenantPaths):
    fill(empty)
    with _command(empty, "build") as started:
        assert started.stderr is not None
        for line in started.stderr:
            if line.strip().startswith("marts:"):
                started.send_signal(signal.SIGTERM)
                break
        told = started.stderr.read()
    assert started.returncode == INTERRUPTED
    assert "Interrupted" in told
    assert "Traceback" not in told
    assert read_record(empty, MARTS.name) is None
    landed = read_record(empty, LANDING.name)
    assert landed is not None
    assert landed.state == "built"


def test_a_build_keeps_its_run_in_dagster_home(tenant: TenantPaths, tmp_path: Path):
    home = tmp_path / "home"
    record_file(tenant, FEATURES.name).unlink()
    with _command(tenant, "build", DAGSTER_HOME=str(home)) as started:
        told = started.communicate()[1]
    assert started.returncode == 0, told
    assert (home / "dagster.yaml").read_text() == (ROOT / "dagster.yaml").read_text()
    assert any(home.rglob("*.db"))


# stages ---------------------------------------------------------------------------------------


def test_a_stage_that_fails_is_written_down_with_its_exit_code_and_tried_again(
    empty: TenantPaths, work_of: Callable[[TenantPaths], Work]
):
    work = work_of(empty)
    with pytest.raises(Exception, match="assistant_features is not built"):
        run_stage(FEATURES, work)
    record = read_record(empty, FEATURES.name)
    assert record is not None
    assert (record.state, record.exit_code) == ("failed", 6)
    assert "aurora build" in record.message
    assert not is_fresh(FEATURES, work)


def test_a_journal_that_a_later_stage_opens_leaves_its_own_stage_fresh(
    empty: TenantPaths, work_of: Callable[[TenantPaths], Work]
):
    work = work_of(empty)
    assert run_stage(JOURNAL, work)[0] == "built"
    StateStore.open(empty, clock=work.clock).close()
    assert is_fresh(JOURNAL, work)


def test_a_damaged_record_means_the_stage_runs_again(empty: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    work = work_of(empty)
    assert run_stage(FLEET, work)[0] == "built"
    assert run_stage(FLEET, work)[0] == "fresh"
    record_file(empty, FLEET.name).write_text("{", encoding="utf-8")
    outcome, record = run_stage(FLEET, work)
    assert outcome == "built"
    assert record.details["changed_count"] == 0


def test_features_that_were_lost_are_published_again(tenant: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    work = work_of(tenant)
    assert is_fresh(FEATURES, work)
    (tenant.serving / "features.json").unlink()
    assert not is_fresh(FEATURES, work)
    assert run_stage(FEATURES, work)[0] == "built"


def test_a_touched_file_makes_only_the_stages_behind_it_stale(
    tenant: TenantPaths, work_of: Callable[[TenantPaths], Work]
):
    work = work_of(tenant)
    run_stage(LANDING, work)
    assert all(is_fresh(stage, work) for stage in STAGES)
    company.drop(tenant, "more", company.usage_rows(count=3, seed=9))
    assert [stage.name for stage in STAGES if not is_fresh(stage, work)] == ["landing"]
    run_stage(LANDING, work)
    assert [stage.name for stage in STAGES if not is_fresh(stage, work)] == ["rules", "checks", "marts"]


def test_records_are_what_other_rooms_read(whole_run: Ran):
    for stage in STAGES:
        record = json.loads(record_file(whole_run.paths, stage.name).read_bytes())
        assert record["stage"] == stage.name
        assert record["state"] == "built"
        assert record["seconds"] >= 0


def test_a_build_waits_for_the_marts_writer_rather_than_failing(tenant: TenantPaths):
    company.drop(tenant, "more", company.usage_rows(count=3, seed=9))
    with hold_write_lock(tenant, "mart"):
        started = _command(tenant, "build")
        assert started.stderr is not None
        lines = iter(started.stderr)
        assert any(line.strip().startswith("marts:") for line in lines)
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(1.5)
    with started:
        told = started.stderr.read()
    assert started.returncode == 0, told
    assert "marts: done" in told


def test_nothing_to_do_is_told_in_one_line(tenant: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    work = work_of(tenant)
    run_stage(LANDING, work)
    told: list[str] = []
    silent = Work(settings=work.settings, paths=work.paths, clock=work.clock, progress=told.append)
    assert build(silent) == 0
    assert told == ["Everything is fresh."]
