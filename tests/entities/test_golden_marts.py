"""The golden marts out of a real lake: what survives, what disagrees, and what it takes from whom."""

import datetime as dt

import msgspec
import polars as pl
import pytest

from aurora.audit.verify import verify
from aurora.entities import golden
from aurora.entities.conflicts import settle_conflicts
from aurora.entities.judgements import entries_of
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake, write_lake
from aurora.store.paths import TenantPaths
from tests.entities.town import NOW, build, land

FLEET = load_pack(Settings().packs_dir, "real_estate").assistants
MARTS = ("gold_party", "gold_property", "golden_conflicts")


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


def run_mart(paths: TenantPaths, sql: str, *params: object) -> None:
    """What the next dbt run would leave, without its ten seconds."""
    write_lake(paths, "mart", lambda lake: lake.execute(sql, params), author="tests", message="As dbt would")


def _settle(paths: TenantPaths, *, at: dt.datetime = NOW) -> dict[str, int]:
    return settle_conflicts(paths, FLEET, clock=lambda: at)


def test_each_disagreement_is_told_once_and_finance_is_never_written_to(disagreeing, marts):
    wanted = marts["golden_conflicts"].filter("is_synced")
    assert _settle(disagreeing) == {"conflict_count": wanted.height, "opened_count": wanted.height, "closed_count": 0}
    assert _settle(disagreeing)["opened_count"] == 0
    told = golden.open_conflicts(disagreeing)
    assert len(told) == wanted.height
    assert {(one["record"]["source"], one["is_command"]) for one in told} == {
        ("sample_clara", True),
        ("sample_mary", True),
        ("sample_theodora", False),
    }
    with StateReader(disagreeing) as state:
        bodies = [entry.body for kind in ("command", "alert") for entry in entries_of(state, kind)]
        orders = [msgspec.json.decode(entry.body) for entry in entries_of(state, "command")]
    assert not any(b"+971" in body or b"@example.com" in body for body in bodies)
    assert {order["assistant_id"] for order in orders} == {"clara", "mary"}
    assert verify(disagreeing).is_valid


def test_a_command_is_closed_when_the_systems_next_export_agrees(disagreeing, marts):
    _settle(disagreeing)
    status = pl.col("survivor_column") == "property_status"
    wrong = marts["golden_conflicts"].filter(status).row(0, named=True)
    values = marts["values"].filter(status, pl.col("entity_id") == wrong["entity_id"])
    agreed = values.filter(pl.col("survivor_rank") == 1)["held_value"].item()
    with read_lake(disagreeing) as lake:
        held = lake.query(
            "SELECT property_id, property_kind, project_name, unit_no, bedroom_count FROM raw.property"
            " WHERE source = ? AND property_id = ?",
            [wrong["source"], wrong["source_record_id"]],
        ).row(0, named=True)
    news = held | {"property_status": agreed, "updated_at": "2026-11-20T00:00:00Z"}
    land(disagreeing, wrong["source"], "property", [news])
    later = NOW + dt.timedelta(hours=1)
    build(disagreeing, at=later)
    run_mart(disagreeing, "DELETE FROM mart.golden_conflicts WHERE source_record_id = ?", wrong["source_record_id"])
    figures = _settle(disagreeing, at=later)
    assert (figures["opened_count"], figures["closed_count"]) == (0, 1)
    with StateReader(disagreeing) as state:
        last = msgspec.json.decode(entries_of(state, "command")[-1].body)
    assert (last["command_state"], last["record"]["record_id"]) == ("completed", wrong["source_record_id"])
    assert not [one for one in golden.open_conflicts(disagreeing) if one["id"] == last["command_id"]]


def test_one_golden_record_is_shown_whole_without_what_is_protected(disagreeing):
    _settle(disagreeing)
    with read_lake(disagreeing) as lake:
        first = golden.list_entities(lake, "party", limit=1)[0]
        facts = golden.show(disagreeing, lake, "party", first["entity_id"])
    assert len(facts["records"]) == first["record_count"] > 1
    assert facts["golden"]["phone"] == golden.PROTECTED
    assert facts["golden"]["full_name"] == first["name"]
    assert {one["verdict"] for one in facts["matches"]} >= {"same"}
    assert all(one["strategy"] for one in facts["values"])
