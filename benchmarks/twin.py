"""Ninety days of the twin from a seed to the marts, twice: how long it takes, and whether both lakes are the same.

Each run has a data folder of its own. The history is generated in this process and ingested and built by
`python -m orchestration build`, as a person would. The bar is held against the slower run;
both are told, and CPU seconds beside them. `data` is a folder of real data (the market's statistics); without
it there is none. `scale` is the share of 2 M usage rows.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aurora.errors import AuroraError
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state_schema import migrate
from benchmarks.harness import Result
from orchestration.freshness import read_record
from twin.content import lake_hash
from twin.frame import DAYS, LEADS, TASKS, USAGE_ROWS
from twin.history import twin_frame, write_history

BAR_S: Final = 180
_UNTIL: Final = dt.date(2026, 11, 26)
_SEED: Final = 7
_STAGES: Final = ("landing", "entities", "checks", "marts", "route_llm")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one run took and made."""

    generate_s: float
    build_s: float
    cpu_s: float
    stages: dict[str, float]
    counts: dict[str, int]
    files_hash: str
    content_hash: str
    hash_s: float

    @property
    def total_s(self) -> float:
        """From the seed to the marts."""
        return self.generate_s + self.build_s


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Seconds by phase of the slower run, its rows against what the issue asks for, and both hashes compared."""
    first, second = sorted((_run(data, scale) for _ in range(2)), key=lambda one: -one.total_s)
    least = {"usage": USAGE_ROWS, "task": TASKS, "lead": LEADS}
    return [
        Result(metric="history_to_marts", value=first.total_s, unit="s", bar=BAR_S, op="<="),
        Result(metric="history_to_marts_other_run", value=second.total_s, unit="s"),
        Result(metric="generate", value=first.generate_s, unit="s"),
        Result(metric="build", value=first.build_s, unit="s"),
        Result(metric="cpu", value=first.cpu_s, unit="CPU s"),
        *[Result(metric=f"build_{name}", value=seconds, unit="s") for name, seconds in first.stages.items()],
        *[
            Result(metric=f"{name}_rows", value=first.counts[name], unit="rows", bar=round(rows * scale), op=">=")
            for name, rows in least.items()
        ],
        Result(metric="all_rows", value=sum(first.counts.values()), unit="rows"),
        Result(
            metric="same_files", value=float(first.files_hash == second.files_hash), unit="1 is yes", bar=1, op=">="
        ),
        Result(
            metric="same_lake", value=float(first.content_hash == second.content_hash), unit="1 is yes", bar=1, op=">="
        ),
        Result(metric="hash_lake", value=first.hash_s, unit="s"),
    ]


def _run(data: Path | None, scale: float) -> _Run:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shared = data or folder / "no-real-data"
        settings = Settings(data_dir=folder / "data", tenant="bench", shared_data_dir=shared)
        paths = create_tenant(settings.data_dir, settings.tenant, settings.region)
        migrate(paths.state)
        create_lake(paths)
        cpu, began = _cpu(), time.monotonic()
        frame = twin_frame(settings, paths, until=_UNTIL, days=DAYS, seed=_SEED, scale=scale)
        manifest = write_history(paths, frame, shared_data=data)
        generated = time.monotonic()
        _build(settings)
        built = time.monotonic()
        cpu = _cpu() - cpu
        content, _ = lake_hash(paths)
        return _Run(
            generate_s=generated - began,
            build_s=built - generated,
            cpu_s=cpu,
            stages={name: record.seconds for name in _STAGES if (record := read_record(paths, name))},
            counts=_counts(paths, manifest),
            files_hash=manifest["files_hash"],
            content_hash=content,
            hash_s=time.monotonic() - built,
        )


def _build(settings: Settings) -> None:
    environment = os.environ | {
        "AURORA_DATA_DIR": str(settings.data_dir),
        "AURORA_SHARED_DATA_DIR": str(settings.shared_data_dir),
        "AURORA_TENANT": settings.tenant,
    }
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", "build"],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise AuroraError(
            f"The build ended with {done.returncode}.", next_step="Its messages stand above; mend what they name."
        )


def _counts(paths: TenantPaths, manifest: dict[str, Any]) -> dict[str, int]:
    """Rows in the lake of every contract that the twin exported."""
    with read_lake(paths) as lake:
        return {name: int(lake.query(f"SELECT count(*) FROM raw.{name}").item()) for name in manifest["row_counts"]}


def _cpu() -> float:
    """CPU seconds of this process and of those it has started and waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
