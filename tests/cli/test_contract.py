"""`aurora contract`: what changed, what that reaches, whether it may pass; and a file held against a contract."""

import json
from pathlib import Path
from typing import Any

from aurora.ingest.source_formats import source_formats
from aurora.packs import list_packs, load_pack
from aurora.settings import Settings
from aurora.store.lake import write_lake
from aurora.store.paths import tenant_paths
from contracts import registry
from contracts.evolution import described, state_text


def _state(folder: Path, edit: Any) -> str:
    """A state that was published before: as now but for `edit`."""
    state = json.loads(json.dumps(described(registry.tables())))
    edit(state)
    file = folder / "before.json"
    file.write_text(state_text(state), encoding="utf-8")
    return str(file)


def test_nothing_changed_says_so(aurora, tmp_path):
    answer = aurora("contract", "diff", "--against", _state(tmp_path, lambda _: None))
    assert answer.code == 0
    assert "Nothing changed." in answer.out


def test_a_breaking_change_lists_what_it_reaches(aurora, tmp_path):
    def older(state: dict[str, Any]) -> None:
        state["usage"]["columns"]["duration_ms"]["type"] = "float"

    answer = aurora("contract", "diff", "--against", _state(tmp_path, older), "--json")
    told = json.loads(answer.out)
    assert [(one["table"], one["column"], one["change"]) for one in told["changes"]] == [
        ("usage", "duration_ms", "type")
    ]
    reached = {(part["kind"], part["name"]) for part in told["blast"]}
    assert {("mart", "usage_daily"), ("kpi", "kpi_ai_operation_response_p95"), ("page", "costs")} <= reached
    assert ("mart", "decisions") not in reached
    packs = Settings().packs_dir
    assert told["part_counts"]["assistant"] == sum(len(load_pack(packs, n).assistants) for n in list_packs(packs))


def test_an_additive_change_reaches_nothing(aurora, tmp_path):
    answer = aurora("contract", "diff", "--against", _state(tmp_path, lambda s: s["usage"]["columns"].pop("trace_id")))
    assert "nothing stops" in answer.out


def test_the_contracts_are_refused_when_a_breaking_change_has_no_migration(aurora, tmp_path):
    def older(state: dict[str, Any]) -> None:
        state["usage"]["version"] = "0.1.0"
        state["usage"]["columns"]["gone_id"] = {**state["usage"]["columns"]["trace_id"]}

    answer = aurora("contract", "check", "--against", _state(tmp_path, older))
    assert answer.code == 3
    assert "names no migration" in answer.err
    assert aurora("contract", "check").code == 0


def test_a_live_lake_is_compared(aurora, made):
    assert "Nothing changed." in aurora("contract", "diff", "--against", "lake").out
    sql = "ALTER TABLE raw.scan_hit ADD COLUMN their_own VARCHAR"
    write_lake(
        tenant_paths(made, "demo"), "raw", lambda lake: lake.execute(sql), author="test", message="another release"
    )
    told = json.loads(aurora("contract", "diff", "--against", "lake", "--json").out)
    assert [(one["table"], one["column"], one["change"]) for one in told["changes"]] == [
        ("scan_hit", "their_own", "column_removed")
    ]


def test_a_good_file_passes_and_nothing_lands(aurora, tmp_path):
    file = tmp_path / "messages.ndjson"
    file.write_bytes(source_formats()["canonical_ndjson"].sample(contract="message", row_count=4, seed=1))
    answer = aurora("contract", "check", str(file), "--contract", "message", "--json")
    assert answer.code == 0
    (part,) = json.loads(answer.out)["parts"]
    assert (part["contract"], part["rows"], part["good"], part["bad"]) == ("message", 4, 4, 0)


def test_a_bad_row_is_told_with_its_reason(aurora, tmp_path):
    file = tmp_path / "messages.csv"
    file.write_text(
        "message_id,message_kind,message_direction,channel,occurred_at\n"
        "m1,service,inbound,chat,2026-10-01T10:00:00Z\n"
        "m2,service,sideways,chat,2026-10-01T10:00:00Z\n",
        encoding="utf-8",
    )
    answer = aurora("contract", "check", str(file), "--contract", "message")
    assert answer.code == 3
    assert "message_direction is sideways" in answer.out
    assert "1 rows of messages.csv" in answer.err


def test_a_state_that_is_not_there_is_named(aurora):
    assert aurora("contract", "diff", "--against", "nowhere.json").code == 5
