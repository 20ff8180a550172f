"""The twin's brokerage: every planted violation is found, and nothing else."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest

from aurora.compliance.rulebook import Rulebook
from aurora.compliance.sweep import Sweep, sweep
from aurora.compliance.sweep_sql import PROTECTED
from aurora.store.lake import read_lake
from tests.compliance.conftest import UNTIL, Brokerage

Found = set[tuple[str, str, str]]


@pytest.fixture(scope="module")
def swept(book: Rulebook, brokerage: Brokerage) -> Sweep:
    with read_lake(brokerage.paths) as lake:
        return sweep(book, lake, now=UNTIL)


def planted(brokerage: Brokerage, expected: str) -> Found:
    cases = brokerage.planted.filter(pl.col("expected") == expected)
    return set(cases.select("rule_id", "source", "record_key").iter_rows())


def test_every_planted_violation_is_found_and_nothing_else(brokerage: Brokerage, swept: Sweep):
    violations = planted(brokerage, "violation")
    found = set(swept.hits.select("rule_id", "record_source", "about_id").iter_rows())
    assert len({rule_id for rule_id, _, _ in violations}) >= 143  # ADS-009 wants a life after February 2026
    assert found == violations


def test_no_near_miss_breaks_the_rule_it_comes_near_to(brokerage: Brokerage, swept: Sweep):
    found = set(swept.hits.select("rule_id", "record_source", "about_id").iter_rows())
    misses = planted(brokerage, "near_miss")
    assert misses
    assert not found & misses


def test_figures_tell_of_every_rule_how_many_records_it_was_asked_about(book: Rulebook, swept: Sweep):
    assert set(swept.figures["rule_id"]) == {rule.rule_id for rule in book.rules}
    assert int(swept.figures["judged_count"].min()) > 0
    assert swept.figures["broken_count"].sum() == swept.hits.height


def test_evidence_shows_no_personal_value(book: Rulebook, swept: Sweep):
    shown = {row["rule_id"]: msgspec.json.decode(row["evidence"]) for row in swept.hits.to_dicts()}
    assert shown["AML-017"]["payer_party_id"] == PROTECTED
    assert shown["AML-017"]["third_party_justification"] is None
    assert shown["AML-017"]["deal_buyer_party_id"] == PROTECTED
    assert shown["AML-002"]["cash_total_aed"].startswith(("55000", "61000"))
    for rule_id, evidence in shown.items():
        assert list(evidence) == list(book.rule(rule_id).file.evidence)


def test_a_clock_runs_from_the_moment_that_the_law_names(brokerage: Brokerage, swept: Sweep):
    rows = {row["rule_id"]: row for row in swept.hits.to_dicts()}
    with read_lake(brokerage.paths) as lake:
        frozen = lake.query(
            "SELECT frozen_at FROM raw.screening_hit WHERE screening_hit_id = ?", [rows["AML-010"]["about_id"]]
        ).item()
    assert (rows["AML-010"]["due_at"] - frozen).days == 7  # five business days and a weekend
    assert rows["RERA-005"]["due_at"] == UNTIL


def test_a_finding_has_the_same_id_in_every_sweep(book: Rulebook, brokerage: Brokerage, swept: Sweep):
    with read_lake(brokerage.paths) as lake:
        again = sweep(book, lake, now=UNTIL, rule_ids=["AML-002"])
    assert (
        again.hits["finding_id"].to_list() == swept.hits.filter(pl.col("rule_id") == "AML-002")["finding_id"].to_list()
    )
    assert not again.is_whole
    assert swept.hits["finding_id"].n_unique() == swept.hits.height
