"""What is published for capacity: one file of the tenant, replaced as a whole, that decisions, API and pages read.

Per target: demand of late, its forecast, the limits with the settings that replay chose, the gate's evidence, and
the replay itself beside what an autoscaler and a fleet of one size would have done.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from aurora.decisions.bundles import replace_file
from aurora.decisions.capacity.gate import GateEvidence
from aurora.decisions.capacity.plan import CapacityHistory, CapacityLimits, CapacityPlan, DemandForecast, plan_replicas
from aurora.errors import DataError, NotFoundError, NotReadyError
from aurora.store.paths import TenantPaths

FILE = "capacity.json"
TargetKind = Literal["assistant", "llm"]


class Played(Struct, frozen=True, kw_only=True):
    """One way to plan, played over the same days."""

    replica_hours: float
    violation_share: float
    unserved_share: float
    change_count: int
    replicas_max: int
    replicas: tuple[int, ...]
    """Paid for in each window."""


class Simulation(Struct, frozen=True, kw_only=True):
    """A stretch of history under three ways to plan. Windows follow each other from `starts_at`."""

    starts_at: dt.datetime
    window_s: int
    demand: tuple[float | None, ...]
    plan: Played
    autoscaler: Played
    fixed: Played


class Hindsight(Struct, frozen=True, kw_only=True):
    """What was forecast an hour ahead for windows that have passed, to lay over what came."""

    starts_at: dt.datetime
    window_s: int
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]
    """5 % quantile."""
    high: tuple[float | None, ...]
    """95 % quantile."""
    demand: tuple[float | None, ...]


class TargetCapacity(Struct, frozen=True, kw_only=True):
    """All that is published about one assistant or language model."""

    target_id: str
    kind: TargetKind
    history: CapacityHistory
    limits: CapacityLimits
    forecast: DemandForecast | None
    evidence: GateEvidence | None
    simulation: Simulation | None
    hindsight: Hindsight | None

    def plan(self, *, now: dt.datetime) -> CapacityPlan:
        """The plan at `now`, from what was published."""
        return plan_replicas(self.history, self.forecast, self.limits, now=now)


class CapacityBook(Struct, frozen=True, kw_only=True):
    """The published file. `data_to` is the end of the last window that demand is known for."""

    published_at: dt.datetime
    data_to: dt.datetime | None
    bundle_hash: str | None
    trained_to: dt.datetime | None
    wape: float | None
    """Of forecasts an hour ahead on days not trained on: summed error over summed demand."""
    naive_wape: float | None
    """Of the best naive forecast on the same windows."""
    coverage_95: float | None
    """Share of those windows at or under the 95 % quantile, of targets that are seldom idle."""
    reason: str
    """Why there is no forecast; empty when there is one."""
    targets: tuple[TargetCapacity, ...]

    def target(self, target_id: str) -> TargetCapacity:
        """One target; `NotFoundError` names those there are."""
        for one in self.targets:
            if one.target_id == target_id:
                return one
        raise NotFoundError(
            f"Nothing is published about the capacity of {target_id[:80]!r}.",
            field="target_id",
            next_step=f"There are: {', '.join(one.target_id for one in self.targets) or 'none yet'}.",
        )


def publish_book(paths: TenantPaths, book: CapacityBook) -> None:
    """Replace the published file, atomically."""
    paths.serving.mkdir(parents=True, exist_ok=True)
    replace_file(paths.serving / FILE, msgspec.json.encode(book))


def load_book(paths: TenantPaths) -> CapacityBook:
    """The published file. `NotReadyError` before the first, `DataError` when it cannot be read."""
    return read_book(paths)[0]


def read_book(paths: TenantPaths) -> tuple[CapacityBook, str]:
    """The published file and the SHA-256 (hex) of its bytes. Errors as `load_book`."""
    file = paths.serving / FILE
    try:
        state = file.stat()
        return _decoded(file, state.st_mtime_ns, state.st_ino)
    except FileNotFoundError:
        raise NotReadyError(
            "No demand has been forecast yet.", field=FILE, next_step="Run `aurora build`, then look again."
        ) from None
    except msgspec.MsgspecError as error:
        raise DataError(
            f"The published capacity file is damaged: {error}.",
            field=FILE,
            rule="capacity",
            next_step="Run `aurora capacity train` to publish it again.",
        ) from error


@lru_cache(maxsize=8)
def _decoded(file: Path, changed_ns: int, inode: int) -> tuple[CapacityBook, str]:
    """By file and version: a decision must not pay for reading it again."""
    del changed_ns, inode  # part of the memory's key
    content = file.read_bytes()
    return msgspec.json.decode(content, type=CapacityBook), hashlib.sha256(content).hexdigest()
