"""`aurora focus`: an export that is checked, and a check that fails by exit code."""

from __future__ import annotations

import json


def test_usage_is_exported_and_checked(aurora, tmp_path):
    usage = tmp_path / "usage.ndjson"
    row = {
        "usage_id": "focus-1",
        "occurred_at": "2026-09-03T10:00:00Z",
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 2_000_000,
        "output_tokens": 0,
    }
    usage.write_text(json.dumps(row) + "\n")
    assert aurora("ingest", str(usage), "--source", "focus_test").code == 0
    out = tmp_path / "focus.csv"
    ran = aurora("focus", "export", "--spec", "1.2", "--month", "2026-09", "--out", str(out), "--json")
    assert ran.code == 0
    assert ran.json()["billed_cost_usd"].startswith("5.0")
    assert "checked" in aurora("focus", "export", "--out", str(out)).out
    assert "conforms" in aurora("focus", "check", str(out)).out


def test_a_file_that_does_not_conform_exits_with_3(aurora, tmp_path):
    broken = tmp_path / "broken.csv"
    broken.write_text("BilledCost,colour\nmuch,red\n")
    ran = aurora("focus", "check", str(broken), "--json")
    assert ran.code == 3
    found = {(one["rule"], one["column"]) for one in ran.json()["findings"]}
    assert {("type", "BilledCost"), ("custom_prefix", "colour"), ("mandatory_column", "ListCost")} <= found
    assert aurora("focus", "check", str(tmp_path / "none.csv")).code == 5
    assert aurora("focus", "export", "--grain", "hour", "--out", "x.csv").code == 2
