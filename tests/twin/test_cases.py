"""The planted cases are in the data, and the exact predicates find them and nothing else."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from aurora.packs import load_pack
from contracts import registry
from contracts.rule_records import record_table
from tests.twin.judging import Found, all_rows, findings
from twin.brokerage.history import brokerage_history
from twin.cases.ledger import CASES_SCHEMA, KEY_SEPARATOR, NEAR_MISS, VIOLATION
from twin.cases.predicates import PREDICATES
from twin.frame import Frame, Part

PACKS = Path(__file__).parents[2] / "packs"
RULES = 144


def frame(*, seed: int = 11, scale: float = 0.05, first_day: dt.date = dt.date(2026, 8, 1), days: int = 90) -> Frame:
    return Frame(pack=load_pack(PACKS, "real_estate"), seed=seed, first_day=first_day, days=days, scale=scale)


@pytest.fixture(scope="module")
def part() -> Part:
    return brokerage_history(frame())


@pytest.fixture(scope="module")
def rows(part: Part) -> dict[str, pl.DataFrame]:
    return all_rows(part)


@pytest.fixture(scope="module")
def found(rows: dict[str, pl.DataFrame]) -> dict[str, Found]:
    return findings(rows, frame().until)


def planted(part: Part, rule_id: str, expected: str) -> Found:
    cases = part.truth["planted_cases"].filter(pl.col("rule_id") == rule_id, pl.col("expected") == expected)
    return set(cases.select("source", "record_key").rows())


@pytest.mark.parametrize("rule_id", PREDICATES)
def test_a_predicate_finds_what_was_planted_and_nothing_else(rule_id: str, part: Part, found: dict[str, Found]):
    violations = planted(part, rule_id, VIOLATION)
    assert violations
    assert found[rule_id] == violations


@pytest.mark.parametrize("rule_id", PREDICATES)
def test_a_near_miss_breaks_no_rule_at_all(rule_id: str, part: Part, found: dict[str, Found]):
    misses = planted(part, rule_id, NEAR_MISS)
    contract = PREDICATES[rule_id].contract
    broken = [one.rule_id for one in PREDICATES.values() if one.contract == contract and found[one.rule_id] & misses]
    assert misses
    assert not broken


def test_a_judge_who_comes_within_the_day_finds_the_same(rows: dict[str, pl.DataFrame], found: dict[str, Found]):
    """No clock runs out in the day after the end: a life told up to midnight is judged some time after it."""
    assert findings(rows, frame().until + dt.timedelta(hours=23, minutes=55)) == found


def test_there_is_a_predicate_for_every_rule():
    assert len(PREDICATES) == RULES


def test_cases_name_records_that_are_there(part: Part, rows: dict[str, pl.DataFrame]):
    cases = part.truth["planted_cases"]
    assert dict(cases.schema) == CASES_SCHEMA
    assert cases["case_id"].n_unique() == cases.select("contract", "source", "record_key").n_unique()
    for (contract,), mine in cases.group_by("contract"):
        key = [name for name in registry.table(str(contract)).key if name != "source"]
        there = rows[str(contract)].select("source", pl.concat_str(key, separator=KEY_SEPARATOR).alias("record_key"))
        assert mine.join(there, on=["source", "record_key"], how="anti").is_empty(), contract


def test_a_violation_says_since_when_and_a_near_miss_does_not(part: Part):
    cases = part.truth["planted_cases"]
    violations = cases.filter(pl.col("expected") == VIOLATION)
    assert violations["violates_from"].null_count() == 0
    assert violations["violates_from"].max() <= frame().until
    assert (
        cases.filter(pl.col("expected") == NEAR_MISS)["violates_from"].null_count() == cases.height - violations.height
    )


def test_a_rule_is_not_broken_before_the_moment_that_the_truth_names(part: Part, rows: dict[str, pl.DataFrame]):
    """Of the rules that a clock alone breaks, judged a day before each moment."""
    cases = part.truth["planted_cases"].filter(pl.col("expected") == VIOLATION)
    for rule_id in (
        "AML-010",
        "AML-020",
        "RERA-002",
        "ADS-002",
        "PDPL-007",
        "PDPL-009",
        "SOC2-003",
        "GEN-008",
    ):
        mine = cases.filter(pl.col("rule_id") == rule_id)
        for case in mine.to_dicts():
            record = (case["source"], case["record_key"])
            since: dt.datetime = case["violates_from"]
            assert record not in findings(rows, since - dt.timedelta(days=1), [rule_id])[rule_id], case
            assert record in findings(rows, since + dt.timedelta(seconds=1), [rule_id])[rule_id], case


@pytest.mark.parametrize(
    ("seed", "scale", "first_day", "days"),
    [
        (3, 0.001, dt.date(2026, 9, 1), 30),
        (4, 0.05, dt.date(2026, 2, 20), 2),
        (5, 0.5, dt.date(2027, 1, 1), 90),
    ],
)
def test_other_lives_are_as_clean(seed: int, scale: float, first_day: dt.date, days: int):
    life = frame(seed=seed, scale=scale, first_day=first_day, days=days)
    part = brokerage_history(life)
    found = findings(all_rows(part), life.until)
    assert {rule_id: planted(part, rule_id, VIOLATION) for rule_id in PREDICATES} == found
    assert all(found.values())


def test_no_advertiser_permit_is_asked_before_there_were_any():
    life = frame(scale=0.01, first_day=dt.date(2025, 9, 1))
    part = brokerage_history(life)
    found = findings(all_rows(part), life.until)
    assert [rule_id for rule_id, records in found.items() if not records] == ["ADS-009"]
    counts = part.truth["planted_rules"].filter(pl.col("violation_count") == 0)
    assert counts["rule_id"].to_list() == ["ADS-009"]


def test_more_cases_are_planted_in_a_whole_brokerage():
    part = brokerage_history(frame(scale=1.0))
    counts = part.truth["planted_rules"]
    assert counts["violation_count"].min() >= 2
    assert counts["near_miss_count"].min() >= 2


def test_predicates_are_about_the_contracts_of_their_records():
    for one in PREDICATES.values():
        assert one.contract in registry.tables(), one.rule_id
    assert record_table("ai_operation") == PREDICATES["PCI-007"].contract
    assert record_table("model") == PREDICATES["DIFC-002"].contract
