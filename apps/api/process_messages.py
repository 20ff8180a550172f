"""What the API says of processes."""

from __future__ import annotations

from msgspec import Struct


class ProcessEdge(Struct, frozen=True, kw_only=True):
    """One activity right after another. Hours; `waiting_share` of all waiting in its workflow."""

    workflow_id: str
    from_activity: str
    to_activity: str
    edge_count: int
    case_count: int
    waiting_mean_h: float
    waiting_p50_h: float
    waiting_p95_h: float
    waiting_h: float
    work_h: float


class ProcessBottleneck(ProcessEdge, frozen=True, kw_only=True):
    """Where cases wait, and for what: queue, outage, moved, person or between."""

    waiting_share: float
    main_cause: str
    cause_share: dict[str, float]
    advice: str


class ProcessGraph(Struct, frozen=True, kw_only=True):
    """The directly-follows graph."""

    edges: list[ProcessEdge]
    mart_snapshot_id: int


class ProcessBottlenecks(Struct, frozen=True, kw_only=True):
    """Bottlenecks, the largest first."""

    bottlenecks: list[ProcessBottleneck]
    mart_snapshot_id: int
