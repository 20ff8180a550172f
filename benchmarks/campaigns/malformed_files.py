"""Malformed files, made from good ones of every format: nothing crashes, no good row is lost, all rows are accounted for.

python -m benchmarks.campaigns.malformed_files --files 1000 [--data ../shared/data/usage]

Each file is a seeded sample of one format, or a real export of the data folder, and goes wrong in one to three
ways (`mutations`). All of them are ingested. Then, for every file, rows in = landed + quarantined + duplicates,
and what the ledger says is what the lake holds. A row whose own line came through unchanged must have landed,
or stand in quarantine because a damaged line of the same id came first. A file so damaged that no format claims
it is refused whole, as one row, stays in the landing folder and is counted. Prints one JSON report; exits with 1
when anything is missing. The small version is in the suite.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aurora.errors import AuroraError
from aurora.ingest.batch import ingest_file, ingest_landing
from aurora.ingest.commit import UNKNOWN_FORMAT, BatchReport
from aurora.ingest.source_formats import SourceFormat, detect, source_formats
from aurora.store.lake import LakeReader, create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from benchmarks.campaigns.mutations import MUTATIONS
from benchmarks.harness import Result, report
from contracts import registry

NOW: Final = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
_ROWS_PER_FILE: Final = 12
_REAL_BYTES: Final = 200_000
_LINE_SUFFIXES: Final = (".ndjson", ".jsonl", ".csv")


@dataclass(frozen=True, slots=True)
class Malformed:
    """One file: what it was made from, what went wrong, and the bytes that came of it."""

    name: str
    mutations: tuple[str, ...]
    pristine: bytes
    data: bytes


def suffix_of(name: str) -> str:
    """File ending of a format, from its name."""
    return next((f".{end}" for end in ("ndjson", "jsonl", "csv", "parquet", "json") if name.endswith(end)), ".bin")


def malformed(
    *, count: int, seed: int, formats: Sequence[tuple[str, SourceFormat]], real: Sequence[Path] = ()
) -> list[Malformed]:
    """`count` files; the same seed gives the same bytes. Every fifth is made from a real export, where there are any."""
    made = []
    for number in range(count):
        draw = random.Random(seed * 1_000_003 + number)
        if real and number % 5 == 4:
            file = draw.choice(real)
            name, pristine = f"real-{number:05d}{file.suffix}", file.read_bytes()[:_REAL_BYTES]
        else:
            kind, source = formats[number % len(formats)]
            contract = draw.choice(source.CONTRACTS)
            name = f"{kind}-{number:05d}{suffix_of(kind)}"
            pristine = source.sample(contract=contract, row_count=_ROWS_PER_FILE, seed=seed * 10_000 + number)
        chosen = tuple(draw.choice(sorted(MUTATIONS)) for _ in range(draw.choice((1, 1, 1, 2, 3))))
        data = pristine
        for mutation in chosen:
            data = MUTATIONS[mutation](data, draw) if data else data
        made.append(Malformed(name, chosen, pristine, data or b"\n"))
    return made


def intact_ids(file: Malformed, rows: Sequence[tuple[str, str]]) -> list[str]:
    """Ids of pristine rows whose line stands unchanged in the malformed file. `rows` are (id, text that names it)."""
    lines = file.pristine.split(b"\n")
    header = file.data.split(b"\n", 1)[0].strip() if file.name.endswith(".csv") else None
    if header is not None and header != lines[0].strip():
        return []  # without its header no line of a CSV file says what it is
    kept = {line.strip() for line in file.data.split(b"\n")}
    found = []
    for row_id, text in rows:
        naming = [line for line in lines if text.encode() in line]
        if len(naming) == 1 and naming[0].strip() in kept:
            found.append(row_id)
    return found


def _pristine_rows(paths: TenantPaths, files: Sequence[Malformed]) -> dict[str, list[tuple[str, str]]]:
    """Rows of the undamaged line files, read in a tenant of their own: id, and the part of it that the line holds."""
    folder = paths.landing / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.name).write_bytes(file.pristine)
    reports = ingest_landing(paths, clock=lambda: NOW)
    names = {one.batch_id: one.file_name for one in reports}
    found: dict[str, list[tuple[str, str]]] = {}
    with read_lake(paths) as lake:
        for batch_id, row_id in _ids(lake):
            found.setdefault(names.get(batch_id, ""), []).append((row_id, row_id.rsplit(":", 1)[-1].rsplit("/", 1)[-1]))
    return found


def _ids(lake: LakeReader) -> list[tuple[str, str]]:
    parts = [
        f"SELECT batch_id, CAST({declared.key[0]} AS VARCHAR) AS id FROM raw.{declared.name}"
        for declared in registry.tables().values()
        if declared.is_ingested
    ]
    return [(str(batch), str(row)) for batch, row in lake.query(" UNION ALL ".join(parts)).iter_rows()]


def unaccounted(lake: LakeReader, reports: Sequence[BatchReport]) -> list[str]:
    """Files whose rows do not add up, or whose counts are not those of the lake."""
    landed = _counts(lake, [name for name, declared in registry.tables().items() if declared.is_ingested])
    refused = {
        str(batch): int(count)
        for batch, count in lake.query(
            "SELECT batch_id, count(*) FROM (SELECT DISTINCT batch_id, contract, row_number FROM raw.quarantine) GROUP BY 1"
        ).iter_rows()
    }
    return [
        one.file_name
        for one in reports
        if one.rows != one.good + one.quarantined + one.duplicates
        or landed.get(one.batch_id, 0) != one.good
        or refused.get(one.batch_id, 0) != one.quarantined
    ]


def _counts(lake: LakeReader, contracts: Sequence[str]) -> dict[str, int]:
    parts = " UNION ALL ".join(f"SELECT batch_id, count(*) AS n FROM raw.{name} GROUP BY 1" for name in contracts)
    return {
        str(batch): int(n)
        for batch, n in lake.query(f"SELECT batch_id, sum(n) FROM ({parts}) GROUP BY batch_id").iter_rows()
    }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a campaign found; all lists are empty when ingest keeps its word."""

    files: int
    rows: int
    landed: int
    quarantined: int
    duplicates: int
    crashed: list[str]
    unaccounted: list[str]
    lost: list[str]
    refused_whole: list[str]
    intact_count: int


def campaign(files: Sequence[Malformed], *, folder: Path) -> Outcome:
    """Ingest every file and hold the lake against what each held."""
    paths = _tenant(folder / "malformed")
    pristine = _pristine_rows(_tenant(folder / "pristine"), [one for one in files if one.name.endswith(_LINE_SUFFIXES)])
    landing = paths.landing / "exports"
    landing.mkdir(parents=True)
    for file in files:
        (landing / file.name).write_bytes(file.data)
    crashed: list[str] = []
    try:
        reports = ingest_landing(paths, clock=lambda: NOW)
    except Exception:  # noqa: BLE001 - the campaign's finding: which file ends ingest is looked for below
        reports, crashed = _one_by_one(paths, files)
    with read_lake(paths) as lake:
        there = {row for _, row in _ids(lake)}
        wrong = unaccounted(lake, reports)
        texts = "\n".join(
            lake.query("SELECT raw_row || reason AS text FROM raw.quarantine WHERE rule = 'unique_key'")["text"]
        )
    whole = {one.file_name for one in reports if one.source_format == UNKNOWN_FORMAT}
    intact = [
        (file, row) for file in files if file.name not in whole for row in intact_ids(file, pristine.get(file.name, []))
    ]
    lost = [f"{file.name}: {row}" for file, row in intact if row not in there and row not in texts]
    return Outcome(
        files=len(files),
        rows=sum(one.rows for one in reports),
        landed=sum(one.good for one in reports),
        quarantined=sum(one.quarantined for one in reports),
        duplicates=sum(one.duplicates for one in reports),
        crashed=crashed,
        unaccounted=wrong,
        lost=lost,
        refused_whole=sorted(whole),
        intact_count=len(intact),
    )


def _one_by_one(paths: TenantPaths, files: Sequence[Malformed]) -> tuple[list[BatchReport], list[str]]:
    reports, crashed = [], []
    for file in files:
        path = paths.landing / "exports" / file.name
        try:
            reports.append(ingest_file(paths, path, source="exports", clock=lambda: NOW))
        except AuroraError:
            continue  # one file asked for by name may be refused as a whole, and says why
        except Exception as error:  # noqa: BLE001 - the campaign's finding
            crashed.append(f"{file.name} ({', '.join(file.mutations)}): {type(error).__name__}: {error}"[:300])
    return reports, crashed


def _tenant(folder: Path) -> TenantPaths:
    paths = create_tenant(folder, "demo", "ae-dubai")
    create_lake(paths)
    return paths


def real_files(data: Path | None) -> list[Path]:
    """Small real exports below `data` in a format that is known here."""
    if data is None or not data.is_dir():
        return []
    found = [
        file
        for file in sorted(data.rglob("*"))
        if file.suffix in {".json", ".jsonl", ".ndjson", ".csv"} and 0 < file.stat().st_size <= _REAL_BYTES
    ]
    return [file for file in found if _is_known(file)]


def _is_known(file: Path) -> bool:
    try:
        detect(file)
    except AuroraError:
        return False
    return True


def results(outcome: Outcome) -> list[Result]:
    """The outcome as figures with bars."""
    return [
        Result(metric="files", value=outcome.files, unit="files"),
        Result(metric="rows_in", value=outcome.rows, unit="rows"),
        Result(metric="rows_landed", value=outcome.landed, unit="rows"),
        Result(metric="rows_quarantined", value=outcome.quarantined, unit="rows"),
        Result(metric="rows_duplicate", value=outcome.duplicates, unit="rows"),
        Result(metric="intact_rows_followed", value=outcome.intact_count, unit="rows"),
        Result(metric="files_refused_whole", value=len(outcome.refused_whole), unit="files"),
        Result(metric="crashes", value=len(outcome.crashed), unit="files", bar=0, op="<="),
        Result(metric="files_that_do_not_add_up", value=len(outcome.unaccounted), unit="files", bar=0, op="<="),
        Result(metric="good_rows_lost", value=len(outcome.lost), unit="rows", bar=0, op="<="),
    ]


def main() -> int:
    """The campaign from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data", type=Path, default=None, help="Folder of real exports to mutate as well.")
    given = parser.parse_args()
    files = malformed(
        count=given.files, seed=given.seed, formats=tuple(source_formats().items()), real=real_files(given.data)
    )
    with tempfile.TemporaryDirectory() as folder:
        outcome = campaign(files, folder=Path(folder))
    document = report("malformed_files", results(outcome))
    document["found"] = {"crashed": outcome.crashed, "unaccounted": outcome.unaccounted, "lost": outcome.lost[:50]}
    document["refused_whole"] = outcome.refused_whole
    print(json.dumps(document, indent=2))
    return 1 if outcome.crashed or outcome.unaccounted or outcome.lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
