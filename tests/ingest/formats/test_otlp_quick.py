"""Plain requests are read set-wise: the same rows and refusals as with care, whatever a request holds."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.ingest import foreign, otlp_names
from aurora.ingest.documents import Positions
from aurora.ingest.formats import otlp_json
from aurora.ingest.otlp import SpanRows
from aurora.ingest.portions import ROW, SourceFile
from aurora.ingest.quick_columns import ordered

NAMES = sorted(
    {
        *(name for names in [*otlp_names.TEXTS.values(), *otlp_names.COUNTS.values()] for name in names),
        *otlp_names.OPERATION,
        *otlp_names.FIRST_CHUNK_S,
        *otlp_names.FIRST_CHUNK_MS,
        *otlp_names.COST,
        "error.type",
        "gen_ai.tool.name",
        "http.request.method",
    }
)
TEXTS = st.sampled_from(
    ["", "chat", "LLM", "CHAIN", "AGENT", "task", "openai.chat", "12", " 7", "-3", "+4", "0x1", "é"]
)
SCALARS = (
    st.fixed_dictionaries({"stringValue": TEXTS})
    | st.fixed_dictionaries({"intValue": st.integers(-5, 2**70) | st.integers(0, 9).map(str) | st.none()})
    | st.fixed_dictionaries({"doubleValue": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3)})
    | st.fixed_dictionaries({"boolValue": st.booleans()})
    | st.fixed_dictionaries({"arrayValue": st.just({"values": []})})
)
ATTRIBUTES = st.lists(st.fixed_dictionaries({"key": st.sampled_from(NAMES), "value": SCALARS | st.none()}), max_size=9)
PLAIN_TIME = "1778000000123456789"
TIMES = st.sampled_from(
    [PLAIN_TIME] * 8 + [None, 0, "0", 1_778_000_000_000_000_000, "1778000000123456789", "-5", 10**30, "soon", 1.5]
)
SPANS = st.fixed_dictionaries(
    {
        "traceId": st.sampled_from(["ab" * 16, "AB" * 16] * 4 + ["0" * 32, "abc"]),
        "spanId": st.sampled_from(["01" * 8, "0a" * 8, "0A" * 8] * 4 + ["0" * 16]),
        "parentSpanId": st.sampled_from([None, "", "01" * 8, "0a" * 8]),
        "startTimeUnixNano": TIMES,
        "endTimeUnixNano": TIMES,
        "attributes": ATTRIBUTES,
        "status": st.sampled_from([None, {}, {"code": 2}, {"code": "2"}] * 4 + [{"code": 1.0}, 7]),
        "events": st.sampled_from([None, []] * 4 + [[{"name": "gen_ai.evaluation.result", "attributes": []}]]),
    }
)
RESOURCES = st.sampled_from(
    [None, {}, {"attributes": [{"key": "gen_ai.agent.name", "value": {"stringValue": "omar"}}]}, {"attributes": 4}]
)
REQUESTS = st.builds(
    lambda spans, resource, name: {
        "resourceSpans": [{"resource": resource, name: [{"scope": {}, "spans": spans}]}, {"scopeSpans": []}]
    },
    st.lists(SPANS, max_size=4),
    RESOURCES,
    st.sampled_from(["scopeSpans", "scopeSpans", "scope_spans"]),
)


def _with_care(requests: list[Any]) -> tuple[pl.DataFrame, list[Any]]:
    found = SpanRows(Positions(), Positions())
    for request in requests:
        found.add(request)
    portion = foreign.text_portion("usage", found.usage, found.refused)
    empty = pl.DataFrame({ROW: []}, schema={ROW: pl.Int64})
    return ordered("usage", empty, portion.rows), portion.refused.sort(ROW).rows()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(REQUESTS, min_size=1, max_size=3))
def test_the_quick_way_gives_what_care_gives(tmp_path: Path, requests: list[Any]) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(request) + b"\n" for request in requests))
    portions = [one for one in otlp_json.read(SourceFile(path=file)) if one.contract == "usage"]
    rows = pl.concat([one.rows for one in portions], how="diagonal")
    refused = pl.concat([one.refused for one in portions])
    expected, expected_refusals = _with_care(copy.deepcopy(requests))
    assert rows.drop("raw_row", strict=False).to_dicts() == expected.drop("raw_row", strict=False).to_dicts()
    assert refused.sort(ROW).rows() == expected_refusals


def test_a_large_export_takes_the_quick_way(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_bytes(otlp_json.sample(contract="usage", row_count=500, seed=1))
    looked_at: list[Any] = []
    monkeypatch.setattr(SpanRows, "add", lambda _, document: looked_at.append(document))
    rows = sum(portion.rows.height for portion in otlp_json.read(SourceFile(path=file)))
    assert (rows, looked_at) == (500, [])
