"""Sixteen simulated assistants as real servers: each keeps the protocol, and Aurora pulls what they export."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import msgspec
import pytest

from aurora.assistants.kit.probe import new_probe
from aurora.assistants.kit.run import run_kit
from aurora.assistants.kit.visit import Options
from aurora.ingest.pull import Puller
from aurora.ingest.pull_sources import load_sources
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import create_tenant
from contracts.messages.assistants import StatusReply
from tests.twin.live import PACK, live_fleet
from twin.servers.connecting import write_sources
from twin.servers.fleet_servers import FleetServers

NAMES = [one.assistant_id for one in PACK.assistants]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def fleet() -> Iterator[FleetServers]:
    with live_fleet() as running:
        yield running


@pytest.fixture(scope="module")
def clara(fleet) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fleet.url("clara"), timeout=30) as client:
        yield client


def test_every_simulated_assistant_passes_the_kit(fleet):
    options = Options(budget_ms=60_000, samples=2)

    def verdict(name: str) -> tuple[str, list[str]]:
        probe = new_probe(fleet.url(name), assistant_id=name, token=None, timeout_s=60)
        report = run_kit(probe, options, nonce=f"k-{name}", clock=now, sleep=time.sleep)
        assert report.is_simulated
        return name, [f"{one.check}: {one.came}" for one in report.checks if one.verdict == "failed"]

    with ThreadPoolExecutor(4) as pool:
        assert dict(pool.map(verdict, NAMES)) == {name: [] for name in NAMES}


def test_a_guarded_assistant_wants_its_token_and_shows_its_card_to_all():
    with live_fleet(token="open-sesame", speed=1.0) as guarded:
        probe = new_probe(guarded.url("yusuf"), assistant_id="yusuf", token="open-sesame", timeout_s=60)
        report = run_kit(
            probe, Options(budget_ms=60_000, samples=1, is_overloaded=True), nonce="k", clock=now, sleep=time.sleep
        )
        verdicts = {one.check: one.verdict for one in report.checks}
        assert set(verdicts.values()) == {"passed"}
        card = httpx.get(guarded.url("yusuf") + "/.well-known/agent-card.json").json()
        assert card["securitySchemes"]
        assert "simulated" in card["name"]


def test_aurora_pulls_their_exports_once(fleet, tmp_path):
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    settings = Settings(data_dir=tmp_path, pull_allowed="127.0.0.1")
    assert write_sources(paths, {"yusuf": fleet.url("yusuf")}, has_token=False)
    _some_work(fleet, "yusuf", "pulled")
    puller = Puller(paths=paths, settings=settings, clock=now)
    reports = {one.contract: puller.pull(one) for one in load_sources(paths)}
    assert [report.trouble for report in reports.values()] == [None] * 4
    ended = {contract: (report.is_done, report.quarantined) for contract, report in reports.items()}
    assert ended == dict.fromkeys(reports, (True, 0))
    assert reports["task"].good
    assert reports["usage"].good
    again = puller.pull(next(one for one in load_sources(paths) if one.contract == "task"))
    assert (again.duplicates, again.trouble) == (0, None)
    with read_lake(paths) as lake:
        found = lake.query("SELECT task_state FROM raw.task WHERE task_id = 'pulled'")
        status = lake.query("SELECT DISTINCT source, is_sample FROM raw.assistant_status")
    assert set(found["task_state"]) & {"completed", "failed"}
    assert status.rows() == [("twin_yusuf", True)]


def test_sources_of_a_person_are_left_alone(tmp_path):
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    file = paths.directory / "pulls.yaml"
    assert write_sources(paths, {"clara": "http://127.0.0.1:1"}, has_token=True)
    assert write_sources(paths, {"clara": "http://127.0.0.1:2"}, has_token=True)
    assert {(one.source, one.secret) for one in load_sources(paths)} == {("twin_clara", "file:twin")}
    file.write_text("pulls: []\n", encoding="utf-8")
    assert not write_sources(paths, {"clara": "http://127.0.0.1:3"}, has_token=True)
    assert file.read_text(encoding="utf-8") == "pulls: []\n"


def test_a_message_becomes_a_task_that_can_be_read_listed_and_given_up(clara):
    message = {"messageId": "m-1", "role": "ROLE_USER", "contextId": "case-9", "parts": [{"text": "Find a villa."}]}
    asked = {"message": {**message, "parts": [{"data": {"task_type": "property_matching"}}]}}
    task = clara.post("/message:send", json=asked).json()["task"]
    assert task["status"]["state"] in ("TASK_STATE_COMPLETED", "TASK_STATE_FAILED")
    assert task["metadata"] == {"taskType": "property_matching", "priority": "medium", "isSimulated": True}
    assert clara.post("/message:send", json=asked).json()["task"]["id"] == task["id"]
    assert clara.get(f"/tasks/{task['id']}").json() == task
    listed = clara.get("/tasks", params={"contextId": "case-9"}).json()
    assert [one["id"] for one in listed["tasks"]] == [task["id"]]
    assert clara.post(f"/tasks/{task['id']}:cancel").status_code == 409
    clara.post("/api/clara/execute", json={"command_id": "h", "command_kind": "hold", "case_id": "case-10"})
    quick = {"message": {**message, "messageId": "m-2", "contextId": "case-10"}}
    quick["configuration"] = {"returnImmediately": True}
    open_task = clara.post("/message:send", json=quick).json()["task"]  # held: it cannot end before it is given up
    assert clara.post(f"/tasks/{open_task['id']}:cancel").status_code == 200
    missing = clara.get("/tasks/none")
    assert (missing.status_code, missing.json()["error"]["details"][0]["reason"]) == (404, "TASK_NOT_FOUND")
    assert clara.post("/message:send", json={"message": {**message, "role": "ROLE_AGENT"}}).status_code == 422


def test_tasks_are_listed_in_pages(clara):
    for number in range(5):
        _run(clara, "clara", f"listed-{number}", case_id="listed")
    seen, token = [], ""
    while True:
        page = clara.get("/tasks", params={"contextId": "listed", "pageSize": 2, "pageToken": token}).json()
        seen += [one["id"] for one in page["tasks"]]
        token = page["nextPageToken"]
        if not token:
            break
    assert seen == [f"listed-{number}" for number in reversed(range(5))]


def test_the_reply_of_accepted_work_is_called_back(clara):
    came: list[dict[str, object]] = []
    is_there = threading.Event()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            is_there.set()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/done?x=1"
        _run(clara, "clara", "called-back", callback_url=url)
        assert is_there.wait(60)
        server.shutdown()
        thread.join()
    assert came == [clara.get("/api/clara/commands/called-back").json()]


def test_refusals_name_the_field_and_the_next_step(clara):
    def refused(body: bytes) -> tuple[int, str]:
        answer = clara.post("/api/clara/execute", content=body)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["next_step"]
        return answer.status_code, problem["errors"][0]["pointer"]

    assert refused(b"{") == (400, "/body")
    assert refused(b'{"command_id": "x", "command_kind": "ping", "zeal": 1}') == (422, "/zeal")
    assert refused(b'{"command_id": "x", "command_kind": "run_task"}') == (422, "/arguments/task_type")
    wrong_type = {"command_id": "x", "command_kind": "run_task", "arguments": {"task_type": "cooking"}}
    assert refused(msgspec.json.encode(wrong_type)) == (422, "/arguments/task_type")
    assert clara.post("/api/clara/execute", content=b"x" * (1024 * 1024 + 1)).status_code == 413
    assert clara.get("/api/clara/execute").status_code == 405
    assert clara.get("/api/mary/status").status_code == 404
    assert clara.get("/api/clara/export/task?limit=0").status_code == 400
    assert clara.get("/api/clara/export/task?cursor=zzz").status_code == 400


ODD_BODIES = (
    b"",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"command_id": "", "command_kind": "ping"}',
    b'{"command_id": "%s", "command_kind": "ping"}' % (b"x" * 5_000),
    b'{"command_id": "o", "command_kind": "run_task", "arguments": {"task_type": ["a"]}}',
    b'{"command_id": "o", "command_kind": "run_task", "arguments": []}',
    b'{"command_id": "o", "command_kind": "tune", "arguments": {"parameter": {}, "value": 1e308}}',
    b'{"command_id": "o", "command_kind": "hold"}',
    b'{"command_id": "o", "command_kind": "ping", "deadline_at": "yesterday"}',
)
ODD_PATHS = (
    "/api/theodora/export/task?limit=%C2%B2",
    "/api/theodora/export/task?limit=" + "9" * 5_000,
    "/api/theodora/export/task?cursor=%00",
    "/api/theodora/commands/%0d%0a",
    "/tasks?pageSize=-1",
    "/tasks/",
    "/tasks?pageToken=" + "9" * 5_000,
    "//",
)


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_an_odd_body_is_refused_and_never_a_fault(fleet, body):
    answer = httpx.post(f"{fleet.url('theodora')}/api/theodora/execute", content=body)
    assert answer.status_code in (400, 403, 422), answer.text
    assert httpx.post(f"{fleet.url('theodora')}/message:send", content=body).status_code in (400, 422)


@pytest.mark.parametrize("path", ODD_PATHS, ids=range(len(ODD_PATHS)))
def test_an_odd_path_is_answered_and_never_a_fault(fleet, path):
    assert httpx.get(fleet.url("theodora") + path).status_code in (200, 400, 404)


def test_an_id_with_a_line_break_makes_no_header(clara):
    command_id = "a\r\nX-Evil: 1"
    command = {"command_id": command_id, "command_kind": "run_task", "arguments": {"task_type": "property_matching"}}
    answer = clara.post("/api/clara/execute", json=command)
    assert "x-evil" not in answer.headers
    assert clara.get(answer.headers["location"]).json()["command_id"] == command_id


def test_an_export_that_did_not_change_is_not_sent_again(clara):
    first = clara.get("/api/clara/export/handoff")
    assert first.status_code == 200
    again = clara.get("/api/clara/export/handoff", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_status_fits_the_message_and_says_that_it_is_simulated(fleet):
    for name in NAMES:
        status = msgspec.json.decode(httpx.get(f"{fleet.url(name)}/api/{name}/status").content, type=StatusReply)
        assert (status.assistant_id, status.is_simulated) == (name, True)


def _run(client: httpx.Client, name: str, command_id: str, **more: object) -> None:
    skill = next(one for one in PACK.assistants if one.assistant_id == name).skills[0]
    command = {"command_id": command_id, "command_kind": "run_task", "arguments": {"task_type": skill}}
    answer = client.post(f"/api/{name}/execute", json={**command, "task_id": command_id, **more})
    assert answer.status_code == 202, answer.text


def _some_work(fleet: FleetServers, name: str, task_id: str) -> None:
    with httpx.Client(base_url=fleet.url(name), timeout=30) as client:
        _run(client, name, task_id)
        while client.get(f"/api/{name}/commands/{task_id}").json()["command_state"] == "accepted":
            time.sleep(0.02)
