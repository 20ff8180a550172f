"""Where the time of cases goes: the directly-follows graph, and its bottlenecks in order.

The graph of the tenant's workflows is the mart `process_edges`; an event log from elsewhere goes through the same SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import polars as pl

from aurora.catalogue.dbt_sql import DBT_PROJECT, Renderer
from aurora.errors import DataError
from aurora.store.lake import LakeReader
from aurora.store.scratch import query_frames

Cause = Literal["queue", "outage", "moved", "person", "between"]
CAUSES: Final[tuple[Cause, ...]] = ("queue", "outage", "moved", "person", "between")
MEANING: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        "queue": "an assistant was busy",
        "outage": "an assistant was down",
        "moved": "the task went to another assistant",
        "person": "a person had to act",
        "between": "between two tasks: the client, a date, another system",
    }
)
ADVICE: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        "queue": "Give the step more capacity, or let another assistant take a share of it.",
        "outage": "Name a backup for the assistant, or look at why it goes down.",
        "moved": "Look at why the first assistant does not finish it.",
        "person": "Look at who approves and whether all of it must be approved.",
        "between": "The fleet waits for others here: remind the client sooner, or start the next step before.",
    }
)
US_PER_HOUR: Final = 3_600_000_000
_MODEL: Final = DBT_PROJECT / "models" / "marts" / "workflows" / "process_edges.sql"
_LOG: Final = ("case_id", "activity", "timestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One activity right after another: counts, and what the time between them went on, in microseconds."""

    workflow_id: str
    from_activity: str
    to_activity: str
    edge_count: int
    case_count: int
    gap_us: int
    work_us: int
    waiting_us: int
    waiting_p50_us: int
    waiting_p95_us: int
    queue_us: int
    outage_us: int
    moved_us: int
    person_us: int
    between_us: int

    @property
    def causes(self) -> dict[Cause, int]:
        """Microseconds waited by cause."""
        return {
            "queue": self.queue_us,
            "outage": self.outage_us,
            "moved": self.moved_us,
            "person": self.person_us,
            "between": self.between_us,
        }

    @property
    def main_cause(self) -> Cause:
        """What most of the waiting is for; the first named where two are equal."""
        causes = self.causes
        return max(CAUSES, key=lambda cause: causes[cause])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """An edge with its share of all waiting in its workflow."""

    edge: Edge
    waiting_share: float

    def as_dict(self) -> dict[str, Any]:
        """As the API and `--json` show it: hours, and the share of each cause."""
        edge = self.edge
        total = edge.waiting_us or 1
        return {
            **edge_dict(edge),
            "waiting_share": round(self.waiting_share, 6),
            "main_cause": edge.main_cause,
            "cause_share": {cause: round(us / total, 6) for cause, us in edge.causes.items()},
            "advice": ADVICE[edge.main_cause],
        }


def edge_dict(edge: Edge) -> dict[str, Any]:
    """An edge in hours."""
    return {
        "workflow_id": edge.workflow_id,
        "from_activity": edge.from_activity,
        "to_activity": edge.to_activity,
        "edge_count": edge.edge_count,
        "case_count": edge.case_count,
        "waiting_mean_h": round(hours(edge.waiting_us) / edge.edge_count, 6),
        "waiting_p50_h": round(hours(edge.waiting_p50_us), 6),
        "waiting_p95_h": round(hours(edge.waiting_p95_us), 6),
        "waiting_h": round(hours(edge.waiting_us), 3),
        "work_h": round(hours(edge.work_us), 3),
    }


def hours(microseconds: int) -> float:
    """Hours of microseconds."""
    return microseconds / US_PER_HOUR


def read_edges(lake: LakeReader, workflow_id: str | None = None) -> list[Edge]:
    """The graph of the tenant's workflows, or of one, those followed most often first; empty before the first build."""
    if "process_edges" not in lake.table_names("mart"):
        return []
    where = "" if workflow_id is None else "WHERE workflow_id = ?"
    rows = lake.query(
        f"SELECT * FROM mart.process_edges {where} ORDER BY edge_count DESC, workflow_id, from_activity, to_activity",
        [] if workflow_id is None else [workflow_id],
    )
    return [Edge(**row) for row in rows.to_dicts()]


def mine_log(log: pl.DataFrame) -> list[Edge]:
    """The graph of an event log from elsewhere: `case_id`, `activity`, `timestamp`; one moment's events keep their order.

    All time between two events is waiting: such a log does not say what was worked on. `DataError` names a column that
    is missing, or a row without a value.
    """
    _check(log)
    rows = query_frames(graph_sql(), _as_sources(log))
    order = ["edge_count", "from_activity", "to_activity"]
    return [Edge(**row) for row in rows.sort(order, descending=[True, False, False]).to_dicts()]


def graph_sql() -> str:
    """The mart's SQL, over the frames that `mine_log` makes."""
    return Renderer(DBT_PROJECT).model(_MODEL).sql


def _check(log: pl.DataFrame) -> None:
    for name in _LOG:
        if name not in log.columns:
            raise _wrong(name, f"has no column {name}; it has {', '.join(log.columns[:12])}")
        if log[name].null_count():
            raise _wrong(name, f"has {log[name].null_count()} rows without {name}")
    if not isinstance(log.schema["timestamp"], pl.Datetime):
        raise _wrong("timestamp", f"has {log.schema['timestamp']} in timestamp")


def _wrong(field: str, problem: str) -> DataError:
    return DataError(
        f"The event log {problem}.",
        field=field,
        rule="case_id, activity and timestamp in every row",
        next_step="Rename its columns, or leave such rows out.",
    )


def _as_sources(log: pl.DataFrame) -> dict[str, pl.DataFrame]:
    text = pl.lit(None, dtype=pl.String)
    moment = pl.Datetime("us", "UTC")
    stamped = pl.col("timestamp")
    zone = log.schema["timestamp"].time_zone  # type: ignore[attr-defined]
    at = stamped.dt.replace_time_zone("UTC") if zone is None else stamped.dt.convert_time_zone("UTC")
    events = log.with_row_index("place").select(
        pl.col("place").cast(pl.String).str.zfill(12).alias("case_event_id"),
        pl.col("case_id").cast(pl.String),
        pl.col("activity").cast(pl.String),
        text.alias("assistant_id"),
        text.alias("actor_id"),
        text.alias("task_id"),
        at.dt.cast_time_unit("us").alias("occurred_at"),
        pl.lit(1, dtype=pl.Int64).alias("attempt_count"),
        text.alias("error_type"),
    )
    return {
        "stg_raw__case_events": events,
        "stg_raw__workflow_cases": pl.DataFrame(schema={"case_id": pl.String, "workflow_id": pl.String}),
        "int_tasks_current": pl.DataFrame(schema={"task_id": pl.String, "started_at": moment, "completed_at": moment}),
    }


def bottlenecks(edges: Sequence[Edge], *, limit: int = 20) -> list[Bottleneck]:
    """The edges with the largest share of their workflow's waiting, largest first."""
    totals: dict[str, int] = {}
    for edge in edges:
        totals[edge.workflow_id] = totals.get(edge.workflow_id, 0) + edge.waiting_us
    ranked = sorted(edges, key=lambda e: (-e.waiting_us, e.workflow_id, e.from_activity, e.to_activity))
    return [
        Bottleneck(edge=edge, waiting_share=edge.waiting_us / (totals[edge.workflow_id] or 1))
        for edge in ranked[:limit]
        if edge.waiting_us > 0
    ]
