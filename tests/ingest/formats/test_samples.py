"""What the first start finds: generated months that are the same each time and take the real path."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl
import pytest

from aurora.ingest.batch import BatchReport, ingest_landing
from aurora.ingest.formats import azure_llm_csv, langfuse_json
from aurora.ingest.sample_fleet import fleet_month
from aurora.ingest.samples import seed_landing
from aurora.packs import Pack, load_pack
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant

NOW = dt.datetime(2026, 11, 25, 19, 5, tzinfo=dt.UTC)
BROKERAGE = ("sample_clara", "sample_mary", "sample_theodora")


def clock() -> dt.datetime:
    return NOW


def a_tenant(folder: Path) -> TenantPaths:
    return create_tenant(folder / "data", "demo", "ae-dubai")


def seeded(folder: Path, *, seed: int = 7, shared: Path | None = None) -> dict[str, bytes]:
    """Content of the landing folder by source and name."""
    paths = a_tenant(folder)
    settings = Settings(data_dir=folder / "data", shared_data_dir=shared or folder / "nowhere", seed=seed)
    files = seed_landing(paths, settings, clock=clock)
    assert all(file.is_relative_to(paths.landing) for file in files)
    return {f"{file.parent.name}/{file.name}": file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(Settings().packs_dir, "real_estate")


@dataclass(frozen=True)
class Month:
    reports: list[BatchReport]
    usage: pl.DataFrame
    tasks: pl.DataFrame
    talks: pl.DataFrame
    quarantine: pl.DataFrame


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    folder = tmp_path_factory.mktemp("seeded")
    seeded(folder)
    paths = a_tenant(folder)
    create_lake(paths)
    reports = ingest_landing(paths, clock=clock)
    with read_lake(paths) as lake:
        return Month(
            reports,
            *(lake.query(f"SELECT * FROM raw.{table}") for table in ("usage", "task", "conversation", "quarantine")),
        )


def test_the_same_seed_and_clock_give_the_same_bytes(tmp_path):
    first, again, other = (seeded(tmp_path / name, seed=seed) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_without_real_data_every_source_is_named_a_sample(tmp_path):
    assert {name.partition("/")[0] for name in seeded(tmp_path)} == {
        "sample_fleet",
        *BROKERAGE,
        "simulated_billing",
        "sample_langfuse",
        "sample_gateway",
        "sample_azure",
    }


def test_real_files_come_in_under_their_own_source_beside_the_fleets(tmp_path):
    shared = tmp_path / "shared"
    azure = shared / "azure_llm_2023" / "AzureLLM.csv"
    traces = shared / "usage" / "langfuse_traces" / "agent.json"
    for file, content in (
        (azure, azure_llm_csv.sample(contract="usage", row_count=3, seed=1)),
        (traces, langfuse_json.sample(contract="usage", row_count=3, seed=1)),
    ):
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    files = seeded(tmp_path, shared=shared)
    assert files["azure/AzureLLM.csv"] == azure.read_bytes()
    assert files["langfuse/agent.json"] == traces.read_bytes()
    assert {name.partition("/")[0] for name in files} == {
        "azure",
        "langfuse",
        "sample_fleet",
        "simulated_billing",
        *BROKERAGE,
    }


def test_every_row_of_the_brokerage_lands(month):
    reports = [one for one in month.reports if one.source in BROKERAGE]
    assert {one.contracts[0] for one in reports} == {"party", "property", "lead", "deal", "payment"}
    assert sum(one.good for one in reports) == sum(one.rows for one in reports) > 700
    assert [one.file_name for one in reports if one.is_known] == []
    assert len({one.batch_id for one in reports}) == len(reports) == 9


def test_every_row_lands_or_is_refused_or_is_a_duplicate(month):
    assert all(one.rows == one.good + one.quarantined + one.duplicates for one in month.reports)
    fleets = [one for one in month.reports if one.source not in (*BROKERAGE, "simulated_billing")]
    assert sum(one.good for one in fleets) == month.usage.height + month.tasks.height + month.talks.height
    assert 3000 <= month.usage.height <= 6000
    assert 3000 <= month.tasks.height <= 5000


def test_the_month_ends_now_and_is_thirty_days_long(month):
    for times in (month.usage["occurred_at"], month.tasks["submitted_at"], month.talks["started_at"]):
        assert NOW - dt.timedelta(days=30) <= times.min() < NOW - dt.timedelta(days=29)
        assert NOW - dt.timedelta(days=1) < times.max() <= NOW
    assert month.tasks["completed_at"].max() <= NOW
    assert month.tasks["submitted_at"].dt.date().n_unique() >= 30


def test_every_assistant_works_and_within_its_skills(month, pack):
    skills = {one.assistant_id: set(one.skills) for one in pack.assistants}
    done = month.tasks.group_by("assistant_id").agg(pl.col("task_type").unique(), pl.len().alias("tasks"))
    assert set(done["assistant_id"]) == set(skills)
    assert all(set(types) <= skills[assistant] for assistant, types, _ in done.rows())
    assert done["tasks"].min() >= 40
    assert set(month.usage["assistant_id"].drop_nulls()) == set(skills)
    assert month.tasks["is_sample"].all()


def test_usage_is_mostly_priced_and_the_unpriced_is_counted(month):
    fleet = month.usage.filter(pl.col("source") != "sample_azure", ~pl.col("is_error"))
    priced = (fleet["cost_source"] == "price_book").mean()
    assert 0.97 < priced < 1
    assert set(fleet.filter(cost_source="unpriced")["request_model"]) == {"villa-writer-7b"}
    assert sum(one.unpriced for one in month.reports) == (month.usage["cost_source"] == "unpriced").sum()
    assert 0.01 < month.usage["is_error"].mean() < 0.04


def test_the_quarantine_holds_one_of_each_common_fault(month):
    rules = Counter(month.quarantine["rule"])
    assert set(rules) == {"one_of", "at_most", "at_least", "not_before", "not_null", "unique_key", "json", "type"}
    assert sum(one.duplicates for one in month.reports) == 2


def test_operations_belong_to_conversations_that_are_there(month):
    named = month.usage.drop_nulls("conversation_id")
    assert named.join(month.talks, on="conversation_id", how="anti").is_empty()
    assert named.height > month.usage.height * 0.7


def test_a_month_may_end_at_any_time_of_day(pack):
    for hour in range(0, 24, 5):
        until = NOW.replace(hour=hour)
        some = fleet_month(pack, seed=3, until=until, tasks=60)
        assert len(some.tasks) == 60
        assert all(call.ended_at <= until for call in some.operations)
        assert msgspec.json.encode(some.tasks) == msgspec.json.encode(
            fleet_month(pack, seed=3, until=until, tasks=60).tasks
        )
