"""KPIs over HTTP: the scoreboard, one explained, and figures that people enter."""

from __future__ import annotations

import datetime as dt

import pytest

from aurora.audit.verify import verify
from aurora.catalogue.dbt_sql import DBT_PROJECT
from aurora.catalogue.kpi_files import read_kpis
from aurora.ingest.journal import copy_journal
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake

FIGURE = {"as_of_date": "2026-09-30", "kpi_value": 0.021, "source_note": "DLD totals Q3 2026, p. 4"}


def test_every_kpi_is_listed_and_inputs_have_no_made_up_value(client):
    page = client.get("/api/v1/kpis").json()
    kpis = {kpi.kpi_id: kpi for kpi in read_kpis(DBT_PROJECT)}
    assert [line["kpi_id"] for line in page["kpis"]] == list(kpis)
    for line in page["kpis"]:
        assert line["status"] == ("no_data" if line["kind"] == "measured" else "no_input")
        assert (line["kpi_value"], line["target"]) == (None, kpis[line["kpi_id"]].target)
    some = client.get("/api/v1/kpis", params={"group": "revenue", "kind": "input"}).json()["kpis"]
    assert {line["group"] for line in some} == {"revenue"}
    assert client.get("/api/v1/kpis", params={"group": "luck"}).status_code == 422


def test_an_explanation_leads_from_the_contract_to_the_kpi(client):
    told = client.get("/api/v1/kpis/agent_success_rate/explanation").json()
    steps = {step["relation"]: step for step in told["lineage"]}
    assert (steps["task"]["layer"], steps["tasks_daily"]["layer"]) == ("raw", "mart")
    assert "is_success" in steps["task"]["columns"]
    assert steps["kpi_agent_success_rate"]["made_from"] == ["tasks_daily"]
    assert "success_count" in told["sql"]
    assert client.get("/api/v1/kpis/luck/explanation").status_code == 404


def test_a_figure_is_kept_with_its_source_and_who_entered_it(serve_tenant):
    service = serve_tenant()
    paths = service.tenants["demo"]
    with service.client(service.key("kpi:write", actor="noor")) as calling:
        answer = calling.post("/api/v1/kpis/market_share/inputs", json=FIGURE)
        target = calling.post(
            "/api/v1/kpis/kpi_agent_success_rate/inputs", json={**FIGURE, "kind": "target", "kpi_value": 0.9}
        )
        assert calling.get("/api/v1/kpis").status_code == 403
    assert (answer.status_code, target.status_code) == (201, 201)
    assert answer.json()["entered"] | {"entered_at": "", "kpi_input_id": ""} == {
        **FIGURE, "kpi_id": "kpi_market_share", "kind": "value", "value_low": None, "value_high": None,
        "sample_count": None, "note": None, "actor_id": "noor", "region": "ae-dubai", "entered_at": "",
        "kpi_input_id": "",
    }  # fmt: skip
    assert copy_journal(paths, clock=lambda: dt.datetime.now(dt.UTC)) == 2
    assert copy_journal(paths, clock=lambda: dt.datetime.now(dt.UTC)) == 0
    with read_lake(paths) as lake:
        rows = lake.query("SELECT kpi_id, kpi_input_kind, source_note, actor_id FROM raw.kpi_input ORDER BY 1").rows()
    assert rows == [
        ("kpi_agent_success_rate", "target", FIGURE["source_note"], "noor"),
        ("kpi_market_share", "value", FIGURE["source_note"], "noor"),
    ]
    with StateReader(paths) as state:
        assert [entry.actor_id for entry in state.page("kpi_input")] == ["noor", "noor"]
    with service.client(service.key("read")) as reading:
        (line,) = [one for one in reading.get("/api/v1/kpis").json()["kpis"] if one["target_by"]]
    assert (line["kpi_id"], line["target"], line["default_target"]) == ("kpi_agent_success_rate", 0.9, 0.98)
    assert verify(paths).is_valid


@pytest.mark.parametrize(
    ("kpi_id", "change", "status", "pointer"),
    [
        ("agent_success_rate", {}, 422, "kind"),
        ("market_share", {"source_note": "?"}, 422, "source_note"),
        ("market_share", {"as_of_date": "2999-01-01"}, 422, "as_of_date"),
        ("market_share", {"value_low": 0.5, "value_high": 0.6}, 422, "value_low"),
        ("market_share", {"guess": 1}, 422, "guess"),
        ("luck", {}, 404, "kpi_id"),
    ],
)
def test_a_figure_that_cannot_be_is_refused(client, kpi_id, change, status, pointer):
    reply = client.post(f"/api/v1/kpis/{kpi_id}/inputs", json={**FIGURE, **change})
    assert reply.status_code == status
    assert pointer in reply.text


def test_the_same_request_enters_a_figure_once(client, service):
    before = _entered(service)
    headers = {"idempotency-key": "kpi-0001"}
    first = client.post("/api/v1/kpis/churn_rate/inputs", json={**FIGURE, "kpi_value": 0.07}, headers=headers)
    again = client.post("/api/v1/kpis/churn_rate/inputs", json={**FIGURE, "kpi_value": 0.07}, headers=headers)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert _entered(service) == before + 1


def _entered(service) -> int:
    with StateReader(service.tenants["demo"]) as state:
        return len(state.page("kpi_input", limit=500))
