"""Ingest is killed with SIGKILL at random moments, again and again, and must still end as one clean run does.

python -m benchmarks.campaigns.ingest_kills --kills 200

A landing folder is ingested by child processes, each killed after a random while; when one lives to the end
the lake is compared, row by row, with that of a run that nobody disturbed, and a new round begins on an
empty lake. Prints one JSON report; exits with 1 when a lake differed. The small version is in the suite.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from aurora.ingest.batch import ingest_landing
from aurora.privacy.disclosure import opened_text
from aurora.settings import PROJECT_DIR
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant, tenant_paths
from aurora.store.vault import Vault
from benchmarks.harness import Result, report
from contracts import registry

NOW: Final = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
TENANT: Final = "demo"
_NOT_COMPARED: Final = frozenset({"ingested_at"})
_LONGEST_S: Final = 4.0
"""A child that was not killed by then has long begun to commit; most are killed before."""


def fill_landing(paths: TenantPaths, *, file_count: int, rows_per_file: int, seed: int) -> None:
    """NDJSON and CSV files with bad rows, and rows that other files hold too, equal or not."""
    draw = random.Random(seed)
    for number in range(file_count):
        folder = paths.landing / f"source_{number // 2 % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [_row(draw, number * rows_per_file * 9 // 10 + place) for place in range(rows_per_file)]
        if number % 2:
            lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
        else:
            lines = [json.dumps(row) for row in rows]
            lines[draw.randrange(len(lines))] = '{"usage_id": "cut off'
        (folder / f"file_{number}.{'csv' if number % 2 else 'ndjson'}").write_text("\n".join(lines), encoding="utf-8")


def _row(draw: random.Random, number: int) -> dict[str, Any]:
    # what a row holds follows from its number, but for a few, so that most shared rows are equal
    own = random.Random(number)
    return {
        "usage_id": f"call-{number}",
        "occurred_at": f"2026-09-{1 + own.randrange(28):02d}T{own.randrange(24):02d}:00:00Z",
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": own.choice(["gpt-4o", "gpt-4o-mini", "own-llm"]),
        "input_tokens": own.randrange(5000) - (5000 if draw.random() < 0.01 else 0),
        "output_tokens": own.randrange(900) + (draw.random() < 0.01),
        "region": "ae-dubai",
    }


def start(paths: TenantPaths) -> subprocess.Popen[bytes]:
    """A process that ingests the landing folder; it says so once it is about to begin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.campaigns.ingest_kills", "--child", str(paths.data_dir)],
        cwd=PROJECT_DIR,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if process.stdout is not None:
        process.stdout.readline()
    return process


def finish(*processes: subprocess.Popen[bytes]) -> None:
    """Wait until all have ended well."""
    for process in processes:
        _, errors = process.communicate(timeout=300)
        if process.returncode:
            raise RuntimeError(f"Ingest failed: {errors.decode(errors='replace')}")


def kill_until_done(paths: TenantPaths, *, draw: random.Random, kills: int) -> int:
    """Kill at most `kills` children at random moments, then let one end; returns how many were killed."""
    killed = 0
    while killed < kills:
        with start(paths) as process:
            try:
                process.wait(timeout=draw.uniform(0.0, min(_LONGEST_S, 0.2 + 0.15 * killed)))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
                continue
            finish(process)
            return killed
    finish(start(paths))
    return killed


def lake_hash(paths: TenantPaths, *, ignoring: Collection[str] = ()) -> str:
    """One hash over the rows of all raw tables, whatever their order; the moment of ingest left out.

    Protected values are compared in clear: each lake has keys of its own.
    """
    digest = hashlib.sha256()
    with read_lake(paths) as lake, Vault.open(paths) as vault:
        for declared in registry.tables().values():
            left_out = {*_NOT_COMPARED, *ignoring}
            columns = ", ".join(name for name in declared.stored_columns if name not in left_out)
            found = lake.query(f"SELECT {columns} FROM raw.{declared.name}").iter_rows()
            rows = sorted(repr([_clear(vault, value) for value in row]) for row in found)
            digest.update(f"{declared.name} {len(rows)}\n".encode())
            for row in rows:
                digest.update(row.encode() + b"\n")
    return digest.hexdigest()


def _clear(vault: Vault, value: object) -> object:
    return opened_text(vault, value) if isinstance(value, str) and "enc1:" in value else value


def orphan_rows(paths: TenantPaths) -> int:
    """Rows without a batch in the ledger, and batches whose counts are not those of the rows."""
    with read_lake(paths) as lake:
        found = lake.query(
            """
            WITH landed AS (SELECT batch_id, count(*) AS n FROM raw.usage GROUP BY batch_id),
            refused AS (SELECT batch_id, count(DISTINCT row_number) AS n FROM raw.quarantine GROUP BY batch_id)
            SELECT
                (SELECT count(*) FROM landed ANTI JOIN raw.ingest_batch USING (batch_id))
                + (SELECT count(*) FROM refused ANTI JOIN raw.ingest_batch USING (batch_id))
                + (
                    SELECT count(*) FROM raw.ingest_batch AS b
                    LEFT JOIN landed ON landed.batch_id = b.batch_id
                    LEFT JOIN refused ON refused.batch_id = b.batch_id
                    WHERE coalesce(landed.n, 0) <> good_count OR coalesce(refused.n, 0) <> quarantined_count
                        OR row_count <> good_count + quarantined_count + duplicate_count
                ) AS n
            """
        )
    return int(found.item())


def campaign(*, kills: int, seed: int, folder: Path) -> list[Result]:
    """Rounds of kills until there were `kills` of them; each round's lake is compared with the clean one."""
    draw = random.Random(seed)
    template = create_tenant(folder / "template", TENANT, "ae-dubai")
    create_lake(template)
    fill_landing(template, file_count=8, rows_per_file=4000, seed=seed)
    clean = _copy(template, folder / "clean")
    finish(start(clean))
    wanted = lake_hash(clean)
    killed = rounds = differing = orphans = 0
    while killed < kills:
        round_paths = _copy(template, folder / "round")
        killed += kill_until_done(round_paths, draw=draw, kills=min(25, kills - killed))
        rounds += 1
        differing += lake_hash(round_paths) != wanted
        orphans += orphan_rows(round_paths)
        shutil.rmtree(round_paths.data_dir)
    return [
        Result(metric="kills", value=killed, unit="kills", bar=kills, op=">="),
        Result(metric="rounds", value=rounds, unit="rounds"),
        Result(metric="lakes_that_differ", value=differing, unit="lakes", bar=0, op="<="),
        Result(metric="orphan_rows", value=orphans, unit="rows", bar=0, op="<="),
    ]


def _copy(template: TenantPaths, folder: Path) -> TenantPaths:
    shutil.copytree(template.data_dir, folder)
    return TenantPaths(folder, TENANT, template.region)


def _child(data_dir: Path) -> None:
    paths = tenant_paths(data_dir, TENANT)
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    # several transactions, so that kills fall between them too
    ingest_landing(paths, clock=lambda: NOW, files_per_commit=2)


def main() -> int:
    """The campaign, or one child of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--child", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        _child(given.child)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        results = campaign(kills=given.kills, seed=given.seed, folder=Path(folder))
    print(json.dumps(report("ingest_kills", results), indent=2))
    return 1 if any(result.is_ok is False for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
