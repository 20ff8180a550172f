"""Golden records over HTTP and on the command line: shown, explained, joined and parted, each exactly once."""

import json
import uuid
from collections.abc import Iterator

import httpx
import pytest

from apps.cli import main
from aurora.entities.conflicts import settle_conflicts
from aurora.entities.resolve import entity_id_of
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.lake import read_lake
from tests.api.conftest import serve
from tests.entities.town import NOW, build, links, named


@pytest.fixture
def told(disagreeing):
    """The town, its systems told."""
    settle_conflicts(disagreeing, load_pack(Settings().packs_dir, "real_estate").assistants, clock=lambda: NOW)
    return disagreeing


@pytest.fixture
def service(told) -> Iterator:
    with serve(Settings(data_dir=told.data_dir), [told]) as running:
        yield running


def _biggest(paths) -> tuple[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for key, entity in links(paths).items():
        found.setdefault(entity, []).append(key)
    return max(found.items(), key=lambda item: (len(item[1]), item[0]))


def _post(client: httpx.Client, url: str, body: dict, key: str | None = None) -> httpx.Response:
    return client.post(url, json=body, headers={} if key is None else {"idempotency-key": key})


def test_a_golden_record_over_http_hides_what_the_key_may_not_see(service, told):
    entity, records = _biggest(told)
    with service.client(service.key("read")) as client:
        seen = client.get(f"/api/v1/golden/party/{entity}").json()
        listed = client.get("/api/v1/golden/party", params={"limit": 3}).json()
        units = client.get("/api/v1/golden/property", params={"limit": 3}).json()
        conflicts = client.get("/api/v1/golden/conflicts").json()["conflicts"]
    with service.client(service.key("read", "privacy:reveal")) as client:
        shown = client.get(f"/api/v1/golden/party/{entity}").json()
    assert {(one["source"], one["record_id"]) for one in seen["records"]} == set(records)
    names = [one["value"] for one in seen["values"] if one["column"] == "full_name"]
    assert names == [None] * len(names)
    assert all(one["value"] for one in shown["values"] if one["column"] == "full_name")
    assert {one["value"] for one in shown["values"] if one["column"] == "phone"} <= {"(protected)"}
    assert [one["name"] for one in listed["records"]] == [None] * 3
    assert all(one["name"] for one in units["records"])
    assert {one["is_command"] for one in conflicts} == {True, False}


def test_a_person_parts_and_joins_over_http_exactly_once(service, told):
    entity, records = _biggest(told)
    source, record_id = max(records)
    leaving = {"records": [{"source": source, "record_id": record_id}], "reason": "another person"}
    key = str(uuid.uuid4())
    with service.client(service.key("read", "override")) as client:
        first = _post(client, f"/api/v1/golden/party/{entity}:unmerge", leaving, key)
        again = _post(client, f"/api/v1/golden/party/{entity}:unmerge", leaving, key)
        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
        build(told)
        alone = entity_id_of("party", named(source, record_id))
        assert links(told)[source, record_id] == alone != entity
        decided = client.get(f"/api/v1/golden/party/{entity}").json()["decisions"]
        assert [(one["verdict"], one["reason"]) for one in decided] == [("unmerge", "another person")]
        back = _post(
            client, f"/api/v1/golden/party/{entity}:merge", {"other_entity_id": alone, "reason": "one after all"}
        )
        assert back.json()["verdict"] == "merge"
    build(told)
    assert links(told)[source, record_id] == entity


def test_who_may_not_and_what_is_not_there_is_refused(service, told):
    entity, _ = _biggest(told)
    body = {"other_entity_id": entity, "reason": "the same"}
    with service.client(service.key("read")) as client:
        assert _post(client, f"/api/v1/golden/party/{entity}:merge", body).status_code == 403
        assert client.get("/api/v1/golden/party/party-none").status_code == 404
        assert client.get("/api/v1/golden/invoice/x").status_code == 422
        ends = {"left": "clara", "right": "clara:1"}
        assert client.get("/api/v1/golden/party/explanation", params=ends).status_code == 400
    with service.client(service.key("override")) as client:
        assert _post(client, f"/api/v1/golden/party/{entity}:merge", body).status_code == 422
        assert _post(client, f"/api/v1/golden/party/{entity}:merge", {"reason": "nobody"}).status_code == 422
        assert client.get(f"/api/v1/golden/party/{entity}").status_code == 403


def test_two_records_are_explained_over_http(service, told):
    _, records = _biggest(told)
    ends = {"left": ":".join(records[0]), "right": ":".join(records[1])}
    with service.client(service.key("read")) as client:
        why = client.get("/api/v1/golden/party/explanation", params=ends).json()
    assert why["are_one"]
    assert why["evidence"]["agree"]


def _cli(monkeypatch, capsys, told, *words: str) -> dict | list:
    monkeypatch.setenv("AURORA_DATA_DIR", str(told.data_dir))
    monkeypatch.setattr("sys.argv", ["aurora", "golden", *words, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return json.loads(capsys.readouterr().out)


def test_the_command_line_shows_explains_parts_and_lists_conflicts(monkeypatch, capsys, told):
    entity, records = _biggest(told)
    shown = _cli(monkeypatch, capsys, told, "show", "party", entity)
    assert len(shown["records"]) == len(records)
    why = _cli(monkeypatch, capsys, told, "explain", "party", *(":".join(key) for key in records[:2]))
    assert why["are_one"]
    assert _cli(monkeypatch, capsys, told, "conflicts")
    leaving = max(records)
    said = _cli(monkeypatch, capsys, told, "unmerge", "party", entity, ":".join(leaving), "--reason", "another person")
    assert said["verdict"] == "unmerge"
    assert links(told)[leaving] != entity
    with read_lake(told) as lake:
        assert lake.query("SELECT count(*) FROM raw.entity_link").item() > 100
