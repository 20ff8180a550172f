"""Every refusal is a problem that names the place, the rule and the next step, and never a fault of ours."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.api.exchange import MAX_BODY
from apps.api.messages import Problem
from aurora.store.journal import StateReader

TASK = {"kind": "route_task", "task_type": "property_matching"}


def refused(reply, status: int, code: str) -> dict:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem = msgspec.json.decode(reply.content, type=Problem)
    assert (problem.type, problem.status) == (f"/problems/{code}", status)
    assert problem.next_step
    assert problem.trace_id in reply.headers["traceparent"]
    return json.loads(reply.content)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"kind": "route_task", "task_type": "a"} x', b'{"kind": "route_llm", "prompt": "\xff"}'],
)
def test_a_body_that_is_not_json_is_a_bad_request(client, body):
    refused(client.post("/api/v1/decisions", content=body), 400, "bad-request")


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"kind": "route_task", "x": ' + b"[" * 100_000, b"1e999999", b"null"]
)
def test_json_that_is_no_request_is_refused(client, body):
    assert client.post("/api/v1/decisions", content=body).status_code in (400, 422)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"surprise": 1}, "/surprise"),
        ({"task_type": "Not A Slug"}, "/task_type"),
        ({"priority": "urgent"}, "/priority"),
        ({"deadline_ms": -1}, "/deadline_ms"),
        ({"deadline_ms": 2**63}, "/deadline_ms"),
        ({"compliance_levels": ["rera", 7]}, "/compliance_levels/1"),
        ({"max_cost_usd": "-1"}, "/max_cost_usd"),
        ({"candidates": []}, "/candidates"),
        ({"kind": "guess"}, "/kind"),
    ],
)
def test_a_field_that_does_not_fit_is_pointed_at(client, changed, pointer):
    problem = refused(client.post("/api/v1/decisions", json=TASK | changed), 422, "invalid-data")
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["errors"][0]["rule"]


def test_a_missing_field_is_pointed_at(client):
    problem = refused(client.post("/api/v1/decisions", json={"kind": "route_task"}), 422, "invalid-data")
    assert problem["errors"][0] | {"detail": ""} == {"pointer": "/task_type", "detail": "", "rule": "not_null"}


def test_a_policy_that_the_tenant_does_not_have_is_a_bad_request(client):
    problem = refused(client.post("/api/v1/decisions", json=TASK | {"policy": "best"}), 400, "bad-request")
    assert problem["errors"][0]["pointer"] == "/policy"


@pytest.mark.parametrize("path", ["/api/v1/decisions", "/api/v1/keys"])
@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "multipart/form-data; boundary=x"])
def test_another_content_type_is_refused(client, path, kind):
    refused(client.post(path, content=b"{}", headers={"content-type": kind}), 415, "unsupported-media-type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_taken_in_every_spelling(client, kind):
    reply = client.post("/api/v1/decisions", content=json.dumps(TASK), headers={"content-type": kind})
    assert reply.status_code == 201


@pytest.mark.parametrize("path", ["/api/v1/decisions", "/api/v1/keys"])
def test_a_body_that_is_too_large_is_refused(client, path):
    problem = refused(client.post(path, content=b" " * (MAX_BODY + 1)), 413, "payload-too-large")
    assert problem["errors"][0]["header"] == "Content-Length"


def test_a_body_without_a_length_is_refused_once_it_is_too_large(client):
    def endless():
        for _ in range(MAX_BODY // 65536 + 1):
            yield b" " * 65536

    refused(client.post("/api/v1/decisions", content=endless()), 413, "payload-too-large")


def test_the_largest_prompt_there_may_be_is_answered(client):
    prompt = "\u0001" * 100_000
    assert client.post("/api/v1/decisions", json={"kind": "route_llm", "prompt": prompt}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/decisions", "GET, POST"),
        ("PUT", "/api/v1/decisions/dec_1", "GET"),
        ("GET", "/api/v1/decisions/dec_1/outcomes", "POST"),
        ("POST", "/livez", "GET"),
        ("PATCH", "/api/v1/assistants", "GET"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_does(client, method, path, allowed):
    reply = client.request(method, path)
    refused(reply, 405, "method-not-allowed")
    assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/nothing", "/api/v1/decisions/", "/api/v1/decisions/a/b", "/docs/"]
)
def test_a_path_that_is_not_there_is_not_found(client, path):
    refused(client.get(path), 404, "not-found")


def test_a_client_that_hangs_up_in_its_body_leaves_no_record(service, client):
    token = service.key("decide", actor="leaver")
    with StateReader(service.tenants["demo"]) as state:
        before = state.last_seq()
        head = (
            f"POST /api/v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 90\r\n\r\n"
        )
        assert service.send(head.encode() + b'{"kind": "route_task", ') == b""
        assert client.get("/livez").status_code == 200
        assert state.last_seq() == before


@pytest.mark.parametrize("path", ["/api/v1/decisions", "/livez", "/api/v1/nothing"])
def test_a_trace_is_continued(client, path):
    trace = "0af7651916cd43dd8448eb211c80319c"
    reply = client.get(path, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert reply.headers["traceparent"].split("-")[1] == trace
    decided = client.post("/api/v1/decisions", json=TASK, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert decided.headers["traceparent"].split("-")[1] == trace


@pytest.mark.parametrize("given", ["", "00-xyz", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_a_trace_that_is_none_is_replaced(client, given):
    version, trace, span, flags = client.get("/livez", headers={"traceparent": given}).headers["traceparent"].split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
    assert int(trace, 16)
    assert int(span, 16)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    ["task_type", "priority", "max_cost_usd", "candidates", "policy", "deadline_ms", "prompt", "min_quality", "kind",
     "compliance_levels", "data_region", "mode", "is_success", "cost_usd", "occurred_at", "action", "reason", "scopes"]
)  # fmt: skip
near_misses = st.dictionaries(fields, values, max_size=4).map(lambda found: {**TASK, **found})
bodies = st.binary(max_size=200) | (values | near_misses).map(lambda value: json.dumps(value).encode())
keys = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=5).map(str.strip)


@settings(max_examples=120, deadline=None, database=None)
@given(body=bodies, path=st.sampled_from(["", "/{}", "/{}/outcomes", "/{}/overrides"]), key=st.none() | keys)
def test_no_body_whatever_makes_the_server_fail(client, decided, body, path, key):
    headers = {} if key is None else {"idempotency-key": key.encode("latin-1")}
    reply = client.post("/api/v1/decisions" + path.format(decided), content=body, headers=headers)
    assert reply.status_code < 500, reply.text
    assert reply.status_code in (201, 400, 403, 405, 409, 422)


@pytest.fixture(scope="session")
def decided(client) -> str:
    return client.post("/api/v1/decisions", json=TASK).json()["decision_id"]
