"""`python -m orchestration`: what the launcher and `aurora` start in a process of its own.

    python -m orchestration build [--tenant T]   materialise what is not fresh
    python -m orchestration sync-sources         write dbt's sources from the contracts
    python -m orchestration write-kpis           compile the KPI files and write docs/reference/kpis.md

Ends with 0, or with the exit code of the first thing that failed. Ctrl-C and SIGTERM end it at once
with 130: every stage commits whole or not at all, so running again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from aurora.errors import AuroraError
from orchestration.stages import STAGES, is_fresh
from orchestration.work import Work, open_work, tell

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "sync-sources":
            return sync_sources()
        if given.command == "write-kpis":
            return write_kpis()
        return build(open_work(os.environ, tenant=given.tenant, is_told=True))
    except AuroraError as error:
        tell(f"failed: {error.message}")
        tell(f"  next: {error.next_step}")
        return error.exit_code


def sync_sources() -> int:
    """Write dbt's source declaration from the contracts."""
    from orchestration.dbt_sources import SOURCES_FILE, write_sources

    tell(f"{SOURCES_FILE.name}: " + ("written" if write_sources() else "is what the contracts say"))
    return 0


def write_kpis() -> int:
    """Compile the KPI files into their dbt model, and write the catalogue page."""
    from aurora.catalogue.kpi_files import read_kpis, write_kpi_values
    from aurora.insights.kpi_page import PAGE, kpis_page
    from orchestration.dbt_runner import DBT_PROJECT_DIR

    write_kpi_values(DBT_PROJECT_DIR)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(kpis_page(read_kpis(DBT_PROJECT_DIR)), encoding="utf-8")
    return 0


def build(work: Work) -> int:
    """Materialise what is not fresh. Dagster is imported only when there is something to do."""
    if all(is_fresh(stage, work) for stage in STAGES):
        work.progress("Everything is fresh.")
        return 0
    return _until_interrupted(work)


def _until_interrupted(work: Work) -> int:
    """Build in a second thread, so that a signal reaches this one whatever the build is doing."""
    codes: list[int] = []
    run_id: list[str] = []

    def work_on() -> None:
        from orchestration.headless import materialize

        codes.append(materialize(work, begun=run_id.append))

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    thread = threading.Thread(target=work_on, name="build", daemon=True)
    try:
        thread.start()
        thread.join()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        tell("Interrupted. What was committed is kept; run again to go on.")
        if run_id:
            from orchestration.headless import cancel

            cancel(run_id[0])
        sys.stderr.flush()
        os._exit(INTERRUPTED)  # the thread may be deep inside a query, which Python would wait for
    return codes[0] if codes else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestration", description="Aurora's clock, headless.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="materialise what is not fresh")
    building.add_argument("--tenant", default="", help="tenant; AURORA_TENANT when absent")
    commands.add_parser("sync-sources", help="write dbt's sources from the contracts")
    commands.add_parser("write-kpis", help="compile the KPI files and write docs/reference/kpis.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
