"""Refused rows over HTTP: listed by page, shown to who may repair, acted on exactly once."""

from __future__ import annotations

import json

import pytest

from aurora.ingest.batch import ingest_file
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake

WHY = "the exporter was mended"
ROUTES = [
    ("GET", "/api/v1/quarantine", "read"),
    ("GET", "/api/v1/quarantine/0", "quarantine:write"),
    ("POST", "/api/v1/quarantine/acts", "quarantine:write"),
]


@pytest.fixture(scope="module")
def refused(service) -> list[str]:
    """Ids of five refused rows of one file, in its order; the sixth row landed."""
    from apps.api.app import utc_now

    paths = service.tenants["demo"]
    folder = paths.landing / "quarantine_test"
    folder.mkdir(parents=True)
    rows = [
        {
            "usage_id": f"q-{number}",
            "occurred_at": "2026-09-01T10:00:00Z",
            "operation_name": "chat",
            "provider_name": "openai",
            "request_model": "gpt-4o",
            "input_tokens": -1 if number < 5 else 7,
            "output_tokens": 3,
        }
        for number in range(6)
    ]
    (folder / "calls.ndjson").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ingest_file(paths, folder / "calls.ndjson", source="quarantine_test", clock=utc_now)
    with read_lake(paths) as lake:
        found = lake.query(
            "SELECT quarantine_id FROM raw.quarantine WHERE source = 'quarantine_test' ORDER BY row_number"
        )
    return found["quarantine_id"].to_list()


def act(client, *, key: str | None = None, **body: object):
    headers = {} if key is None else {"idempotency-key": key}
    return client.post("/api/v1/quarantine/acts", json={"reason": WHY, **body}, headers=headers)


def repairs_sealed(service) -> int:
    """Repairs in the journal, which other tests write to as well."""
    with StateReader(service.tenants["demo"]) as state:
        return len(state.page("quarantine_repair", limit=1000))


def test_pages_show_every_row_once_and_no_content(client, refused):
    seen, cursor = [], None
    while True:
        query = {"limit": 2, "source": "quarantine_test", **({"cursor": cursor} if cursor else {})}
        page = client.get("/api/v1/quarantine", params=query).json()
        assert all("raw_row" not in row and "reason" not in row for row in page["rows"])
        seen += [row["quarantine_id"] for row in page["rows"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(refused)
    assert client.get("/api/v1/quarantine", params={"cursor": "x"}).status_code == 422


def test_one_row_is_shown_with_its_content_checks_and_history(client, refused):
    shown = client.get(f"/api/v1/quarantine/{refused[0]}").json()
    assert json.loads(shown["raw_row"])  # at rest: a usage row may name a person
    assert shown["checks"][0]["rule"] == "at_least"
    assert shown["state"] in {"open", "still_failing", "repaired"}
    assert client.get("/api/v1/quarantine/nothing").json()["type"] == "/problems/not-found"


def test_a_repair_lands_once_under_its_key(client, service, refused):
    correction = {"quarantine_id": refused[0], "values": {"input_tokens": 12}}
    before = repairs_sealed(service)
    told = act(client, act="repair", corrections=[correction], is_dry_run=True).json()["acts"][0]
    assert (told["is_dry_run"], told["results"][0]["state"]) == (True, "repaired")
    first = act(client, act="repair", corrections=[correction], key="repair-1")
    assert (first.status_code, first.json()["acts"][0]["landed"]) == (200, 1)
    again = act(client, act="repair", corrections=[correction], key="repair-1")
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    without_key = act(client, act="repair", corrections=[correction]).json()["acts"][0]
    assert (without_key["is_known"], without_key["landed"]) == (True, 0)
    assert act(client, act="discard", quarantine_ids=[refused[1]], key="repair-1").status_code == 422
    history = client.get(f"/api/v1/quarantine/{refused[0]}").json()["history"]
    assert (history[-1]["repair_state"], history[-1]["actor_id"], history[-1]["note"]) == ("repaired", "tester", WHY)
    assert repairs_sealed(service) == before + 1


def test_rows_are_discarded_and_released(client, refused):
    assert (
        act(client, act="discard", quarantine_ids=[refused[2]]).json()["acts"][0]["results"][0]["state"] == "discarded"
    )
    released = act(client, act="release", quarantine_ids=[refused[3]]).json()["acts"][0]
    assert released["still_failing"] == 1
    assert "must be at least 0" in released["results"][0]["reason"]
    counts = client.get("/api/v1/quarantine", params={"state": "discarded"}).json()
    assert counts["counts"]["discarded"] >= 1


def test_a_batch_is_run_again(client, refused):
    batch_id = client.get(f"/api/v1/quarantine/{refused[4]}").json()["batch_id"]
    again = act(client, act="rerun", batch_id=batch_id).json()["acts"][0]
    assert {one["state"] for one in again["results"]} == {"still_failing"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"act": "rerun"}, 400),
        ({"act": "release"}, 400),
        ({"act": "mend"}, 422),
        ({"act": "discard", "quarantine_ids": ["nothing"]}, 404),
        ({"act": "discard", "quarantine_ids": ["x"], "reason": "a"}, 422),
    ],
)
def test_what_is_no_act_is_refused(client, body, status):
    reply = act(client, **body)
    assert reply.status_code == status
    assert reply.json()["next_step"]


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_a_key_without_the_scope_is_refused(service, method, path, scope):
    with service.client(service.key("decide")) as narrow:
        reply = narrow.request(method, path)
    assert (reply.status_code, reply.json()["errors"][0]["rule"]) == (403, f"scope:{scope}")
