"""Rows by push: what lands, what is refused, what came before, and the limits on the way."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from aurora.ingest.spool import spool_folder
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths

NDJSON = {"content-type": "application/x-ndjson"}


def usage(number: str, **changed: Any) -> dict[str, Any]:
    row = {
        "usage_id": number,
        "occurred_at": "2026-09-01T10:00:00Z",
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 1000,
        "output_tokens": 100,
    }
    return {key: value for key, value in {**row, **changed}.items() if value is not None}


def body(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def push(client: httpx.Client, rows: Sequence[dict[str, Any]] | bytes, path: str = "usage", **headers: str):
    content = rows if isinstance(rows, bytes) else body(rows)
    return client.post(f"/api/v1/ingest/{path}", content=content, headers=NDJSON | headers)


def told(reply: httpx.Response) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The verdicts and the summary."""
    assert reply.status_code == 200, reply.text
    *verdicts, last = [json.loads(line) for line in reply.text.splitlines()]
    return verdicts, last["summary"]


def landed(paths: TenantPaths, prefix: str) -> list[tuple[Any, ...]]:
    with read_lake(paths) as lake:
        found = lake.query(
            "SELECT usage_id, source, row_number FROM raw.usage WHERE starts_with(usage_id, ?) ORDER BY ALL", [prefix]
        )
    return found.rows()


def test_each_row_gets_its_verdict_from_the_lake(service, client):
    push(client, [usage("v-1")])
    rows = [usage("v-2"), usage("v-1"), usage("v-3", input_tokens=-1, operation_name=None), usage("v-2")]
    verdicts, summary = told(push(client, rows))
    assert [(one["row"], one["verdict"]) for one in verdicts] == [
        (1, "landed"),
        (2, "duplicate"),
        (3, "quarantined"),
        (4, "duplicate"),
    ]
    assert {(error["field"], error["rule"]) for error in verdicts[2]["errors"]} == {
        ("input_tokens", "at_least"),
        ("operation_name", "not_null"),
    }
    assert summary | {"batch_id": ""} == {
        "batch_id": "",
        "contracts": ["usage"],
        "source": "tester",
        "source_format": "canonical_ndjson",
        "rows": 4,
        "landed": 1,
        "quarantined": 1,
        "duplicates": 2,
        "unpriced": 0,
        "is_known": False,
    }
    assert landed(service.tenants["demo"], "v-") == [("v-1", "tester", 1), ("v-2", "tester", 1)]


def test_the_same_body_again_changes_nothing_and_is_told_the_same(client):
    rows = [usage("again-1"), usage("again-2", output_tokens="many")]
    first, again = told(push(client, rows)), told(push(client, rows))
    assert again[0] == first[0]
    assert (first[1]["is_known"], again[1]["is_known"]) == (False, True)
    assert again[1] | {"is_known": False} == first[1]


@pytest.mark.parametrize(("wanted", "verdicts"), [("errors", ["quarantined"]), ("none", [])])
def test_fewer_verdicts_on_request(client, wanted, verdicts):
    reply = push(client, [usage(f"few-{wanted}"), usage("bad", input_tokens=-1)], f"usage?verdicts={wanted}")
    assert [one["verdict"] for one in told(reply)[0]] == verdicts


def test_csv_and_gzip_come_in_as_they_are(client):
    header, *lines = [",".join(usage("zip-1")), ",".join(str(value) for value in usage("zip-1").values())]
    content = gzip.compress("\n".join([header, *lines]).encode())
    headers = {"content-type": "text/csv", "content-encoding": "gzip"}
    verdicts, summary = told(client.post("/api/v1/ingest/usage", content=content, headers=headers))
    assert [one["verdict"] for one in verdicts] == ["landed"]
    assert summary["source_format"] == "canonical_csv"


def test_many_rows_are_answered_in_a_stream(client):
    rows = [usage(f"many-{number}") for number in range(3000)]
    verdicts, summary = told(push(client, rows))
    assert [one["row"] for one in verdicts] == list(range(1, 3001))
    assert summary["landed"] == 3000


def test_pushes_at_the_same_time_land_each_row_once(service, client):
    def send(number: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return told(push(client, [usage(f"race-{number % 4}"), usage(f"race-{number}-own")]))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(12)))
    assert all([one["verdict"] for one in verdicts][1] == "landed" for verdicts, _ in answers)
    assert len(landed(service.tenants["demo"], "race-")) == 16
    assert sum(summary["landed"] for _, summary in answers) == 16
    assert bodies(service.tenants["demo"]) == []


def test_the_tenant_is_the_keys_and_the_source_the_callers(service, client):
    with service.client(service.key("ingest:write", tenant="rival", actor="Clara:Two")) as rival:
        told(push(rival, [usage("mine")]))
        refused = push(rival, [usage("theirs")], "usage?source=gateway")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["rule"] == "scope:ingest:any_source"
    assert landed(service.tenants["rival"], "mine") == [("mine", "clara_two", 1)]
    assert landed(service.tenants["demo"], "mine") == []
    assert told(push(client, [usage("for-gateway")], "usage?source=gateway"))[1]["source"] == "gateway"


def test_a_key_without_the_scope_sends_nothing(service):
    with service.client(service.key("read")) as reader:
        assert push(reader, [usage("no")]).status_code == 403
    with service.client(None) as nobody:
        assert push(nobody, [usage("no")]).status_code == 401


@pytest.mark.parametrize(
    ("path", "content", "headers", "status", "place"),
    [
        ("nothing", b"{}", {}, 404, {"parameter": "contract"}),
        ("ingest_batch", b"{}", {}, 404, {"parameter": "contract"}),
        ("usage?format=nope", b"{}", {}, 400, {"parameter": "format"}),
        ("usage?verdicts=some", b"{}", {}, 422, {"parameter": "verdicts"}),
        ("usage?source=No%20Name", b"{}", {}, 400, {"parameter": "source"}),
        ("usage", b"", {}, 422, {"pointer": ""}),
        ("usage", b"{}", {"content-type": "image/png"}, 415, {"header": "Content-Type"}),
        ("usage", b"{}", {"content-encoding": "br"}, 415, {"header": "Content-Encoding"}),
        ("usage", b"no gzip at all", {"content-encoding": "gzip"}, 400, {"pointer": ""}),
        ("usage", gzip.compress(b"{}", mtime=0)[:-4], {"content-encoding": "gzip"}, 400, {"pointer": ""}),
        ("usage", b"neither this nor that", {}, 422, {"parameter": "format"}),
    ],
)
def test_what_does_not_fit_is_a_problem_with_its_place(service, client, path, content, headers, status, place):
    reply = push(client, content, path, **headers)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert place.items() <= reply.json()["errors"][0].items()
    assert bodies(service.tenants["demo"]) == []


def bodies(paths: TenantPaths) -> list[str]:
    """What lies in the spool."""
    return [file.name for file in spool_folder(paths).glob("*") if file.name != ".door"]


def test_an_idempotency_key_holds_one_body(client):
    headers = {"idempotency-key": "push-1"}
    first = push(client, [usage("key-1")], **headers)
    again = push(client, [usage("key-1")], **headers)
    other = push(client, [usage("key-2")], **headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert told(again)[0] == told(first)[0]
    assert (other.status_code, other.json()["errors"][0]["rule"]) == (422, "same_request")
    assert "idempotency-replayed" not in first.headers


def test_limits_hold_on_the_wire_and_after_gzip(serve_tenant):
    service = serve_tenant(with_lake=False, max_ingest_mb=1)
    with service.client(service.key()) as client:
        bomb = gzip.compress(b" " * 5_000_000)
        assert len(bomb) < 10_000
        replies = [push(client, bomb, **{"content-encoding": "gzip"}), push(client, b"x" * 2_000_000)]
        streamed = client.post("/api/v1/ingest/usage", content=iter([b"y" * 900_000] * 3), headers=NDJSON)
    for reply in [*replies, streamed]:
        assert (reply.status_code, reply.json()["type"]) == (413, "/problems/payload-too-large")
    assert bodies(service.tenants["demo"]) == []


def test_a_sender_that_stands_still_is_given_up(serve_tenant):
    service = serve_tenant(with_lake=False, ingest_idle_s=1)
    head = f"POST /api/v1/ingest/usage HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {service.key()}\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as line:
        line.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + body([usage("slow")]))
        reply = b"".join(iter(lambda: line.recv(65536), b""))
    assert reply.startswith(b"HTTP/1.1 408 ")
    assert bodies(service.tenants["demo"]) == []


def test_a_sender_that_hangs_up_leaves_nothing(service, client):
    head = f"POST /api/v1/ingest/usage HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {service.key()}\r\n"
    rows = body([usage(f"gone-{number}") for number in range(4000)])
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as line:
        line.sendall(f"{head}Content-Length: {len(rows) + 1}\r\n\r\n".encode() + rows)
    told(push(client, [usage("after-gone")]))
    assert landed(service.tenants["demo"], "gone-") == []
    assert bodies(service.tenants["demo"]) == []


def test_a_full_lane_says_when_to_come_again(serve_tenant):
    service = serve_tenant(with_lake=False, ingest_queue=1)
    head = f"POST /api/v1/ingest/usage HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {service.key()}\r\n"
    with service.client(service.key()) as client, socket.create_connection(("127.0.0.1", service.port)) as line:
        line.sendall(f"{head}Content-Length: 10\r\nExpect: 100-continue\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 100 ")  # it has the only place now
        reply = push(client, [usage("full")])
        assert (reply.status_code, reply.json()["errors"][0]["rule"]) == (429, "queue_length")
        assert int(reply.headers["retry-after"]) >= 1
        assert '"ingest";r=0' in reply.headers["ratelimit"]
    assert reply.headers.get_list("retry-after") == ["1"]
