"""Is everything in order? `doctor` looks at the machine, `status` at the tenants and their lakes."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from apps.ports import require_free
from apps.render import Json, print_json, print_line, print_record
from aurora.errors import AuroraError, NotReadyError
from aurora.settings import PREFIX, Settings, load_settings
from aurora.store.paths import TenantPaths, list_tenants, tenant_paths

_MIN_FREE_GIB = 5


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(doctor)
    app.command()(status)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    is_ok: bool
    detail: str
    next_step: str = ""


def doctor(*, json: Json = False) -> None:
    """Check the machine and say what to mend.

    Looks at Python, disk, ports, DuckDB's extensions, the clock, tenants and key files.
    """
    findings = list(_findings(load_settings(os.environ)))
    if json:
        print_json([{"check": f.check, "ok": f.is_ok, "detail": f.detail, "next_step": f.next_step} for f in findings])
    else:
        for finding in findings:
            print_line(f"{'ok  ' if finding.is_ok else 'FAIL'}  {finding.check}: {finding.detail}")
            if not finding.is_ok:
                print_line(f"      next: {finding.next_step}")
    if not all(finding.is_ok for finding in findings):
        raise typer.Exit(NotReadyError.exit_code)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield Finding(
        "python",
        sys.version_info[:2] == (3, 11),
        platform.python_version(),
        "Use Python 3.11: make PYTHON=python3.11 run",
    )
    yield _disk(settings.data_dir)
    yield _port(settings, settings.port, PREFIX + "PORT")
    yield _port(settings, settings.dagster_port, PREFIX + "DAGSTER_PORT")
    yield _extensions()
    yield Finding(
        "clock", time.time() > 1_700_000_000, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "Set the clock."
    )
    for tenant in list_tenants(settings.data_dir):
        yield from _tenant_findings(tenant_paths(settings.data_dir, tenant))


def _disk(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 2**30
    writable = os.access(existing, os.W_OK)
    detail = f"{free:.0f} GiB free{'' if writable else ', not writable'}"
    return Finding("disk", writable and free >= _MIN_FREE_GIB, detail, f"Free some space, or set {PREFIX}DATA_DIR.")


def _port(settings: Settings, port: int, setting: str) -> Finding:
    try:
        require_free(settings.host, port, setting=setting)
    except NotReadyError as error:
        return Finding(f"port {port}", False, f"{error.message} Fine when it is Aurora itself.", error.next_step)  # noqa: FBT003
    return Finding(f"port {port}", True, "free")  # noqa: FBT003


def _extensions() -> Finding:
    from aurora.store.extensions import LAKE_EXTENSIONS, extension_file

    try:
        for name in LAKE_EXTENSIONS:
            extension_file(name)
    except AuroraError as error:
        return Finding("duckdb extensions", False, error.message, error.next_step)  # noqa: FBT003
    return Finding("duckdb extensions", True, ", ".join(LAKE_EXTENSIONS))  # noqa: FBT003


def _tenant_findings(paths: TenantPaths) -> Iterator[Finding]:
    missing = [path.name for path in (paths.catalog("raw"), paths.catalog("mart"), paths.state) if not path.exists()]
    yield Finding(
        f"tenant {paths.tenant}",
        not missing,
        f"missing: {', '.join(missing)}" if missing else paths.region,
        "aurora demo",
    )
    for key in paths.directory.glob("*.key"):
        mode = key.stat().st_mode & 0o777
        yield Finding(f"key file {key.name}", mode == 0o600, oct(mode), f"chmod 600 {key.name}")


def status(*, json: Json = False) -> None:
    """Tenants and what their lakes hold.

    Rows in, landed, quarantined, duplicate and unpriced, decisions, the fleet's states, and the snapshots of both lakes.
    """
    settings = load_settings(os.environ)
    rows = [_tenant_status(tenant_paths(settings.data_dir, tenant)) for tenant in list_tenants(settings.data_dir)]
    if json:
        print_json(rows)
    elif not rows:
        print_line("No tenant yet. `make run` makes the demo company; `aurora demo` only builds it.")
    else:
        for row in rows:
            print_record(row)
            print_line()


def _tenant_status(paths: TenantPaths) -> dict[str, object]:
    from aurora.store.lake import read_lake

    with read_lake(paths) as lake:
        ledger = lake.query(
            "select count(distinct batch_id) as batches, sum(row_count)::bigint as rows_in, sum(good_count)::bigint as landed, "
            "sum(quarantined_count)::bigint as quarantined, sum(duplicate_count)::bigint as duplicates, "
            "sum(unpriced_count)::bigint as unpriced from raw.ingest_batch"
        ).row(0, named=True)
        decisions = lake.query("select count(*) as n from raw.decision").item()
        return {
            "tenant": paths.tenant,
            "region": paths.region,
            **{key: value or 0 for key, value in ledger.items()},
            "decisions": decisions,
            **_fleet_status(paths),
            "raw_snapshot": lake.snapshot_id("raw"),
            "mart_snapshot": lake.snapshot_id("mart"),
        }


def _fleet_status(paths: TenantPaths) -> dict[str, object]:
    """How many assistants are in which state, as a running Aurora sees them now."""
    from collections import Counter

    from apps.bootstrap import utc_now
    from aurora.assistants.live import read_live

    fleet = read_live(paths, now=utc_now())
    if fleet is None:
        return {"assistants": "not polled now"}
    seen = [one for one in fleet.assistants if one.is_connected]
    counts = Counter(one.assistant_state for one in seen)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none connected"
    away = [one.assistant_id for one in fleet.assistants if one.assistant_state in {"down", "disabled"}]
    return {"assistants": told, "assistants_away": ", ".join(away) or None}
