"""`aurora draft` and `aurora evidence`: stable JSON, the documented exit codes, and two people with two keys."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from aurora.store.paths import tenant_paths
from tests.compliance.conftest import fill

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def deal(made) -> str:
    row = {"deal_id": "K-1", "deal_stage": "mou", "price_aed": Decimal(1_000_000), "source": "clara", "updated_at": NOW}
    fill(tenant_paths(made, "demo"), {"deal": pl.DataFrame([row])})
    return "K-1"


@pytest.fixture
def amal(aurora, tmp_path) -> Path:
    """The file with a second person's key."""
    key = aurora("key", "create", "person:amal", "--scope", "filing:read", "--scope", "filing:approve", "--json")
    file = tmp_path / "amal.key"
    file.write_text(key.json()["key"], encoding="utf-8")
    return file


def test_a_draft_goes_through_two_people_by_its_commands(aurora, deal, amal, tmp_path):
    made = aurora("draft", "make", "dld_costs", deal, "--json").json()
    filing_id = made["filing"]["filing_id"]
    assert {one["path"] for one in made["missing"]} == {"property_kind", "is_off_plan"}
    assert aurora("draft", "make", "dld_costs", deal).code == 3
    filled = aurora("draft", "fill", filing_id, "property_kind=villa", "is_off_plan=no", "--json").json()
    assert filled["missing"] == []
    assert aurora("draft", "submit", filing_id, "--json").json()["state"] == "in_review"
    refused = aurora("draft", "approve", filing_id, "--json")
    assert (refused.code, json.loads(refused.err)["rule"]) == (4, "four_eyes")
    assert (
        aurora("draft", "approve", filing_id, "--key-file", str(amal), "--json").json()["approved_by"] == "person:amal"
    )
    out = tmp_path / "costs.pdf"
    assert aurora("draft", "export", filing_id, "-f", "pdf", "-o", str(out), "--json").json()["missing_count"] == 0
    assert out.read_bytes().startswith(b"%PDF")
    assert aurora("draft", "export", filing_id, "-f", "xml", "-o", str(out)).code == 2
    assert "65,780.00" in aurora("draft", "show", filing_id).out
    assert aurora("draft", "handed-over", filing_id, "--reference", "DLD-9", "--json").json()["state"] == "handed_over"
    assert filing_id in aurora("draft", "list").out


def test_what_is_not_there_and_what_has_gaps_end_with_their_codes(aurora, deal, amal):
    assert aurora("draft", "make", "rear", "none").code == 5
    assert aurora("draft", "make", "pear", deal).code == 2
    filing_id = aurora("draft", "make", "rear", deal, "--json").json()["filing"]["filing_id"]
    aurora("draft", "submit", filing_id)
    assert aurora("draft", "approve", filing_id, "--key-file", str(amal)).code == 3
    assert aurora("draft", "reject", filing_id, "--because", "No cash.", "--key-file", str(amal)).code == 0
    assert aurora("draft", "fill", filing_id, "nonsense").code == 2


def test_an_evidence_pack_is_made_and_verified_and_a_changed_one_refused(aurora, deal, tmp_path):
    file = tmp_path / "deal.zip"
    made = aurora("evidence", "make", "--deal", deal, "-o", str(file), "--json").json()
    assert made["findings"] == 0
    assert aurora("evidence", "verify", str(file), "--json").json()["is_valid"]
    body = file.read_bytes()
    file.write_bytes(body.replace(b"summary.html", b"summarx.html"))
    assert aurora("evidence", "verify", str(file)).code == 3
    assert aurora("evidence", "make", "-o", str(file)).code == 2


def test_kinds_and_schema_are_shown(aurora, tmp_path):
    assert {one["kind"] for one in aurora("draft", "kinds", "--json").json()} >= {"rear", "str", "rera_checklist"}
    out = tmp_path / "goaml.xsd"
    assert aurora("draft", "schema", "-o", str(out)).code == 0
    assert "SUBSET" in out.read_text(encoding="utf-8")
