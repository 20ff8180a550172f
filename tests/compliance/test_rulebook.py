"""The book of rules: what it holds, what it refuses, and verdicts that fail closed."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from aurora.compliance.calendars import add_business_days, business_days_ago, due_at, is_business_day
from aurora.compliance.declarations import Calendar, Clock
from aurora.compliance.rulebook import FOLDER, Rulebook, load_rulebook
from aurora.compliance.verdicts import EXAMPLES_NOW, evaluate, record_of
from aurora.errors import AuroraError, DataError, NotFoundError
from aurora.settings import Settings

PACKS = Settings().packs_dir
NOW = EXAMPLES_NOW


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(PACKS)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(PACKS / FOLDER, tmp_path / FOLDER)
    return tmp_path


def edit(copy: Path, place: str, old: str, new: str) -> None:
    file = copy / FOLDER / place
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_book_holds_every_rule_of_the_list(book: Rulebook):
    counts = {pack.file.rule_pack: len(pack.rules) for pack in book.packs}
    assert sum(counts.values()) == 144
    assert counts["uae_aml"] == 22
    assert counts["gdpr"] == 18
    assert len({rule.rule_id for rule in book.rules}) == 144


def test_an_industry_is_bound_by_its_own_law_and_by_what_binds_all(book: Rulebook):
    bound = {pack.file.rule_pack for pack in book.for_industry("healthcare").packs}
    assert "hipaa" in bound
    assert "dld" not in bound
    assert len(book.for_industry("real_estate").rules) == 144


def test_a_rule_that_is_one_new_file_is_in_the_book(copy: Path):
    text = (copy / FOLDER / "uae_aml" / "aml_007.yaml").read_text(encoding="utf-8")
    (copy / FOLDER / "uae_aml" / "aml_099.yaml").write_text(text.replace("AML-007", "AML-099"), encoding="utf-8")
    assert load_rulebook(copy).rule("aml-099").contract == "suspicion"


@pytest.mark.parametrize(
    ("place", "old", "new", "says"),
    [
        ("uae_aml/aml_007.yaml", "str_filed_at IS NULL", "str_filled_at IS NULL", "not a field"),
        ("uae_aml/aml_007.yaml", "AML-007", "AML-008", "the file is named"),
        ("uae_aml/aml_007.yaml", "record: suspicion", "record: suspicions", "no contract holds it"),
        ("uae_aml/aml_007.yaml", "record: suspicion", "record: assistant", "no source to name them by"),
        ("uae_aml/aml_007.yaml", "parameter: str_due_hours", "parameter: str_hours", "params.yaml"),
        ("uae_aml/aml_007.yaml", "runs_from: found_at", "runs_from: party_id", "no time"),
        ("uae_aml/aml_007.yaml", "evidence: [suspicion_status", "evidence: [status", "neither a column"),
        ("uae_aml/aml_002.yaml", "$rear_cash_threshold_aed", "$threshold", "not a parameter"),
        ("uae_aml/pack.yaml", "calendar: ae", "calendar: mars", "there are ae"),
        ("uae_aml/params.yaml", "type: int\n    value: 55000", "type: int\n    value: much", "not of type int"),
        ("facts.yaml", "by: [deal_id]", "by: [deal]", "does not fit the columns of payment"),
        ("facts.yaml", "reads: [deal]", "reads: [deals]", "is no contract"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_when_the_book_is_loaded(
    copy: Path, place: str, old: str, new: str, says: str
):
    edit(copy, place, old, new)
    with pytest.raises(DataError, match=says.replace("(", r"\(")):
        load_rulebook(copy)


def test_the_hash_follows_what_rules_say_and_not_how_it_is_laid_out(book: Rulebook, copy: Path):
    edit(copy, "uae_aml/aml_007.yaml", "rule_id:", "# a comment\nrule_id:")
    assert load_rulebook(copy).book_hash == book.book_hash
    edit(copy, "uae_aml/params.yaml", "value: 55000", "value: 54000")
    assert load_rulebook(copy).book_hash != book.book_hash


def test_general_knowledge_is_shown_as_to_be_verified(book: Rulebook):
    assert book.rule("AML-013").file.must_be_verified
    assert book.rule("PDPL-011").file.must_be_verified
    assert not book.rule("AML-002").file.must_be_verified


def test_a_pack_is_stale_after_seven_days(book: Rulebook):
    pack = book.pack("uae_aml")
    assert not pack.is_stale(pack.file.checked_at + dt.timedelta(days=7))
    assert pack.is_stale(pack.file.checked_at + dt.timedelta(days=7, seconds=1))


def test_an_act_is_stopped_by_what_is_broken_and_by_what_nobody_knows(book: Rulebook):
    given = {"payer_party_id": "P-2", "amount_aed": "1000", "received_at": None}
    verdicts = {
        one.rule.rule_id: one
        for one in evaluate(book, "payment", record_of(book, "payment", given, where="t"), now=NOW)
    }
    assert verdicts["AML-017"].verdict == "unknown"
    assert verdicts["AML-017"].stops
    assert "deal_buyer_party_id" in verdicts["AML-017"].unknown_fields
    assert (verdicts["SOC2-012"].verdict, verdicts["SOC2-012"].stops) == ("pass", False)
    assert (verdicts["AML-022"].verdict, verdicts["AML-022"].stops) == ("unknown", False)  # not asked before an act


def test_a_rule_is_asked_only_while_it_is_in_force(book: Rulebook):
    values = record_of(book, "ad_creative", {"channel": "social", "published_at": "2026-03-01"}, where="t")
    before = {
        one.rule.rule_id for one in evaluate(book, "ad_creative", values, now=dt.datetime(2026, 1, 31, tzinfo=dt.UTC))
    }
    after = {
        one.rule.rule_id for one in evaluate(book, "ad_creative", values, now=dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    }
    assert after - before == {"ADS-009"}


def test_a_word_of_the_law_leads_to_its_contract(book: Rulebook):
    asked = evaluate(book, "model_endpoint", record_of(book, "model_endpoint", {}, where="t"), now=NOW)
    assert [(one.rule.rule_id, one.verdict) for one in asked] == [("RES-002", "fail")]


def test_an_unknown_field_rule_or_pack_is_named(book: Rulebook):
    with pytest.raises(DataError, match="no field amount of payment"):
        record_of(book, "payment", {"amount": 3}, where="t")
    for wrong in (lambda: book.rule("AML-999"), lambda: book.pack("mars")):
        with pytest.raises(NotFoundError):
            wrong()
    with pytest.raises(AuroraError, match="not of type timestamp"):
        record_of(book, "payment", {"received_at": "soon"}, where="t")


CALENDAR = Calendar(
    calendar="test", title="t", weekend=(6, 7), source="t", holidays={dt.date(2026, 12, 2): "National Day"}
)
TUESDAY = dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)


def test_business_days_leave_out_weekends_and_holidays():
    assert not is_business_day(CALENDAR, dt.date(2026, 12, 2))
    assert not is_business_day(CALENDAR, dt.date(2026, 12, 5))
    assert add_business_days(CALENDAR, TUESDAY, 5) == dt.datetime(2026, 12, 9, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize("day", range(1, 20))
def test_what_is_older_than_so_many_business_days_lies_before_the_day_that_is_reckoned(day: int):
    now = dt.datetime(2026, 12, day, 15, tzinfo=dt.UTC)
    cutoff = business_days_ago(CALENDAR, now, 5)
    for back in range(20):
        then = now.date() - dt.timedelta(days=back)
        between = sum(is_business_day(CALENDAR, then + dt.timedelta(days=one)) for one in range(1, back + 1))
        assert (then < cutoff) == (between > 5)


def test_clocks_run_out_in_their_own_units():
    kinds = {
        "hours": dt.timedelta(hours=5),
        "calendar_days": dt.timedelta(days=5),
        "business_days": dt.timedelta(days=8),
    }
    for kind, span in kinds.items():
        assert due_at(Clock(kind=kind, said="t"), 5, TUESDAY, CALENDAR) == TUESDAY + span
    assert due_at(Clock(kind="pre_act", said="t"), None, TUESDAY, CALENDAR) == TUESDAY


def test_the_silence_of_a_source_that_never_carries_a_word_is_no_breach(book: Rulebook, copy: Path):
    assert "funnel" in book.silent_sources(book.rule("AML-016"))
    assert book.silent_sources(book.rule("DLD-009")) == ["sample_theodora"]
    assert book.silent_sources(book.rule("RES-002")) == []
    edit(copy, "coverage.yaml", "deal: [deal_stage,", "deal: [deal_sage,")
    with pytest.raises(DataError, match="deal_sage"):
        load_rulebook(copy)
