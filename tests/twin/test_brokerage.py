"""The brokerage's exports keep their contracts, and its life is one that could be."""

import datetime as dt
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from aurora.errors import DataError, UsageError
from aurora.ingest.completion import Completion
from aurora.ingest.judging import judged
from aurora.packs import load_pack
from contracts import registry
from contracts.references import references
from tests.entities.town import entities, matched, pairs_of
from tests.twin.judging import all_rows
from twin.brokerage.asked import TASK_TYPES
from twin.brokerage.history import brokerage_history
from twin.brokerage.market import areas
from twin.frame import WORK_SCHEMA, Frame, Part

PACKS = Path(__file__).parents[2] / "packs"
FOREIGN = frozenset({"assistant", "conversation", "decision", "task"})
"""Contracts whose rows other parts of the twin, or the pack, bring."""


def frame(*, seed: int = 7, scale: float = 0.1) -> Frame:
    return Frame(pack=load_pack(PACKS, "real_estate"), seed=seed, first_day=dt.date(2026, 8, 1), scale=scale)


@pytest.fixture(scope="module")
def part() -> Part:
    return brokerage_history(frame())


def test_every_row_passes_the_gate_of_its_contract(part: Part):
    for one in part.exports:
        declared = registry.table(one.contract)
        rows = one.rows.with_row_index("row_number", offset=1).with_columns(pl.col("row_number").cast(pl.Int64))
        completion = Completion(
            declared=declared, source=one.source, source_format="canonical_parquet", region="ae-dubai"
        )
        good, refused = judged(rows, declared, completion)
        assert refused.is_empty(), (one.source, one.contract, refused.head(3).to_dicts())
        assert good.height == one.rows.height


def test_keys_are_unique_in_every_contract(part: Part):
    for contract, rows in all_rows(part).items():
        key = registry.table(contract).row_key
        assert rows.select(pl.struct(key).is_duplicated().sum()).item() == 0, contract


def test_every_reference_names_a_row_that_is_there(part: Part):
    rows = all_rows(part)
    for one in references():
        is_own = registry.table(one.to_table).is_ingested and one.to_table not in FOREIGN
        if one.table not in rows or not is_own:
            continue
        by = ["source"] if one.is_within_source else []
        named = rows[one.table].select(pl.col(one.column).alias("id"), *by).drop_nulls("id")
        if named.is_empty():
            continue
        assert one.to_table in rows, one
        there = rows[one.to_table].select(pl.col(one.to_column).alias("id"), *by)
        assert named.join(there, on=["id", *by], how="anti").is_empty(), one


def test_the_same_seed_gives_the_same_life_and_another_seed_another_one(part: Part):
    again, other = brokerage_history(frame()), brokerage_history(frame(seed=8))
    assert [(one.source, one.contract) for one in again.exports] == [(one.source, one.contract) for one in part.exports]
    for mine, theirs in zip(part.exports, again.exports, strict=True):
        assert_frame_equal(mine.rows, theirs.rows)
    assert_frame_equal(part.work, again.work)
    for name, rows in part.truth.items():
        assert_frame_equal(rows, again.truth[name])
    assert not all_rows(part)["lead"].equals(all_rows(other)["lead"])


def test_work_is_in_order_and_of_the_packs_task_types(part: Part):
    known = set(load_pack(PACKS, "real_estate").task_types)
    assert dict(part.work.schema) == WORK_SCHEMA
    assert part.work["requested_at"].is_sorted()
    assert set(part.work["task_type"].unique()) == TASK_TYPES
    assert known >= TASK_TYPES
    assert 14_000 <= part.work.height <= 20_000
    assert part.work["case_id"].null_count() == 0
    assert part.work["case_id"].str.slice(0, 6).unique().sort().to_list() == ["case-D", "case-L", "case-O", "case-U"]
    assert set(part.work["case_id"].unique()) == set(all_rows(part)["workflow_case"]["case_id"])
    clients = set(all_rows(part)["party"].filter(pl.col("source") == "twin_clara")["party_id"])
    assert set(part.work["subject_id"].drop_nulls().unique()) <= clients


def test_a_pack_that_is_no_brokerage_is_refused_by_name():
    other = Frame(pack=load_pack(PACKS, "automotive"), seed=7, first_day=dt.date(2026, 8, 1), scale=0.01)
    with pytest.raises(UsageError, match="pack automotive has no"):
        brokerage_history(other)


def test_the_funnel_narrows_as_funnels_do(part: Part):
    lead = all_rows(part)["lead"]
    share = {
        name: lead[name].is_not_null().mean() for name in ("qualified_at", "viewed_at", "negotiated_at", "booked_at")
    }
    assert lead.height == 2000
    assert 0.35 < share["qualified_at"] < 0.45
    assert 0.2 < share["viewed_at"] < 0.32
    assert 0.08 < share["negotiated_at"] < 0.17
    assert 0.03 < share["booked_at"] < 0.1
    assert lead.filter(pl.col("lead_status") == "lost")["lost_reason"].null_count() == 0
    assert set(lead["lead_status"]) == {
        "new",
        "contacted",
        "qualified",
        "viewing",
        "negotiation",
        "booked",
        "won",
        "lost",
    }


def test_a_deal_called_off_loses_its_lead_with_a_reason(part: Part):
    rows = all_rows(part)
    off = rows["deal"].filter(pl.col("deal_stage") == "called_off").drop_nulls("lead_id")
    lost = off.join(rows["lead"], on="lead_id")
    assert lost.height > 3
    assert set(lost["lead_status"]) == {"lost"}
    assert set(lost.filter(pl.col("buyer_cdd_status") == "failed")["lost_reason"]) <= {"due diligence failed"}
    assert "due diligence failed" not in set(lost.filter(pl.col("buyer_cdd_status") == "complete")["lost_reason"])


def test_channels_and_brokers_differ_as_the_truth_says():
    part = brokerage_history(frame(scale=1.0))
    leads = all_rows(part)["lead"]
    by_channel = leads.group_by("channel").agg(pl.col("qualified_at").is_not_null().mean().alias("share"))
    truth = by_channel.join(part.truth["lead_channels"], on="channel").sort("qualified_factor")
    assert truth["share"][-1] > 1.4 * truth["share"][0]
    offered = (
        leads.drop_nulls("negotiated_at")
        .group_by("broker_id")
        .agg(pl.col("booked_at").is_not_null().mean().alias("share"))
    )
    told = offered.join(part.truth["brokers"], on="broker_id")
    assert told.select(pl.corr("share", "closing_factor")).item() > 0.3


def test_deals_are_paid_and_papered_as_they_say(part: Part):
    rows = all_rows(part)
    paid = (
        rows["payment"]
        .group_by("deal_id")
        .agg(
            pl.col("amount_aed").filter(pl.col("payment_method") == "cash").sum().alias("cash"),
            (pl.col("payment_method") == "virtual_asset").any().alias("virtual"),
        )
    )
    deals = rows["deal"].join(paid, on="deal_id", how="left")
    assert deals.filter(pl.col("cash").fill_null(0) != pl.col("cash_total_aed")).is_empty()
    assert deals.filter(pl.col("virtual").fill_null(value=False) != pl.col("has_virtual_asset_payment")).is_empty()
    papers = rows["document"].group_by("deal_id").agg(pl.col("document_kind").unique().alias("kinds"))
    reported = deals.filter(pl.col("rear_filed_at").is_not_null()).join(papers, on="deal_id", how="left")
    needed = pl.all_horizontal(
        pl.col("kinds").list.contains(kind) for kind in ("buyer_id", "seller_id", "receipt", "spa")
    )
    assert reported.filter(needed != pl.col("has_rear_documents")).is_empty()
    assert reported.height > 5


def test_counts_that_records_carry_agree_with_the_records(part: Part):
    rows = all_rows(part)
    live = (
        rows["listing"].filter("is_published").group_by("permit_no", "listing_category").len().drop_nulls("permit_no")
    )
    said = rows["listing"].filter("is_published").join(live, on=["permit_no", "listing_category"])
    assert said.filter(pl.col("len") != pl.col("published_per_permit_count")).is_empty()
    sent = rows["message"].group_by("message_direction").len().sort("message_direction")["len"].to_list()
    assert [rows["message_stat"][name].sum() for name in ("inbound_count", "outbound_count")] == sent
    stat = rows["conversion_stat"].filter(pl.col("from_stage") == "enquired")
    assert stat["entered_count"].sum() == rows["lead"].height


def test_prices_follow_the_statistics_where_they_are_given(tmp_path: Path):
    file = tmp_path / "dld_monthly_sales.csv"
    head = "month,area,property_type,transactions,median_price_aed,median_aed_per_sqft,offplan_share,ready_share"
    file.write_text(f"{head}\n2026-01,DUBAI MARINA,Unit,900,9000000,9000,0.0,1.0\n", encoding="utf-8")
    known = {one.location: one.aed_per_sqft for one in areas(file)}
    assert known["Dubai Marina"] == 9000
    assert known["Business Bay"] == {one.location: one.aed_per_sqft for one in areas(None)}["Business Bay"]
    rich = all_rows(brokerage_history(frame(scale=0.01), market_statistics=file))["property"]
    plain = all_rows(brokerage_history(frame(scale=0.01)))["property"]
    levels = [
        one.filter(pl.col("location") == "Dubai Marina")
        .select((pl.col("price_aed") / pl.col("size_sqft")).median())
        .item()
        for one in (rich, plain)
    ]
    assert levels[0] > 3 * levels[1]


def test_statistics_without_a_column_are_refused_by_name(tmp_path: Path):
    file = tmp_path / "sales.csv"
    file.write_text("month,area\n2026-01,DUBAI MARINA\n", encoding="utf-8")
    with pytest.raises(DataError, match="property_type"):
        areas(file)


def test_nothing_happens_after_the_end(part: Part):
    until = frame().until
    for one in part.exports:
        for name, kind in one.rows.schema.items():
            if isinstance(kind, pl.Datetime) and name not in ("offer_expires_at", "viewing_starts_at"):
                latest = one.rows[name].max()
                assert latest is None or latest <= until, (one.contract, name, latest)


def test_two_people_with_one_name_stay_two(part: Part):
    parties = all_rows(part)["party"].join(part.truth["party_records"], on=["source", "party_id"])
    finance = parties.filter((pl.col("source") == "twin_theodora") & (pl.col("party_kind") == "natural"))
    people = Counter(finance.unique(["full_name", "person"])["full_name"])
    assert any(count > 1 for count in people.values())
    by_paper = finance.drop_nulls("emirates_id").group_by("emirates_id").agg(pl.col("person").n_unique())
    assert by_paper["person"].max() == 1


def test_two_brokers_with_one_name_are_two_people(part: Part):
    known = all_rows(part)["party"].join(part.truth["party_records"], on=["source", "party_id"])
    brokers = known.filter(pl.col("source") == "twin_hr").sort("party_id").tail(2)
    assert brokers["full_name_ar"].drop_nulls().n_unique() <= 1
    assert brokers["person"].n_unique() == brokers["emirates_id"].n_unique() == 2


def test_no_two_units_share_project_and_number(part: Part):
    units = all_rows(part)["property"].filter(pl.col("source") == "twin_mary")
    assert not units.select(pl.struct("project_name", "unit_no").is_duplicated().any()).item()


def test_matching_finds_one_person_where_there_is_one_and_keeps_two_apart(part: Part):
    rows = all_rows(part)
    for kind, number, least in (("party", "person", 0.85), ("property", "unit", 0.9)):
        truth = part.truth[f"{kind}_records"]
        records = [
            {name: str(value) if isinstance(value, dt.date) else value for name, value in row.items()}
            for row in rows[kind].to_dicts()
        ]
        said = pairs_of(entities(matched(kind, records)))
        true = pairs_of(
            {(source, record): one for source, record, one in truth.select("source", f"{kind}_id", number).rows()}
        )
        assert len(said & true) / len(said) > 0.99
        assert len(said & true) / len(true) > least


def test_one_person_is_known_to_several_systems_by_other_ids_and_spellings(part: Part):
    parties = all_rows(part)["party"].join(part.truth["party_records"], on=["source", "party_id"])
    of_one = parties.group_by("person").agg(
        pl.col("source").n_unique(), pl.col("full_name").n_unique(), pl.col("party_id").n_unique().alias("ids")
    )
    several = of_one.filter(pl.col("source") > 1)
    assert several.height > 100
    assert (several["ids"] >= several["source"]).all()
    assert (several["full_name"] > 1).mean() > 0.3
    assert part.truth["party_records"].height == parties.height
