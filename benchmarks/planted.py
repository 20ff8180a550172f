"""Rules on new twins (**simulated**): every planted violation found, nothing else, through the real door.

Each seed is a brokerage of its own: its exports are written, ingested with everything that the door does to rows, swept,
remedied and swept again; what was found is held against the truth. `scale` is the share of two seeds' brokerages of a
twentieth of the full size. No real data is read.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from aurora.alerts.hands import Hands
from aurora.compliance.enforcement import remedy_findings
from aurora.compliance.findings import record_sweep
from aurora.compliance.rulebook import Rulebook, load_rulebook
from aurora.compliance.sweep import Sweep, sweep
from aurora.ingest.batch import ingest_landing
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from benchmarks.harness import Result, seconds
from twin.cases.ledger import VIOLATION
from twin.history import twin_frame, write_history
from twin.truth import read_truth

SEEDS: Final = (101, 202)
DAYS: Final = 90
_SCALE: Final = 0.05
_UNTIL: Final = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one twin came to; records as (rule, source, key)."""

    violations: frozenset[Key]
    near_misses: frozenset[Key]
    found: frozenset[Key]
    found_after: frozenset[Key]
    swept_s: float
    remedied_s: float
    acts: dict[str, int]
    acts_again: dict[str, int]


def run(*, data: Path | None, scale: float) -> list[Result]:  # noqa: ARG001 - every bench is called alike
    """Recall of planted violations and false findings over all seeds, before and after remedies."""
    book = load_rulebook(Settings().packs_dir)
    runs = [_run(book, seed, _SCALE * scale) for seed in SEEDS]
    planted = sum(len(one.violations) for one in runs)
    found, after = (sum(len(one.violations & getattr(one, name)) for one in runs) for name in ("found", "found_after"))
    return [
        Result(metric="twins", value=len(runs), unit="twins"),
        Result(metric="rules_with_planted_cases", value=len({key[0] for one in runs for key in one.violations}), unit="rules"),
        Result(metric="planted_violations", value=planted, unit="violations"),
        Result(metric="planted_recall", value=found / planted, unit="share", bar=1.0, op=">="),
        Result(metric="false_findings", value=sum(len(one.found - one.violations) for one in runs), unit="findings", bar=0, op="<="),
        Result(metric="near_misses", value=sum(len(one.near_misses) for one in runs), unit="records"),
        Result(metric="near_misses_found", value=sum(len(one.found & one.near_misses) for one in runs), unit="findings", bar=0, op="<="),
        Result(metric="planted_recall_after_remedies", value=after / planted, unit="share", bar=1.0, op=">="),
        Result(metric="false_findings_after_remedies", value=sum(len(one.found_after - one.violations) for one in runs), unit="findings", bar=0, op="<="),
        *[Result(metric=f"acts_{name}", value=sum(one.acts.get(name, 0) for one in runs), unit="acts") for name in ("done", "waiting", "failed")],
        Result(metric="acts_of_a_second_run", value=sum(sum(one.acts_again.values()) for one in runs), unit="acts", bar=0, op="<="),
        Result(metric="sweep", value=max(one.swept_s for one in runs), unit="s"),
        Result(metric="remedies", value=max(one.remedied_s for one in runs), unit="s"),
    ]  # fmt: skip


def _run(book: Rulebook, seed: int, scale: float) -> _Run:
    with tempfile.TemporaryDirectory(prefix="aurora-planted-") as folder:
        settings = Settings(data_dir=Path(folder), tenant="bench", shared_data_dir=Path(folder) / "no-real-data")
        paths = create_tenant(settings.data_dir, settings.tenant, settings.region)
        create_lake(paths)
        frame = twin_frame(settings, paths, until=_UNTIL.date(), days=DAYS, seed=seed, scale=scale)
        write_history(paths, frame)
        ingest_landing(paths, clock=lambda: _UNTIL)
        swept: list[Sweep] = []
        swept_s = seconds(lambda: swept.append(_swept(paths, book)))
        record_sweep(paths, swept[0])
        with StateStore.open(paths, clock=lambda: _UNTIL) as store:
            acts: list[dict[str, int]] = []

            def remedy() -> None:
                acts.append(remedy_findings(paths, book, store, Hands(paths, store), now=_UNTIL))

            remedied_s = seconds(remedy)
            remedy()
        cases = read_truth(paths, "planted_cases")
        return _Run(
            violations=_planted(cases, is_violation=True),
            near_misses=_planted(cases, is_violation=False),
            found=_keys(swept[0]),
            found_after=_keys(_swept(paths, book)),
            swept_s=swept_s,
            remedied_s=remedied_s,
            acts=acts[0],
            acts_again=acts[1],
        )


def _swept(paths: TenantPaths, book: Rulebook) -> Sweep:
    with read_lake(paths) as lake:
        return sweep(book, lake, now=_UNTIL)


def _keys(swept: Sweep) -> frozenset[Key]:
    return frozenset(swept.hits.select("rule_id", "record_source", "about_id").iter_rows())


def _planted(cases: pl.DataFrame, *, is_violation: bool) -> frozenset[Key]:
    chosen = cases.filter((pl.col("expected") == VIOLATION) == is_violation)
    return frozenset(chosen.select("rule_id", "source", "record_key").iter_rows())
