"""Cost sheet by hand figures, checklist of papers, breach packs, and the files that come of a draft."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from aurora.errors import DataError, NotFoundError, PermissionDeniedError, UsageError
from aurora.filings.book import missing_fields
from aurora.filings.checklist import items
from aurora.filings.costs import Sale, costs_of, declared
from aurora.filings.exports import export, opener
from aurora.store.vault import Vault
from tests.filings.sale import EMIRATES_ID, NOW, who


def totals(sale: Sale, book) -> dict[str, str]:
    return {one.line.kind: str(one.total_aed) for one in costs_of(sale, book)}


@pytest.mark.parametrize(
    ("sale", "expected"),
    [
        (  # 4 % of 1,250,000; 4,000 + 5 %; 0.25 % of 1,000,000 + 290; 2 % + 5 %
            Sale(Decimal(1_250_000), "apartment", is_off_plan=False, loan_aed=Decimal(1_000_000)),
            {"dld_transfer": "50000.00", "dld_admin": "580.00", "trustee": "4200.00", "mortgage_reg": "2790.00",
             "commission": "26250.00"},
        ),
        (  # below 500,000 the trustee takes 2,000 + 5 %
            Sale(Decimal("499999.99"), "land", is_off_plan=False),
            {"dld_transfer": "20000.00", "dld_admin": "430.00", "trustee": "2100.00", "commission": "10500.00"},
        ),
        (  # off-plan 40; 1 % agreed
            Sale(Decimal(500_000), "villa", is_off_plan=True, commission_share=Decimal("0.01")),
            {"dld_transfer": "20000.00", "dld_admin": "40.00", "trustee": "4200.00", "commission": "5250.00"},
        ),
        (  # half a fils is rounded up: 4 % of 100.125 is 4.005
            Sale(Decimal("100.125"), "office", is_off_plan=False, commission_share=Decimal(0)),
            {"dld_transfer": "4.01", "dld_admin": "580.00", "trustee": "2100.00", "commission": "0.00"},
        ),
    ],
)  # fmt: skip
def test_costs_are_those_reckoned_by_hand(book, sale, expected):
    assert totals(sale, book) == expected


def test_every_parameter_of_the_cost_sheet_has_a_source(book, derived):
    lines, parameters = declared(book)
    for line in lines:
        assert book.rule(line.rule)
        assert all(parameters[name].source for name in line.parameters)
    shown = next(one for one in derived("dld_costs", "D-1").tables if one.title == "Parameters")
    assert {row[2] for row in shown.rows} >= {
        "Executive Council Resolution 30/2013",
        "Federal Decree-Law 8/2017, Art. 3",
    }


def test_the_cost_sheet_of_a_deal_says_who_pays_and_what_was_quoted(derived):
    tables = {one.title: one for one in derived("dld_costs", "D-1").tables}
    assert tables["Totals"].rows == (("The buyer pays", "83,820.00"), ("Together", "83,820.00"))
    mortgage = next(row for row in tables["Costs"].rows if "mortgage" in str(row[0]))
    assert (mortgage[4], mortgage[6]) == ("2,790.00", "2,790.00")


def test_a_sheet_without_a_price_waits_for_it_and_follows_what_a_person_fills(derived):
    bare = derived("dld_costs", "D-2")
    assert {one.path for one in missing_fields(bare)} == {"price_aed", "property_kind", "is_off_plan"}
    assert bare.tables == ()
    filled = derived("dld_costs", "D-2", price_aed="1,000,000", property_kind="villa", is_off_plan="no")
    assert next(one for one in filled.tables if one.title == "Totals").rows[-1] == ("Together", "65,780.00")
    with pytest.raises(DataError, match="no amount"):
        derived("dld_costs", "D-2", price_aed="a lot", property_kind="villa", is_off_plan="no")


def test_the_checklist_tells_there_missing_expired_and_not_asked(derived):
    papers = next(one for one in derived("rera_checklist", "D-1").tables if one.title == "Papers")
    found = {item.item: row[1] for item, row in zip(items(), papers.rows, strict=True)}
    assert found == {
        "form_a": "there",
        "permit": "expired",
        "developer_agreement": "not asked",
        "form_b": "there",
        "kyc_buyer": "there",
        "kyc_seller": "missing",
        "buyer_identity": "expired",
        "seller_identity": "not asked",
        "source_of_funds": "there",
        "title_check": "there",
        "form_f": "missing",
        "form_i": "there",
        "dual_consent": "not asked",
        "oqood": "not asked",
        "noc": "there",
        "rear": "missing",
    }


def test_each_paper_names_the_rule_that_asks_for_it(book, derived):
    content = derived("rera_checklist", "D-1")
    assert all(book.rule(item.rule) for item in items())
    gaps = {one.path: one.why for one in missing_fields(content)}
    assert gaps["form_f"].startswith("RERA-005")
    assert set(gaps) == {"permit", "kyc_seller", "buyer_identity", "form_f", "rear"}
    on_file = next(one for one in content.tables if one.title == "Documents on file")
    assert ("Receipt", "on file") in {row[:2] for row in on_file.rows}
    assert ("KYC form", "not on file") in {row[:2] for row in on_file.rows}


def test_a_breach_pack_runs_by_the_law_s_clock_and_asks_why_it_is_late(derived):
    content = derived("pdpl_breach", "I-1")
    assert (content.due_at - NOW).total_seconds() == -8 * 3600  # noticed 80 hours ago, 72 are given
    assert {one.path for one in missing_fields(content)} == {
        "subject_categories", "record_count", "consequences", "measures", "delay_reason",
    }  # fmt: skip
    assert any("to be verified" in one for one in content.notes)
    assert any("falls under AE" in one for one in derived("gdpr_breach", "I-1").notes)


def test_the_letter_follows_the_fields_and_shows_gaps_as_gaps(derived):
    (letter,) = derived("pdpl_breach", "I-1", measures="The mailbox was closed.").texts
    assert "they must be told" in letter.title
    assert "The mailbox was closed." in letter.body
    assert "[consequences: missing]" in letter.body
    assert "Palm Homes LLC" in letter.body


def test_a_draft_as_html_takes_nothing_as_markup_and_covers_what_is_protected(make):
    page = export(make("rear", "D-1"), "html", tenant="demo").decode()
    assert "&lt;b&gt;Al&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "(protected)" in page
    assert EMIRATES_ID not in page


def test_a_draft_as_pdf_has_pages_with_its_hash(make):
    detail = make("rear", "D-1")
    body = export(detail, "pdf", tenant="demo")
    assert body.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", body)) >= 1
    assert export(detail, "pdf", tenant="demo") == body


def test_protected_values_are_opened_for_a_reason_that_is_on_record(make, store, paths):
    detail = make("rear", "D-1")
    filing_id = detail.filing.filing_id
    with Vault.open(paths) as vault:
        for identity, reason in ((who(without=("privacy:reveal",)), "filing the REAR"), (who(), "short")):
            with pytest.raises((UsageError, PermissionDeniedError)):
                opener(store, vault, filing_id, identity=identity, reason=reason, now=NOW)
        shown = opener(store, vault, filing_id, identity=who(), reason="filing the REAR", now=NOW)
        body = export(detail, "xml", tenant="demo", shown=shown).decode()
    assert f"<id_number>{EMIRATES_ID}</id_number>" in body
    (entry,) = [one for one in store.about(filing_id) if one.kind == "privacy_open"]
    assert b"filing the REAR" in entry.body
    assert EMIRATES_ID.encode() not in entry.body


def test_a_form_that_a_kind_does_not_have_is_refused(make):
    with pytest.raises(UsageError, match="no XML"):
        export(make("dld_costs", "D-1"), "xml", tenant="demo")


def test_an_unknown_incident_is_not_found(derived):
    with pytest.raises(NotFoundError):
        derived("gdpr_breach", "I-9")
