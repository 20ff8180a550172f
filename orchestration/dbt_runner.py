"""Running dbt for one tenant, in process, as the only writer of its mart.

dbt's state lies under the tenant's folder (`dbt/target`, `dbt/logs`), never in the source tree, so that
its parse is kept between runs. Nothing is sent anywhere. A run that fails says which dbt models and
tests failed. A run that was killed is put right by running again: each incremental model commits its
rows and its watermark together.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aurora.catalogue.kpi_files import write_kpi_values
from aurora.errors import AuroraError, DataError, NotReadyError
from aurora.settings import PROJECT_DIR
from aurora.store.connection import hold_write_lock, latest_snapshot
from aurora.store.lake import dbt_attach
from aurora.store.paths import TenantPaths
from orchestration.dbt_changes import note_whole_build, standing, to_look_at
from orchestration.dbt_parse import shared_parse
from orchestration.dbt_views import VIEWS

DBT_PROJECT_DIR: Final = PROJECT_DIR / "dbt_project"
TIMEOUT_S: Final = 1800.0
LOG_BYTES: Final = 2_000_000
_ONE_RUN = threading.Lock()
"""dbt keeps its adapter, flags and connection in module globals: one run a process."""


class TransformError(AuroraError):
    """dbt could not build, or a test on what it built failed."""

    code, status, exit_code = "transform-failed", 500, 1


class DataTestError(DataError):
    """Every dbt model was built, and a test on the data failed."""

    code = "transform-test-failed"


@dataclass(frozen=True, slots=True)
class NodeResult:
    """One dbt node of a run: `usage_daily`, `model`, `success` ..."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str | None


@dataclass(frozen=True, slots=True)
class DbtReport:
    """What a run did. `raw_snapshot_id` is the snapshot of raw that every dbt model read."""

    command: tuple[str, ...]
    seconds: float
    raw_snapshot_id: int
    nodes: tuple[NodeResult, ...]

    @property
    def failures(self) -> tuple[NodeResult, ...]:
        """Nodes that did not do what they should."""
        return tuple(node for node in self.nodes if node.status in {"error", "fail", "runtime error"})


def run_dbt(
    paths: TenantPaths,
    command: Sequence[str] = ("build",),
    *,
    select: Sequence[str] | None = None,
    full_refresh: bool = False,
    only_changed: bool = False,
    project_dir: Path = DBT_PROJECT_DIR,
    timeout_s: float = TIMEOUT_S,
    with_unit_tests: bool = False,
    with_artifacts: bool = False,
) -> DbtReport:
    """Run one dbt command over the tenant's lakes.

    `full_refresh` makes every dbt model again from all of history; a changed dbt model does that by
    itself. `only_changed` replaces `select` by what raw tables that changed since the last whole build lead to; with
    none, dbt is not even imported. Unit tests are about the SQL, not the data, so a build leaves them out unless asked. dbt's own
    account of the project (`manifest.json`, `run_results.json`) costs 2 s to write and is left out likewise.
    Holds the mart's write lock throughout; ingest into raw goes on. After `timeout_s` the running query
    is interrupted and the run ends as failed. KPI files are compiled first. Errors: `TransformError`, `DataTestError`,
    and those of `hold_write_lock`.
    """
    start = time.monotonic()
    with _ONE_RUN, hold_write_lock(paths, "mart"):
        write_kpi_values(project_dir)
        began = standing(paths, project_dir)
        if only_changed:
            select = to_look_at(paths, dbt_folder(paths), began)
            if select == []:
                return DbtReport(tuple(command), time.monotonic() - start, latest_snapshot(paths, "raw"), ())
        is_whole = command[0] == "build" and (select is None or only_changed)
        arguments = _arguments(paths, command, project_dir) + _selection(
            command, select, with_unit_tests=with_unit_tests
        )
        arguments += ["--full-refresh"] if full_refresh else []
        arguments += [] if with_artifacts else ["--no-write-json"]
        with (
            _environment(paths, project_dir) as raw_snapshot,
            shared_parse(paths.data_dir, dbt_folder(paths) / "target", project_dir),
        ):
            result, is_late = _invoke(arguments, log=log_file(paths), timeout_s=timeout_s)
        report = DbtReport(tuple(command), time.monotonic() - start, raw_snapshot, _nodes(result))
        _raise_for(report, result, is_late=is_late, timeout_s=timeout_s, paths=paths)
        if is_whole:
            note_whole_build(paths, dbt_folder(paths), began)
    return report


def _selection(command: Sequence[str], select: Sequence[str] | None, *, with_unit_tests: bool) -> list[str]:
    """Which nodes of the project; views are none of a build's, since the lake plugin makes them all at once.

    With unit tests they are, and do nothing: dbt would leave theirs out with them.
    """
    chosen = ["--select", *select] if select else []
    if command[0] in {"build", "run"} and not with_unit_tests:
        chosen += ["--exclude", VIEWS]
    if command[0] in {"build", "test"} and not with_unit_tests:
        chosen += ["--exclude-resource-type", "unit_test"]
    return chosen


def dbt_folder(paths: TenantPaths) -> Path:
    """Where dbt keeps this tenant's target and logs."""
    return paths.directory / "dbt"


def _arguments(paths: TenantPaths, command: Sequence[str], project_dir: Path) -> list[str]:
    folder = dbt_folder(paths)
    return [
        *command,
        "--project-dir", str(project_dir),
        "--profiles-dir", str(project_dir),
        "--target-path", str(folder / "target"),
        "--log-path", str(folder / "logs"),
        "--log-level", "none",  # dbt formats each line before it looks at its level: a tenth of a run
        "--log-level-file", "none",
        "--no-version-check",
    ]  # fmt: skip


def log_file(paths: TenantPaths) -> Path:
    """What dbt said, from information upwards."""
    return dbt_folder(paths) / "logs" / "dbt.log"


@contextmanager
def _environment(paths: TenantPaths, project_dir: Path) -> Iterator[int]:
    """The environment that `profiles.yml` and the lake plugin read, put back afterwards."""
    from orchestration.dbt_lake import DATA_DIR, MEMORY_LIMIT, PROJECT, RAW_SNAPSHOT, SPILL, TENANT

    parts = dbt_attach(paths)
    fresh = {
        DATA_DIR: str(paths.data_dir),
        TENANT: paths.tenant,
        PROJECT: str(project_dir),
        RAW_SNAPSHOT: str(parts["raw_snapshot_id"]),
        MEMORY_LIMIT: parts["config_options"]["memory_limit"],
        SPILL: parts["config_options"]["temp_directory"],
    }
    before = {name: os.environ.get(name) for name in fresh}
    os.environ.update(fresh)
    try:
        yield int(parts["raw_snapshot_id"])
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _invoke(arguments: list[str], *, log: Path, timeout_s: float) -> tuple[Any, bool]:
    """dbt's result, and whether it ran out of time. Closes dbt's connection, and with it the pin on raw."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    done = threading.Event()
    late = threading.Event()
    watch = threading.Thread(target=_interrupt_when_late, args=(done, late, timeout_s), daemon=True)
    watch.start()
    try:
        with _log_lines(log) as note:
            return dbtRunner(callbacks=[note]).invoke(arguments), late.is_set()
    finally:
        done.set()
        watch.join()
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@contextmanager
def _log_lines(file: Path) -> Iterator[Callable[[Any], None]]:
    """Writes dbt's events, but for those of debugging, as lines of `file`; what it held goes to one file beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > LOG_BYTES:
        file.replace(file.with_suffix(".old.log"))
    with file.open("a", encoding="utf-8") as lines:

        def note(event: Any) -> None:
            if event.info.level in {"info", "warn", "error"}:
                lines.write(f"{event.info.ts.ToJsonString()} [{event.info.level}] {event.info.msg}\n")

        yield note


def _interrupt_when_late(done: threading.Event, late: threading.Event, timeout_s: float) -> None:
    """From the deadline on, interrupt whatever query dbt runs until dbt has ended."""
    from dbt.adapters.factory import FACTORY

    wait = timeout_s
    while not done.wait(wait):
        late.set()
        wait = 0.2
        for adapter in list(FACTORY.adapters.values()):
            for connection in list(adapter.connections.thread_connections.values()):
                if connection.handle is not None:
                    with suppress(Exception):  # dbt may have closed it in this moment
                        connection.handle.cursor().interrupt()


def _nodes(result: Any) -> tuple[NodeResult, ...]:
    ran = getattr(result.result, "results", None) or ()
    return tuple(
        NodeResult(
            str(getattr(one.node, "name", "")),
            str(getattr(one.node, "resource_type", "")),
            str(one.status),
            float(one.execution_time),
            one.message,
        )
        for one in ran
    )


def _raise_for(report: DbtReport, result: Any, *, is_late: bool, timeout_s: float, paths: TenantPaths) -> None:
    if result.success and not is_late:
        return
    log = log_file(paths)
    if is_late:
        raise NotReadyError(
            f"dbt did not end within {timeout_s:.0f} s and was stopped.",
            field=report.command[0],
            rule="timeout",
            next_step=f"What was done is kept; run again to go on. The log is {log}.",
        )
    failed = report.failures
    if not failed:
        raise TransformError(
            f"dbt {report.command[0]} did not start: {result.exception or 'no reason given'}.",
            field=report.command[0],
            rule="dbt",
            next_step=f"Mend what it names, then run again. The log is {log}.",
        ) from result.exception
    kind = DataTestError if all(node.kind == "test" for node in failed) else TransformError
    named = "; ".join(f"{node.kind} {node.name}: {_first_line(node.message)}" for node in failed)
    raise kind(
        f"dbt {report.command[0]} failed at {named}.",
        field=failed[0].name,
        rule="dbt",
        next_step=f"What else was done is kept; mend these and run again. The log is {log}.",
    )


def _first_line(message: str | None) -> str:
    lines = [line.strip() for line in (message or "no message").splitlines() if line.strip()]
    return " ".join(lines)[:300] if lines else "no message"
