"""Drafts and evidence packs over HTTP: two keys, four eyes, and nothing that a narrower key may learn."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from decimal import Decimal

import polars as pl
import pytest

from tests.compliance.conftest import fill

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def deal(service) -> str:
    """A deal with cash, and a suspicion about its buyer, in the lake of demo."""
    at = {"source": "clara", "updated_at": NOW}
    rows = {
        "deal": [{"deal_id": "F-1", "deal_stage": "payment", "is_freehold": True, "price_aed": Decimal(900_000), **at}],
        "payment": [{"payment_id": "F-P1", "deal_id": "F-1", "amount_aed": Decimal(60_000), "payment_method": "cash",
                     "received_at": NOW, **at}],
        "suspicion": [{"suspicion_id": "F-S1", "suspicion_status": "confirmed", "deal_id": "F-1", **at}],
    }  # fmt: skip
    fill(service.tenants["demo"], {name: pl.DataFrame(found) for name, found in rows.items()})
    return "F-1"


@pytest.fixture(scope="module")
def amal(service):
    """A second person, who may read and judge, and does not know of suspicions."""
    with service.client(service.key("filing:read", "filing:approve", actor="person:amal")) as calling:
        yield calling


@pytest.fixture(scope="module")
def draft(client, deal) -> dict:
    return client.post("/api/v1/filings", json={"kind": "rear", "about_id": deal}).json()


def test_a_draft_lists_its_gaps(draft):
    assert draft["filing"]["state"] == "draft"
    assert {"rentity_id", "reporting_person.first_name"} <= {one["path"] for one in draft["missing"]}
    assert "60,000.00" in next(one["value"] for one in draft["content"]["fields"] if one["path"] == "reason")


def test_a_draft_with_gaps_is_sent_back_and_never_approved(client, amal, draft):
    at = f"/api/v1/filings/{draft['filing']['filing_id']}"
    assert client.post(f"{at}:submit").json()["state"] == "in_review"
    said = {"content_hash": draft["filing"]["content_hash"]}
    own = client.post(f"{at}:approve", json=said)
    assert (own.status_code, own.json()["type"]) == (403, "/problems/permission-denied")
    refused = amal.post(f"{at}:approve", json=said)
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (422, "mandatory")
    assert amal.post(f"{at}:reject", json=said).status_code == 422
    assert amal.post(f"{at}:reject", json={**said, "note": "Register at goAML first."}).json()["state"] == "rejected"
    filled = client.post(f"{at}:fill", json={"values": {"action": "Kept on file."}}).json()
    assert filled["filing"]["state"] == "draft"
    assert client.post(f"{at}:refresh").json()["filing"]["content_hash"] == filled["filing"]["content_hash"]
    assert client.post(f"{at}:hand-over", json={"authority_reference": "1"}).status_code == 409


def test_the_same_request_again_drafts_nothing_twice(client, service):
    at = {"source": "clara", "updated_at": NOW}
    fill(service.tenants["demo"], {"deal": pl.DataFrame([{"deal_id": "F-2", "deal_stage": "mou", **at}])})
    asked = {"json": {"kind": "dld_costs", "about_id": "F-2"}, "headers": {"idempotency-key": "costs-of-F-2"}}
    first, again = client.post("/api/v1/filings", **asked), client.post("/api/v1/filings", **asked)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("form", "begins"), [("xml", b"<?xml"), ("pdf", b"%PDF"), ("html", b"<!doctype"), ("json", b"{")]
)
def test_a_draft_is_exported(client, draft, form, begins):
    answer = client.get(f"/api/v1/filings/{draft['filing']['filing_id']}/export", params={"format": form})
    assert answer.content.startswith(begins)
    assert f'.{form}"' in answer.headers["content-disposition"]


@pytest.mark.usefixtures("deal")
def test_a_suspicion_is_drafted_by_those_who_may_know_and_is_not_there_for_others(client, amal):
    asked = {"kind": "str", "about_id": "F-S1"}
    assert amal.post("/api/v1/filings", json=asked).status_code == 403
    filing_id = client.post("/api/v1/filings", json=asked).json()["filing"]["filing_id"]
    assert amal.get(f"/api/v1/filings/{filing_id}").status_code == 404
    assert filing_id not in amal.get("/api/v1/filings").text
    assert client.get(f"/api/v1/filings/{filing_id}").status_code == 200


@pytest.mark.usefixtures("draft")
def test_an_evidence_pack_is_a_zip_with_its_manifest(client, deal):
    answer = client.post("/api/v1/evidence", json={"deal_id": deal})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
        manifest = json.loads(pack.read("manifest.json"))
        assert {one["path"] for one in manifest["files"]} | {"manifest.json"} == set(pack.namelist())
        records = json.loads(pack.read("records.json"))
    assert {(one["contract"], one["record_id"]) for one in records} == {("deal", "F-1"), ("payment", "F-P1")}
    assert client.post("/api/v1/evidence", json={"deal_id": "none"}).status_code == 404
    assert client.post("/api/v1/evidence", json={}).status_code == 400


def test_the_kinds_are_listed(client):
    kinds = {one["kind"]: one for one in client.get("/api/v1/filings/kinds").json()["kinds"]}
    assert kinds["str"]["is_confidential"]
    assert kinds["rear"]["exports"] == ["xml", "pdf", "html", "json"]
