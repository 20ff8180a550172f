"""Real remedies hold a deal and block an assistant; the next decision knows it, over HTTP, in every process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest
import yaml

from aurora.compliance.updates import enforce_update, proposed, tried
from aurora.decisions.replay import replay_these
from aurora.settings import Settings
from aurora.store.state import StateStore
from tests.api.conftest import Service, child_server, now
from tests.compliance.conftest import fill

BASE = "/api/v1/compliance"
WORK = {"kind": "route_task", "task_type": "property_matching", "about": {"deal_id": "D-7"}}
TASK = {"kind": "route_task", "task_type": "lead_qualification"}
OWN_RULE = {
    "rule_id": "OWN-001", "title": "An assistant that errs more often than not is stopped", "record": "assistant_status",
    "source": {"instrument": "House rules", "article": "1", "said": "Of our own"}, "provenance": "B",
    "jurisdiction": "any", "effective_from": dt.date(2025, 1, 1), "severity": "high",
    "violates_when": "error_share > 0.5", "clock": {"kind": "pre_act", "said": "pre-act"},
    "remediation": {"says": "Block the assistant.", "acts": ["block"]}, "evidence": ["error_share"],
    "examples": [
        {"expect": "fail", "given": {"error_share": 0.9}},
        {"expect": "pass", "given": {"error_share": 0.1}},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def company(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A deal without the developer's word, an assistant that errs too often, and the rule of the house against it."""
    paths = service.tenants["rival"]
    stamp = {"updated_at": now() - dt.timedelta(days=2), "source": "desk", "is_sample": False}
    deal = {"deal_id": "D-7", "deal_stage": "transfer", "noc_id": None, **stamp}
    clara = {"assistant_id": "clara", "assistant_state": "degraded", "error_share": 0.8, **stamp}
    fill(paths, {"deal": pl.DataFrame([deal]), "assistant_status": pl.DataFrame([clara])})
    file = Path(tmp_path_factory.mktemp("rule")) / "own_001.yaml"
    file.write_text(yaml.safe_dump(OWN_RULE), encoding="utf-8")
    with (
        StateStore.open(paths, clock=now) as store,
        proposed(Settings().packs_dir, paths, file, now=now(), pack="basic") as proposal,
    ):
        update = tried(paths, proposal, industry="real_estate", now=now())
        enforce_update(store, proposal, update, actor_id="laila", note="Ours", now=now())
    return service


@pytest.fixture
def caller(company: Service) -> Iterator[httpx.Client]:
    """Of the company; what is on hold after a test is released."""
    with company.client(company.key(tenant="rival")) as calling:
        yield calling
        for one in calling.get(f"{BASE}/holds").json()["holds"]:
            calling.post(f"{BASE}/holds/{one['hold_id']}:release", json={"note": "The test is over"})


def decided(client: httpx.Client, request: dict[str, object]) -> dict[str, object]:
    answer = client.post("/api/v1/decisions", json=request)
    assert answer.status_code == 201, answer.text
    return answer.json()


def enforced(client: httpx.Client, rule_id: str) -> str:
    """The hold that enforcing the rule left."""
    answer = client.post(f"{BASE}/rules/{rule_id}:enforce", json={"dry_run": False})
    assert answer.status_code == 200, answer.text
    return next(one["hold_id"] for one in client.get(f"{BASE}/holds").json()["holds"] if one["rule_id"] == rule_id)


def test_a_hold_counts_in_the_next_decision_of_every_process_and_so_does_its_release(
    company: Service, caller: httpx.Client
) -> None:
    paths = company.tenants["rival"]
    with child_server(paths.data_dir) as (_, port):
        head = dict(caller.headers)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=head, timeout=30) as other:
            assert decided(caller, WORK)["action"] is not None
            assert decided(other, WORK)["action"] is not None
            hold_id = enforced(caller, "DLD-007")
            for client in (other, caller):
                for _ in range(2):  # the second comes over the lane of known heads
                    held = decided(client, WORK)
                    assert (held["status"], held["action"]) == ("abstained", None)
                    assert "deal D-7 is on hold by DLD-007" in str(held["reason"])
                    assert [one["hold_id"] for one in held["holds"]] == [hold_id]
                assert decided(client, {**WORK, "about": {"deal_id": "D-8"}})["action"] is not None
            batch = caller.post("/api/v1/decisions:batch", json={"requests": [WORK, TASK]}).json()
            assert [one["decision"]["status"] for one in batch["results"]] == ["abstained", "chosen"]
            other.post(f"{BASE}/holds/{hold_id}:release", json={"note": "The NOC came"}).raise_for_status()
            assert decided(caller, WORK)["action"] is not None
            assert decided(other, WORK)["action"] is not None
    (again,) = replay_these(paths, Settings(), [str(held["decision_id"])])
    assert again.verdict == "equal", again.reason


def test_a_blocked_assistant_gets_no_work_until_it_no_longer_breaks_the_rule(
    company: Service, caller: httpx.Client
) -> None:
    assert {one["candidate_id"]: one["is_eligible"] for one in decided(caller, TASK)["candidates"]}["clara"]
    hold_id = enforced(caller, "OWN-001")
    made = decided(caller, TASK)
    (clara,) = [one for one in made["candidates"] if one["candidate_id"] == "clara"]
    assert (clara["is_eligible"], clara["vetoes"][0]["rule_id"]) == (False, "on_hold")
    assert "Block the assistant" in clara["vetoes"][0]["reason"]
    assert made["action"] not in (None, "clara")
    released = caller.post(f"{BASE}/holds/{hold_id}:release", json={"note": "It was mended"})
    assert released.status_code == 200
    assert {one["candidate_id"]: one["is_eligible"] for one in decided(caller, TASK)["candidates"]}["clara"]
    (again,) = replay_these(company.tenants["rival"], Settings(), [str(made["decision_id"])])
    assert again.verdict == "equal", again.reason


def test_records_are_named_by_id_and_by_nothing_else(caller: httpx.Client) -> None:
    wrong = caller.post("/api/v1/decisions", json={**WORK, "about": {"Deal Id": "D-7"}})
    assert wrong.status_code == 422
    assert "about" in wrong.json()["detail"] + str(wrong.json())
