"""OTLP in protobuf: the same rows as in JSON, framed or not, cut off or broken."""

from __future__ import annotations

import struct

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from aurora.ingest.formats import otlp_json, otlp_protobuf

FORMAT = "otlp_protobuf"


@pytest.mark.parametrize("contract", ["usage", "evaluation"])
def test_the_rows_are_those_of_the_same_request_in_json(read, contract):
    binary = read(FORMAT, otlp_protobuf.sample(contract=contract, row_count=50, seed=1))
    text = read("otlp_json", otlp_json.sample(contract=contract, row_count=50, seed=1))
    assert binary.rows[contract] == text.rows[contract]
    assert binary.refused == []


def test_requests_behind_their_lengths_are_read_as_the_collector_writes_them(read):
    requests = [otlp_protobuf.sample(contract="usage", row_count=3, seed=seed) for seed in (1, 2)]
    framed = b"".join(struct.pack(">I", len(one)) + one for one in requests)
    assert otlp_protobuf.matches(framed, "traces.bin")
    found = read(FORMAT, framed)
    assert found.usage == read(FORMAT, b"".join(requests)).usage
    assert (len(found.usage), found.refused) == (6, [])


def test_a_message_that_is_no_request_is_refused_and_shown(read):
    good = otlp_protobuf.sample(contract="usage", row_count=2, seed=3)
    found = read(FORMAT, good + b"\x0a\x03\xff\xff\xff" + good)
    assert len(found.usage) == 4
    assert [(one["rule"], one["raw_row"]) for one in found.refused] == [("protobuf", '"ffffff"')]


def test_a_part_over_the_limit_is_refused_and_the_next_is_read(read):
    small = otlp_protobuf.sample(contract="usage", row_count=1, seed=4)
    large = ExportTraceServiceRequest()
    large.resource_spans.add().schema_url = "x" * 5000
    found = read(FORMAT, large.SerializeToString() + small, limit=2000)
    assert len(found.usage) == 1
    assert [one["rule"] for one in found.refused] == ["document_size"]


def test_a_number_that_is_none_is_refused_or_passed_over_but_does_not_stop_the_file(read):
    message = ExportTraceServiceRequest.FromString(otlp_protobuf.sample(contract="usage", row_count=2, seed=5))
    for span in message.resource_spans[0].scope_spans[0].spans:
        for pair in span.attributes:
            if pair.key == "gen_ai.response.time_to_first_chunk":
                pair.value.double_value = float("nan")
    found = read(FORMAT, message.SerializeToString())
    assert len(found.usage) + len(found.refused) == 2
    assert {one["column_name"] for one in found.refused} == {"time_to_first_chunk_ms"}


@pytest.mark.parametrize("head", [b"\n\n\n", b"\n{}", b"{}", b"\n\x02", b"\x0a\x7f", b"", b"\0\0\0\x05{}"])
def test_text_is_not_taken_for_a_request(head):
    assert not otlp_protobuf.matches(head, "traces.json")
