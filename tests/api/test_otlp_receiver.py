"""OTLP/HTTP: what exporters send is taken, and answered in their own words."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from apps.api.otlp_replies import status_message
from aurora.store.lake import read_lake

PROTOBUF = "application/x-protobuf"


def request_of(trace: str, spans: list[dict], *, agent: str = "clara") -> dict:
    resource = {"attributes": [{"key": "gen_ai.agent.id", "value": {"stringValue": agent}}]}
    for number, span in enumerate(spans, 1):
        span.setdefault("traceId", trace * 32)
        span.setdefault("spanId", f"{number:016x}")
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


def span(*, tokens: int = 100, **changed: object) -> dict:
    values = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
    attributes.append({"key": "gen_ai.usage.input_tokens", "value": {"intValue": str(tokens)}})
    start = 1_790_000_000_000_000_000
    found = {"name": "chat", "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**9)}
    return {**found, "attributes": attributes, **changed}


def export(client: httpx.Client, message: object, **headers: str) -> httpx.Response:
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    return client.post("/v1/traces", content=content, headers={"content-type": "application/json"} | headers)


def traced(service, trace: str) -> list[tuple]:
    with read_lake(service.tenants["demo"]) as lake:
        return lake.query(
            "SELECT assistant_id, input_tokens, source FROM raw.usage WHERE trace_id = ? ORDER BY 2", [trace * 32]
        ).rows()


def test_spans_become_usage_once_however_often_they_are_exported(service, client):
    message = request_of("a", [span(tokens=7), span(tokens=9)])
    replies = [
        export(client, message),
        export(client, message),
        export(client, gzip.compress(json.dumps(message).encode()), **{"content-encoding": "gzip"}),
    ]
    assert [(reply.status_code, reply.json()) for reply in replies] == [(200, {})] * 3
    assert traced(service, "a") == [("clara", 7, "tester"), ("clara", 9, "tester")]


def test_a_refused_span_is_a_partial_success(service, client):
    reply = export(client, request_of("b", [span(tokens=5), span(tokens=-5)]))
    assert reply.status_code == 200
    partial = reply.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "input_tokens" in partial["errorMessage"]
    assert [row[1] for row in traced(service, "b")] == [5]


@pytest.mark.parametrize("message", [{"resourceSpans": []}, {}])
def test_a_request_without_spans_is_taken(client, message):
    reply = export(client, message)
    assert (reply.status_code, reply.json()) == (200, {})


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{no json", {}, 400, 3),
        (b"", {}, 400, 3),
        (b"{}", {"content-type": "text/plain"}, 415, 3),
        (b"{}", {"authorization": "Bearer nothing"}, 401, 16),
        (b"{}", {"content-encoding": "br"}, 415, 3),
    ],
)
def test_an_error_is_a_google_rpc_status(client, content, headers, status, code):
    reply = export(client, content, **headers)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["message"]


def test_a_key_without_the_scope_exports_nothing(service):
    with service.client(service.key("read")) as reader:
        assert (export(reader, {}).status_code, export(reader, {}).json()["code"]) == (403, 7)


def test_protobuf_is_answered_in_protobuf(service, client):
    message = ExportTraceServiceRequest()
    made = message.resource_spans.add().scope_spans.add()
    for number, tokens in enumerate([11, -11], 1):
        one = made.spans.add(trace_id=bytes.fromhex("c" * 32), span_id=number.to_bytes(8, "big"), name="chat")
        one.start_time_unix_nano, one.end_time_unix_nano = 1_790_000_000_000_000_000, 1_790_000_001_000_000_000
        for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt-4o")):
            one.attributes.add(key=key).value.string_value = value
        one.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = tokens
    reply = export(client, message.SerializeToString(), **{"content-type": PROTOBUF})
    assert (reply.status_code, reply.headers["content-type"]) == (200, PROTOBUF)
    answer = ExportTraceServiceResponse.FromString(reply.content)
    assert answer.partial_success.rejected_spans == 1
    assert "input_tokens" in answer.partial_success.error_message
    assert [row[1] for row in traced(service, "c")] == [11]


def test_bytes_that_are_no_protobuf_are_a_bad_request(client):
    reply = export(client, b"\xff\xfe no protobuf at all", **{"content-type": PROTOBUF})
    assert (reply.status_code, reply.headers["content-type"]) == (400, PROTOBUF)
    assert reply.content.startswith(b"\x08\x03\x12")


def test_an_empty_protobuf_request_is_taken(client):
    reply = export(client, b"", **{"content-type": PROTOBUF})
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_status_is_written_as_protobuf_reads_it():
    assert status_message(PROTOBUF, http_status=429, message="é" * 80) == b"\x08\x08\x12\xa0\x01" + "é".encode() * 80
