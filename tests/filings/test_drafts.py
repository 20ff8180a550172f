"""Drafts say what the lake says, name the records and the snapshot, and list what is missing and where to put it."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from decimal import Decimal

import polars as pl
import pytest

from aurora.errors import ConflictError, NotFoundError, PermissionDeniedError, UsageError
from aurora.filings.book import list_filings, missing_fields
from aurora.filings.company import Company
from aurora.filings.drafting import derive, fill_draft, refresh_draft
from aurora.filings.goaml import report_xml
from aurora.filings.goaml_schema import SCHEMA, schema_problems
from aurora.filings.kind import kinds
from aurora.store.lake import read_lake, write_lake
from tests.filings.sale import NOW, who

ACTED = {"action": "The relationship is watched."}


def values(content):
    return {one.path: one.value for one in content.fields}


def parsed(body):
    return ET.fromstring(body)  # noqa: S314 - we wrote it


def missing(content):
    return {one.path: one for one in missing_fields(content)}


def test_every_kind_is_there_and_says_what_it_is_about():
    found = {name: (one.contract, one.is_confidential) for name, one in kinds().items()}
    assert found == {
        "rear": ("deal", False),
        "str": ("suspicion", True),
        "ffr": ("screening_hit", True),
        "pnmr": ("screening_hit", True),
        "pdpl_breach": ("incident", False),
        "gdpr_breach": ("incident", False),
        "rera_checklist": ("deal", False),
        "dld_costs": ("deal", False),
    }


def test_a_rear_tells_the_cash_payments_and_no_others(derived):
    content = derived("rear", "D-1")
    said = values(content)
    assert said["transaction[1].transactionnumber"] == "Y-1"
    assert [said[f"transaction[{n}].amount_local"] for n in (1, 2)] == ["30000.00", "25000.00"]
    assert "transaction[3].amount_local" not in said
    assert "cash of AED 55,000.00" in said["reason"]
    assert said["transaction[1].t_to.to_entity.name"] == "Dune Estates FZE"
    assert said["report_indicators.indicator[2]"] == "R2"
    assert not missing(content)


def test_a_draft_names_the_snapshot_and_the_records_it_came_from(derived, sale):
    content = derived("rear", "D-1")
    with read_lake(sale) as lake:
        assert content.raw_snapshot_id == lake.snapshot_id("raw")
    names = {(one.contract, one.record_id) for one in content.records}
    assert {("deal", "D-1"), ("payment", "Y-1"), ("party", "p-buyer"), ("property", "U-1")} <= names
    assert {len(one.row_hash) for one in content.records} == {64}
    assert content.due_because == "AML-002, the finding's clock"


def test_a_rear_fits_the_schema_and_is_marked_as_a_draft(derived):
    body = report_xml(derived("rear", "D-1"))
    assert schema_problems(body) == []
    assert b"DRAFT by Aurora, not filed" in body
    assert b"enc1:" not in body
    assert parsed(body).findtext("transaction/t_from_my_client/from_person/id_number") == "(protected)"
    assert "SUBSET of the UNODC goAML" in SCHEMA


@pytest.mark.parametrize("about", [("str", "S-1"), ("pnmr", "H-1")])
def test_what_was_done_is_for_a_person_to_say(derived, about):
    found = missing(derived(*about))
    assert list(found) == ["action"]
    assert "aurora draft fill" in found["action"].where


def test_an_str_tells_every_payment_of_the_deal(derived):
    content = derived("str", "S-1", **ACTED)
    assert not missing(content)
    body = report_xml(content)
    assert schema_problems(body) == []
    root = parsed(body)
    assert [one.findtext("transactionnumber") for one in root.iter("transaction")] == ["Y-1", "Y-2", "Y-3"]
    assert root.findtext("reason") == "funds came by three accounts"


def test_a_list_hit_is_an_activity_with_its_party(derived):
    body = report_xml(derived("pnmr", "H-1", **ACTED))
    assert schema_problems(body) == []
    root = parsed(body)
    assert root.find("transaction") is None
    assert root.findtext("activity/report_parties/report_party/person/first_name") == "Omar"
    assert "likeness 0.82" in root.findtext("reason")


def test_a_freeze_that_was_not_made_is_a_gap_of_the_report(derived):
    content = derived("ffr", "H-1")
    assert "do it" in missing(content)["action"].why
    assert "The match is partial; this report is for a confirmed one." in content.notes


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<rentity_id>3177</rentity_id>", "", "rentity_id"),
        ("<report_code>REAR", "<report_code>BEAR", "report_code"),
        ("<amount_local>30000.00", "<amount_local>-1", "amount_local"),
        ("<amount_local>30000.00", "<amount_local>1.234", "amount_local"),
        ("<date_transaction>2026", "<date_transaction>yesterday 2026", "date_transaction"),
        ("<from_country>AE", "<from_country>Emirates", "from_country"),
        ("<indicator>R1</indicator>", "<indicator></indicator>", "indicator"),
        ("<reason>", "<grounds>x</grounds><reason>", "grounds"),
        ("<t_from_my_client>", "<t_from_my_client><bribe/>", "bribe"),
    ],
)
def test_what_is_wrong_with_a_report_is_found_and_named(derived, old, new, problem):
    body = report_xml(derived("rear", "D-1")).decode()
    broken = body.replace(old, new, 1)
    assert broken != body
    assert any(problem in one for one in schema_problems(broken.encode()))


def test_what_is_missing_says_why_and_where(sale, book):
    with read_lake(sale) as lake:
        content = derive(
            lake, Company(), book, kind="rear", about_id="D-1", record_source=None, filing_id="fil_1", now=NOW
        )
    found = missing(content)
    assert found["rentity_id"].where == "goaml.rentity_id of filings.yaml in the tenant's folder"
    assert found["transaction[1].transmode_code"].where.startswith("goaml.transmode_codes.cash")
    assert all(one.why and one.where for one in found.values())


def test_a_deal_that_says_nothing_makes_a_draft_of_gaps(derived):
    assert {"reason", "transaction[1].transactionnumber"} <= set(missing(derived("rear", "D-2")))


def test_a_dry_run_keeps_nothing(make, store, paths):
    make("rear", "D-1", is_dry_run=True)
    assert list_filings(store, who()) == []
    assert not (paths.files("raw").parent / "filings").exists()


def test_one_record_has_one_open_draft_of_a_kind(make):
    first = make("rear", "D-1").filing.filing_id
    with pytest.raises(ConflictError, match=first):
        make("rear", "D-1")
    with pytest.raises(PermissionDeniedError, match="filing:write"):
        make("dld_costs", "D-1", identity=who(without=("filing:write",)))


@pytest.mark.parametrize(
    ("kind", "about_id", "error"),
    [("rear", "D-9", NotFoundError), ("pear", "D-1", UsageError)],
)
def test_what_is_not_there_is_refused(derived, kind, about_id, error):
    with pytest.raises(error):
        derived(kind, about_id)


def test_what_a_person_fills_stays_and_can_be_taken_back(make, store, paths, book):
    detail = make("pnmr", "H-1", ACTED)
    filing_id = detail.filing.filing_id
    field = next(one for one in detail.content.fields if one.path == "action")
    assert (field.value, field.origin) == (ACTED["action"], "person")
    again = refresh_draft(store, paths, book, filing_id, identity=who(), now=NOW + dt.timedelta(hours=1))
    assert again.filing.content_hash == detail.filing.content_hash  # nothing moved: no new act
    back = fill_draft(store, paths, book, filing_id, {"action": None}, identity=who(), now=NOW)
    assert [one.path for one in back.missing] == ["action"]
    with pytest.raises(UsageError, match="no field"):
        fill_draft(store, paths, book, filing_id, {"bribe": "x"}, identity=who(), now=NOW)


def test_a_refresh_follows_the_lake(make, store, paths, book):
    before = make("rear", "D-1")

    def work(lake):
        row = lake.query("SELECT * FROM raw.payment WHERE payment_id = 'Y-2'").with_columns(
            amount_aed=pl.lit(Decimal(26_000)), updated_at=pl.lit(NOW)
        )
        lake.append("payment", row)

    write_lake(paths, "raw", work, author="test", message="corrected")
    after = refresh_draft(store, paths, book, before.filing.filing_id, identity=who(), now=NOW)
    assert values(after.content)["transaction[2].amount_local"] == "26000.00"
    assert after.content.raw_snapshot_id > before.content.raw_snapshot_id
    assert [one.act for one in after.filing.events] == ["made", "refreshed"]
