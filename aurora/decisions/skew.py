"""Whether serving and training see the same features: the skew check, which must read 0.

Two looks. What is published for serving is held against the lake's copy of it, row by row. And each candidate of past
decisions is held against what training would see of it: the features that were published before the decision, shrunk
to the prior as routing does, must give the very expectations that stand on the receipt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import polars as pl
from msgspec import UNSET

from aurora.decisions.archive import archived_pack
from aurora.decisions.features import SNAPSHOTS, FeatureRow, Features, kept_rows, load_features
from aurora.decisions.policy import Estimate
from aurora.decisions.slates import task_slate
from aurora.errors import AuroraError
from aurora.packs import Pack
from aurora.store.journal import StateReader
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Candidate, Decision, RouteTaskRequest

KEYS: Final = 10_000
_LONG_AGO: Final = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
_PAGE: Final = 500
_TOLD: Final = 20
_DECISIONS: Final = msgspec.json.Decoder(Decision)
_TRAINING: Final = f"""
    SELECT
        decisions.decision_id, decisions.decided_at, decisions.action, decisions.propensity, decisions.policy_id,
        snapshots.published_at, snapshots.assistant_id, snapshots.task_type, snapshots.task_count,
        snapshots.success_share, snapshots.duration_p50_ms, snapshots.cost_usd_mean, snapshots.open_task_count
    FROM raw.decision AS decisions
    INNER JOIN raw.{SNAPSHOTS} AS snapshots
        ON decisions.feature_hash = snapshots.feature_hash
        AND snapshots.published_at <= decisions.decided_at
        AND snapshots.task_type = json_extract_string(decisions.context, '$.task_type')
    WHERE decisions.decision_kind = 'route_task' AND decisions.journal_seq > $after
    ORDER BY decisions.journal_seq, snapshots.assistant_id
"""


@dataclass(slots=True)
class SkewReport:
    """How many keys were looked at and how many differ. `examples` names the first."""

    published_count: int = 0
    decided_count: int = 0
    differing_count: int = 0
    examples: list[str] = field(default_factory=list)

    def differ(self, what: str) -> None:
        """Count one key that differs."""
        self.differing_count += 1
        if len(self.examples) < _TOLD:
            self.examples.append(what)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "checked_count": self.published_count + self.decided_count,
            "published_count": self.published_count,
            "decided_count": self.decided_count,
            "differing_count": self.differing_count,
            "examples": self.examples,
        }


def training_features(lake: LakeReader, *, after: int = 0) -> pl.DataFrame:
    """The features of each past task decision as they were published before it: one row a candidate with history.

    Point in time: what became known later is not in it. `after` leaves out decisions up to that place of the journal.
    """
    return lake.query(_TRAINING, {"after": after})


def check_skew(paths: TenantPaths, *, keys: int = KEYS) -> SkewReport:
    """Look at what is published, and at up to that many candidates of the newest decisions."""
    report = SkewReport()
    with read_lake(paths) as lake:
        _check_published(lake, load_features(paths), report)
        if paths.state.is_file():
            with StateReader(paths) as state:
                _check_decided(paths, state, lake, report, keys)
    return report


def _check_published(lake: LakeReader, published: Features | None, report: SkewReport) -> None:
    if published is None:
        return
    serving = {(row.assistant_id, row.task_type): row for row in published.rows}
    kept = {(row.assistant_id, row.task_type): row for row in kept_rows(lake, published.feature_hash)}
    for key in sorted(serving.keys() | kept.keys()):
        report.published_count += 1
        if serving.get(key) != kept.get(key):
            report.differ(_differs(key, serving.get(key), kept.get(key)))


def _check_decided(paths: TenantPaths, state: StateReader, lake: LakeReader, report: SkewReport, keys: int) -> None:
    memory = _Expectations(paths, lake)
    for decision in _task_decisions(state):
        if report.decided_count >= keys:
            return
        expected = memory.of(decision)
        if expected is None:
            continue
        for candidate in decision.candidates:
            if candidate.is_eligible:
                report.decided_count += 1
                estimate = expected.get(candidate.candidate_id)
                if estimate is None or not _is_same(candidate, estimate):
                    seen = None if estimate is None else estimate.quality
                    report.differ(
                        f"{decision.decision_id}, {candidate.candidate_id}: serving expected {candidate.quality}, "
                        f"training sees {seen}"
                    )


class _Expectations:
    """What training expects of each candidate of a decision; kept by what it follows from."""

    def __init__(self, paths: TenantPaths, lake: LakeReader) -> None:
        self._paths = paths
        self._lake = lake
        self._packs: dict[str, Pack | None] = {}
        self._features: dict[str, Features] = {}
        self._known: dict[tuple[object, ...], dict[str, Estimate]] = {}

    def of(self, decision: Decision) -> dict[str, Estimate] | None:
        """By candidate; None where the decision is older than what is kept."""
        if decision.engine_hash is UNSET or not isinstance(decision.request, RouteTaskRequest):
            return None
        pack = self._pack(str(decision.engine_hash))
        if pack is None:
            return None
        live = tuple(sorted(decision.assistant_states.items()))
        key = (decision.engine_hash, decision.feature_hash, decision.request.task_type, live)
        found = self._known.get(key)
        if found is None:
            features = None if decision.feature_hash is None else self._seen(decision.feature_hash)
            slate = task_slate(pack, decision.request.task_type, features, {}, live)
            found = self._known[key] = {one.candidate_id: one for one in slate.estimates}
        return found

    def _pack(self, engine_hash: str) -> Pack | None:
        if engine_hash not in self._packs:
            try:
                self._packs[engine_hash] = archived_pack(self._paths, engine_hash)
            except AuroraError:
                self._packs[engine_hash] = None
        return self._packs[engine_hash]

    def _seen(self, features_hash: str) -> Features:
        """The lake's rows as they are, whether or not they still give their hash: that is what is checked."""
        found = self._features.get(features_hash)
        if found is None:
            rows = kept_rows(self._lake, features_hash)
            published = load_features(self._paths) if not rows else None
            if published is not None and published.feature_hash == features_hash:
                rows = published.rows
            found = self._features[features_hash] = Features(
                feature_hash=features_hash, published_at=_LONG_AGO, mart_snapshot_id=0, raw_snapshot_id=0, rows=rows
            )
        return found


def _task_decisions(state: StateReader) -> Iterator[Decision]:
    before: int | None = None
    while True:
        entries = state.page("decision", before=before, limit=_PAGE)
        for entry in entries:
            if b'"kind":"route_task"' in entry.body:
                yield _DECISIONS.decode(entry.body)
        if len(entries) < _PAGE:
            return
        before = entries[-1].seq


def _is_same(candidate: Candidate, estimate: Estimate) -> bool:
    return (candidate.quality, candidate.cost_usd, candidate.latency_ms) == (
        estimate.quality,
        estimate.cost_usd,
        estimate.latency_ms,
    )


def _differs(key: tuple[str, str], serving: FeatureRow | None, kept: FeatureRow | None) -> str:
    if serving is None or kept is None:
        return f"{key[0]} on {key[1]} is only {'in the lake' if serving is None else 'served'}"
    names = [name for name in FeatureRow.__struct_fields__ if getattr(serving, name) != getattr(kept, name)]
    return f"{key[0]} on {key[1]}: {', '.join(names)} differ"
