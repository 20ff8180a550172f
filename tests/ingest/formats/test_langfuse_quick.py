"""Plain documents of Langfuse are read set-wise: the same rows and refusals as with care, whatever they hold."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.ingest import foreign, langfuse
from aurora.ingest.documents import Positions
from aurora.ingest.formats import langfuse_json
from aurora.ingest.langfuse import ObservationRows
from aurora.ingest.portions import ROW, SourceFile

TIMES = st.sampled_from(
    ["2026-05-04 09:00:00.250000", "2026-05-04T09:00:01.500Z"] * 4
    + [None, "", "soon", "2026-05-04", "2026-05-04T09:00:00+04:00", 5]
)
COUNTS = st.sampled_from(
    [{"input": 100, "output": 20, "total": 120}] * 4
    + [
        None,
        {},
        {"input": 0, "output": 0, "total": 0},
        {"input": 9, "output": 5, "total": 18, "input_cache_read": 4},
        {"input": 9, "output": 5, "completion_details": {"reasoning": 2}},
        {"input": "9", "output": None},
        {"input": -3, "output": 1},
        [1],
    ]
)
METADATA = st.sampled_from(
    [
        None,
        {},
        {"attributes": {"gen_ai.provider.name": "OpenAI", "gen_ai.agent.id": "clara"}},
        {"attributes": '{"gen_ai.system": "anthropic"}', "ls_provider": "google"},
        {"ls_provider": "google_genai"},
        "plain words",
        {"attributes": {"gen_ai.agent.name": 7}},
    ]
)
OBSERVATIONS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b", "c"] * 5 + ["", None, 7]),
        "traceId": st.sampled_from(["t-1", "t-1", None]),
        "type": st.sampled_from(["GENERATION", "AGENT", "TOOL", "SPAN", "EVENT"] * 3 + ["generation", "DREAM"]),
        "parentObservationId": st.sampled_from([None, "", "a", "b"]),
        "startTime": TIMES,
        "endTime": TIMES,
        "model": st.sampled_from(["gpt-4o-mini", "x/models/y", "unknown", "", None]),
        "usageDetails": COUNTS,
        "metadata": METADATA,
        "level": st.sampled_from(["DEFAULT", "ERROR", None]),
        "statusMessage": st.sampled_from([None, "", "it broke"]),
        "totalCost": st.sampled_from([None, 0, 0.25, "0.5"]),
        "timeToFirstToken": st.sampled_from([None, 0.31, 2, "3"]),
    },
    optional={
        "usage": COUNTS,
        "costDetails": st.sampled_from([None, {"total": 0.75}, {"total": None}, {"input": 1}]),
        "promptTokens": st.sampled_from([None, 4]),
        "completionStartTime": TIMES,
        "sessionId": st.sampled_from([None, "", "s-1"]),
        "userId": st.sampled_from([None, "u-1"]),
        "providedModelName": st.sampled_from([None, "gpt-4o"]),
        "session_id": st.just("s-2"),
    },
)
TRACES = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["t-1", "t-2", None, ""]),
        "timestamp": st.sampled_from(["2026-05-04T09:00:00.000Z", None, 7]),
        "sessionId": st.sampled_from([None, "", "s-9"]),
        "userId": st.sampled_from([None, "u-9"]),
    }
)
WHOLE = st.builds(
    lambda trace, observations: {"trace": trace, "observations": observations},
    TRACES,
    st.lists(OBSERVATIONS, max_size=3),
)


def _snake(value: dict[str, Any]) -> dict[str, Any]:
    def name(key: str) -> str:
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)

    return {name(key): part for key, part in value.items()}


DOCUMENTS = WHOLE | OBSERVATIONS | OBSERVATIONS.map(_snake)


def _with_care(documents: list[Any]) -> dict[str, Any]:
    found = ObservationRows(Positions(), Positions())
    for document in documents:
        found.add(document)
    found.settle()
    return {
        "usage": foreign.text_portion("usage", found.usage, found.refused),
        "conversation": foreign.text_portion("conversation", found.talks, found.refused_talks),
    }


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    kept = rows.drop("raw_row", strict=False).sort(ROW)
    return [{name: value for name, value in row.items() if value is not None} for row in kept.iter_rows(named=True)]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_the_quick_way_gives_what_care_gives(tmp_path: Path, documents: list[Any]) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(document) + b"\n" for document in documents) + b"\n")
    portions = list(langfuse_json.read(SourceFile(path=file)))
    expected = _with_care(copy.deepcopy(documents))
    for contract, wanted in expected.items():
        found = [one for one in portions if one.contract == contract]
        rows = pl.concat([one.rows for one in found], how="diagonal") if found else wanted.rows.clear()
        refused = pl.concat([one.refused for one in found]) if found else wanted.refused.clear()
        assert _plain(rows) == _plain(wanted.rows)
        assert refused.drop("raw_row").sort(ROW).rows() == wanted.refused.drop("raw_row").sort(ROW).rows()


def test_a_large_export_takes_the_quick_way(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_bytes(langfuse_json.sample(contract="usage", row_count=400, seed=1))
    monkeypatch.setattr(langfuse, "usage_values", lambda *_: None)
    rows = [portion.rows.height for portion in langfuse_json.read(SourceFile(path=file)) if portion.contract == "usage"]
    assert sum(rows) == 400
