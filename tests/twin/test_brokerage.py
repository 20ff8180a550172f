"""The brokerage's exports keep their contracts, and its life is one that could be."""

import datetime as dt
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from aurora.ingest.completion import Completion
from aurora.ingest.judging import judged
from aurora.packs import load_pack
from contracts import registry
from contracts.references import references
from twin.brokerage.history import brokerage_history
from twin.frame import WORK_SCHEMA, Frame, Part

PACKS = Path(__file__).parents[2] / "packs"
FOREIGN = frozenset({"assistant", "conversation", "decision", "task"})
"""Contracts whose rows other parts of the twin, or the pack, bring."""


def frame(*, seed: int = 7, scale: float = 0.1) -> Frame:
    return Frame(pack=load_pack(PACKS, "real_estate"), seed=seed, first_day=dt.date(2026, 8, 1), scale=scale)


@pytest.fixture(scope="module")
def part() -> Part:
    return brokerage_history(frame())


def all_rows(part: Part) -> dict[str, pl.DataFrame]:
    """Rows of each contract from all sources, with the source."""
    found: dict[str, list[pl.DataFrame]] = {}
    for one in part.exports:
        found.setdefault(one.contract, []).append(one.rows.with_columns(pl.lit(one.source).alias("source")))
    return {contract: pl.concat(parts, how="diagonal") for contract, parts in found.items()}


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
        key = [name for name in registry.table(contract).row_key if name in rows.columns]
        assert rows.select(pl.struct(key).is_duplicated().sum()).item() == 0, contract


def test_every_reference_names_a_row_that_is_there(part: Part):
    rows = all_rows(part)
    for one in references():
        if one.table not in rows or one.column not in rows[one.table].columns or one.to_table in FOREIGN:
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
    assert set(part.work["task_type"].unique()) <= known
    assert 14_000 <= part.work.height <= 20_000
    cases = set(all_rows(part)["workflow_case"]["case_id"])
    assert set(part.work["case_id"].unique()) == cases


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
