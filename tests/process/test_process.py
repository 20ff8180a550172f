"""The directly-follows graph: by hand, against published figures of real logs, and from a lake with known waits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from aurora.errors import DataError, UsageError
from aurora.process.graph import US_PER_HOUR, Edge, bottlenecks, mine_log
from aurora.process.logs import read_log
from aurora.settings import Settings
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import run_dbt
from tests.dbt import company

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
LOGS = Settings().shared_data_dir / "eventlogs"


def _log(*events: tuple[str, str, float]) -> pl.DataFrame:
    """Events as case, activity and hours after the start."""
    rows = [(case, activity, START + dt.timedelta(hours=after)) for case, activity, after in events]
    return pl.DataFrame(rows, schema=["case_id", "activity", "timestamp"], orient="row")


def _edge(edges: list[Edge], start: str, end: str) -> Edge:
    return next(edge for edge in edges if (edge.from_activity, edge.to_activity) == (start, end))


def test_counts_and_waits_by_hand():
    edges = mine_log(_log(("1", "a", 0), ("2", "a", 1), ("1", "b", 2), ("2", "b", 7), ("1", "a", 3)))
    assert [(e.from_activity, e.to_activity, e.edge_count) for e in edges] == [("a", "b", 2), ("b", "a", 1)]
    there = _edge(edges, "a", "b")
    assert there.waiting_us == 8 * US_PER_HOUR
    assert (there.waiting_p50_us, there.waiting_p95_us) == (2 * US_PER_HOUR, 6 * US_PER_HOUR)
    assert [round(one.waiting_share, 4) for one in bottlenecks(edges)] == [0.8889, 0.1111]


def test_events_of_one_moment_keep_their_order():
    edges = mine_log(_log(("1", "b", 0), ("1", "a", 0), ("1", "c", 0)))
    assert {(e.from_activity, e.to_activity) for e in edges} == {("b", "a"), ("a", "c")}


def test_a_case_of_one_event_and_an_empty_log_have_no_edges():
    assert mine_log(_log(("1", "a", 0), ("2", "a", 1))) == []
    assert mine_log(_log().with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))) == []


@pytest.mark.parametrize(
    ("log", "field"),
    [
        (_log(("1", "a", 0)).drop("activity"), "activity"),
        (_log(("1", "a", 0)).with_columns(case_id=pl.lit(None, dtype=pl.String)), "case_id"),
        (_log(("1", "a", 0)).with_columns(timestamp=pl.lit("yesterday")), "timestamp"),
    ],
)
def test_a_log_that_cannot_be_mined_is_refused_by_the_column(log: pl.DataFrame, field: str):
    with pytest.raises(DataError) as refused:
        mine_log(log)
    assert refused.value.field == field


def test_files_of_other_kinds_and_broken_ones_are_refused(tmp_path: Path):
    (tmp_path / "log.txt").write_text("a")
    (tmp_path / "log.xes").write_text("<log><trace>")
    with pytest.raises(UsageError, match=r"log\.txt"):
        read_log(tmp_path / "log.txt")
    with pytest.raises(DataError, match=r"log\.xes"):
        read_log(tmp_path / "log.xes")


def test_csv_and_xes_read_as_the_same_log(tmp_path: Path):
    (tmp_path / "log.csv").write_text(
        "case_id,activity,timestamp\n1,a,2026-03-02T08:00:00Z\n1,b,2026-03-02T10:00:00Z\n"
    )
    event = '<event><string key="concept:name" value="{}"/><date key="time:timestamp" value="{}"/></event>'
    (tmp_path / "log.xes").write_text(
        '<log xmlns="urn:x"><trace><string key="concept:name" value="1"/>'
        + event.format("a", "2026-03-02T08:00:00.000+00:00")
        + event.format("b", "2026-03-02T12:00:00.000+02:00")
        + "</trace></log>"
    )
    assert mine_log(read_log(tmp_path / "log.csv")) == mine_log(read_log(tmp_path / "log.xes"))


@pytest.mark.skipif(not LOGS.is_dir(), reason="the shared event logs are not here")
@pytest.mark.parametrize(
    ("name", "kinds", "count", "mean_h", "share"),
    [("helpdesk", 55, 4558, 705.0, 0.716), ("receipt", 99, 791, 73.5, 0.312)],
)
def test_real_logs_give_the_published_figures(name: str, kinds: int, count: int, mean_h: float, share: float):
    edges = mine_log(read_log(LOGS / f"{name}.parquet"))
    first = bottlenecks(edges, limit=1)[0]
    assert len(edges) == kinds
    assert first.edge.edge_count == count
    assert round(first.edge.waiting_us / first.edge.edge_count / US_PER_HOUR, 1) == mean_h
    assert round(first.waiting_share, 3) == share


# from the lake ------------------------------------------------------------------------------------


def _at(after: float) -> str:
    return (START + dt.timedelta(hours=after)).isoformat().replace("+00:00", "Z")


def _event(case: str, activity: str, after: float, **more: object) -> dict[str, object]:
    return {
        "case_event_id": f"{case}-{activity}", "case_id": case, "activity": activity, "occurred_at": _at(after),
        "is_error": False, "attempt_count": 1, **more,
    }  # fmt: skip


def _task(task_id: str, submitted: float, started: float, ended: float) -> dict[str, object]:
    return {
        "task_id": task_id, "assistant_id": "clara", "task_type": "viewing_scheduling", "task_state": "completed",
        "submitted_at": _at(submitted), "started_at": _at(started), "completed_at": _at(ended), "updated_at": _at(ended),
        "is_success": True,
    }  # fmt: skip


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Edge]:
    """A case whose tasks waited for each cause: 2 h in a queue, 3 h in an outage, 4 h moved, 7 h a person, 1 h between."""
    from aurora.process.graph import read_edges

    paths: TenantPaths = company.make_tenant(tmp_path_factory.mktemp("process"))
    company.drop(paths, "tasks", [_task("t1", 0, 2, 6), _task("t2", 7, 10, 11), _task("t3", 12, 16, 17)])
    company.drop(
        paths,
        "case_event",
        [
            _event("k", "one_asked", 0, task_id="t1"),
            _event("k", "one_done", 6, task_id="t1", assistant_id="clara"),
            _event("k", "two_asked", 7, task_id="t2"),
            _event("k", "two_done", 11, task_id="t2", assistant_id="clara", error_type="assistant_down"),
            _event("k", "three_asked", 12, task_id="t3"),
            _event("k", "three_done", 17, task_id="t3", assistant_id="clara", attempt_count=2),
            _event("k", "approved", 24, actor_id="u-mona"),
        ],
    )
    company.ingest(paths)
    run_dbt(paths, select=["+process_edges"])
    with read_lake(paths) as lake:
        edges = read_edges(lake)
    return {(edge.from_activity, edge.to_activity): edge for edge in edges}


@pytest.mark.parametrize(
    ("pair", "cause", "waited_h", "worked_h"),
    [
        (("one_asked", "one_done"), "queue", 2, 4),
        (("one_done", "two_asked"), "between", 1, 0),
        (("two_asked", "two_done"), "outage", 3, 1),
        (("three_asked", "three_done"), "moved", 4, 1),
        (("three_done", "approved"), "person", 7, 0),
    ],
)
def test_waiting_is_split_from_work_and_by_cause(worked, pair, cause, waited_h, worked_h):
    edge = worked[pair]
    assert edge.main_cause == cause
    assert edge.causes[cause] == edge.waiting_us == waited_h * US_PER_HOUR
    assert edge.work_us == worked_h * US_PER_HOUR


def test_every_microsecond_is_work_or_has_a_cause(worked):
    assert all(edge.gap_us == edge.work_us + sum(edge.causes.values()) for edge in worked.values())
    assert sum(edge.gap_us for edge in worked.values()) == 24 * US_PER_HOUR
