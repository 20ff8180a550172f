"""The golden marts out of a real lake: what survives, what disagrees, and what it takes from whom."""

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest

from aurora.ingest.sample_brokerage import brokerage
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import run_dbt
from tests.entities.town import NOW, build, land

MARTS = ("gold_party", "gold_property", "golden_conflicts")
SELECT = ["+gold_party", "+gold_property", "+golden_conflicts", "int_golden_values"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, template: Path) -> TenantPaths:
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(template, folder / "data")
    paths = TenantPaths(folder / "data", "demo", "ae-dubai")
    made = brokerage(seed=7, until=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), people=120, units=50)
    for (system, contract), rows in made.rows.items():
        if contract in {"party", "property"}:
            land(paths, f"sample_{system}", contract, rows)
    build(paths)
    run_dbt(paths, select=SELECT, with_unit_tests=True)
    return paths


@pytest.fixture(scope="module")
def marts(built) -> dict[str, pl.DataFrame]:
    with read_lake(built) as lake:
        return {name: lake.query(f"SELECT * FROM mart.{name}") for name in MARTS} | {
            "links": lake.query("SELECT * FROM raw.entity_link"),
            "values": lake.query("SELECT * FROM mart.intermediate.int_golden_values"),
        }


def test_every_record_is_behind_exactly_one_golden_record(marts):
    for kind in ("party", "property"):
        gold = marts[f"gold_{kind}"]
        links = marts["links"].filter(pl.col("entity_kind") == kind)
        assert gold[f"gold_{kind}_id"].sort().to_list() == links["entity_id"].unique().sort().to_list()
        assert gold["record_count"].sum() == links.height
        assert gold["source_count"].max() == 3


def test_a_golden_column_holds_the_survivors_value_and_never_a_made_up_one(marts):
    first = marts["values"].filter((pl.col("survivor_rank") == 1) & (pl.col("survivor_column") == "full_name"))
    joined = marts["gold_party"].join(first, left_on="gold_party_id", right_on="entity_id", how="left")
    assert joined.filter(pl.col("full_name").ne_missing(pl.col("held_value"))).is_empty()
    assert marts["gold_party"]["full_name"].null_count() < marts["gold_party"].height * 0.1


def test_the_newest_phone_survives_however_it_is_written(marts):
    phones = marts["values"].filter(pl.col("survivor_column") == "phone")
    newest = phones.group_by("entity_id").agg(pl.col("updated_at").max())
    survivors = phones.filter(pl.col("survivor_rank") == 1)
    assert survivors.join(newest, on=["entity_id", "updated_at"], how="anti").is_empty()
    written_twice = phones.filter(
        pl.col("survivor_rank") > 1, pl.col("compared_value") == pl.col("golden_compared_value")
    )
    assert written_twice.height > 20
    assert (
        marts["golden_conflicts"].join(written_twice, on=["survivor_column", "source", "source_record_id"]).is_empty()
    )


def test_a_stale_status_of_a_unit_is_a_conflict_and_a_deed_with_other_signs_is_none(marts):
    conflicts = marts["golden_conflicts"]
    status = conflicts.filter(pl.col("survivor_column") == "property_status")
    assert status.height > 0
    assert status["is_synced"].all()
    assert conflicts.filter(pl.col("survivor_column") == "title_deed_no").is_empty()


def test_a_build_of_what_has_not_changed_writes_nothing(built):
    with read_lake(built) as lake:
        before = (lake.snapshot_id("raw"), lake.query("SELECT * FROM mart.gold_party ORDER BY 1"))
    assert build(built, at=NOW + dt.timedelta(days=1))["changed_count"] == 0
    with read_lake(built) as lake:
        assert lake.snapshot_id("raw") == before[0]
