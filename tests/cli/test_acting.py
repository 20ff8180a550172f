"""`aurora decide` acts as the API does: what may act is carried out, the rest only recorded."""

from __future__ import annotations

import json

from tests.cli.conftest import Run

SCALE = {
    "kind": "scale",
    "target_id": "clara",
    "history": {"window_s": 600, "ends_at": "2026-11-21T12:00:00Z", "demand": [12, None, 90], "replicas": 3},
    "limits": {"replica_rate": 8, "max_replicas": 40},
}


def test_a_scale_decision_on_the_command_line_acts_only_where_it_may(aurora: Run) -> None:
    def commands() -> list[dict[str, object]]:
        found: list[dict[str, object]] = aurora("command", "list", "--assistant", "clara", "--json").json()
        return found

    asked = json.dumps({**SCALE, "mode": "act"})
    assert aurora("decide", asked, "--json").json()["mode"] == "advise"
    assert commands() == []
    granted = aurora("decision", "mode", "scale", "--assistant", "clara", "--act-share", "1", "--reason", "It may act")
    assert granted.code == 0, granted.err
    acted = aurora("decide", asked)
    assert acted.code == 0, acted.err
    assert "tune to clara as cmd_" in acted.out
    (command,) = commands()
    assert command["command_state"] == "refused"  # nobody connected it; that, too, is recorded
    assert "not connected" in str(command["error"])
    assert str(command["decision_id"]) in acted.out
    missing = aurora("decide", json.dumps({"kind": "scale", "target_id": "clara"}))
    assert missing.code != 0
    assert "aurora build" in missing.err + missing.out
    assert aurora("decision", "stop", "--reason", "A drill").code == 0
    try:
        assert aurora("decide", asked, "--json").json()["mode"] == "advise"
        assert len(commands()) == 1
    finally:
        assert aurora("decision", "resume", "--reason", "It is over").code == 0
        aurora("decision", "mode", "scale", "--assistant", "clara", "--act-share", "0", "--reason", "As before")
