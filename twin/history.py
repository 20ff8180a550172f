"""A stretch of the twin's life, written: exports into the landing folder, the truth into the tenant's own."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from aurora.errors import UsageError
from aurora.handoffs.sharing import load_sharing
from aurora.ingest.expectations import EVERY_SOURCE, declared_expectations
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from twin.brokerage.history import brokerage_history
from twin.exports import drop_exports
from twin.fleet.history import fleet_history
from twin.fleet.policy import POLICY
from twin.frame import Frame
from twin.truth import write_truth

LABEL: Final = "simulated"
PACK: Final = "real_estate"
_MOST_DAYS: Final = 400
_STATISTICS: Final = "dld_monthly_sales.csv"


def twin_frame(settings: Settings, paths: TenantPaths, *, until: dt.date, days: int, seed: int, scale: float) -> Frame:
    """The frame of `days` whole days before `until`, with what the pack and the tenant know of holidays and edges.

    Errors: `UsageError` for days or a scale that make no frame, and for another industry's pack.
    """
    if not 1 <= days <= _MOST_DAYS:
        raise UsageError(f"{days} days are no history.", field="--days", next_step=f"Give 1 to {_MOST_DAYS}.")
    if not 0 < scale <= 20:
        raise UsageError(
            f"A scale of {scale} is no brokerage.", field="--scale", next_step="Give more than 0, at most 20."
        )
    if settings.pack != PACK:
        raise UsageError(
            f"The twin is a brokerage: it lives in the pack {PACK}, not in {settings.pack}.",
            field="AURORA_PACK",
            next_step=f"Run it with AURORA_PACK={PACK}.",
        )
    pack = load_pack(settings.packs_dir, settings.pack)
    quiet = declared_expectations(paths, packs_dir=settings.packs_dir, pack=settings.pack)[EVERY_SOURCE].quiet_days
    edges = load_sharing(settings.packs_dir, pack).policy.edges
    return Frame(
        pack=pack,
        seed=seed,
        first_day=until - dt.timedelta(days=days),
        days=days,
        scale=scale,
        quiet_days=frozenset(quiet),
        edges=frozenset((one.from_assistant_id, to) for one in edges for to in one.to_assistant_ids),
    )


def write_history(paths: TenantPaths, frame: Frame, *, shared_data: Path | None = None) -> dict[str, Any]:
    """Make the frame's life, drop its exports and keep its truth. Returns the manifest.

    The same frame again drops the same files, which changes nothing.
    """
    statistics = None if shared_data is None else next(iter(sorted(shared_data.rglob(_STATISTICS))), None)
    brokerage = brokerage_history(frame, market_statistics=statistics)
    fleet = fleet_history(frame, brokerage.work)
    exports = [*fleet.exports, *brokerage.exports]
    files = drop_exports(paths, frame, exports)
    counts = Counter[str]()
    for one in exports:
        counts[one.contract] += one.rows.height
    twice = brokerage.truth.keys() & fleet.truth.keys()
    if twice:
        raise ValueError(f"Two parts of the twin call a truth {min(twice)!r}.")
    truth = {**brokerage.truth, **fleet.truth}
    manifest = {
        "label": LABEL,
        "tenant": paths.tenant,
        "pack": frame.pack.name,
        "seed": frame.seed,
        "first_day": frame.first_day.isoformat(),
        "days": frame.days,
        "scale": frame.scale,
        "routing_policy": POLICY,
        "source_count": len({one.source for one in exports}),
        "file_count": len(files),
        "row_counts": dict(sorted(counts.items())),
        "truth_counts": {name: rows.height for name, rows in sorted(truth.items())},
        "files_hash": files_hash(files),
    }
    write_truth(paths, truth, manifest)
    return manifest


def files_hash(files: list[Path]) -> str:
    """SHA-256 over names and bytes of the files that were dropped: the same seed gives the same bytes."""
    whole = hashlib.sha256()
    for file in sorted(files, key=lambda one: (one.parent.name, one.name)):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{file.parent.name}/{file.name} {digest}\n".encode())
    return whole.hexdigest()
