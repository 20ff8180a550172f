"""`aurora assistant test`: what it prints, and the exit code that a pipeline goes by."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from apps.cli import app
from apps.cli import main as aurora
from tests.assistants.broken_assistants import SaysNotWhen, TakesAnyBody
from tests.assistants.reference_assistant import Reference, served

RUN = CliRunner()


def test_an_assistant_that_keeps_the_rules_ends_with_0_and_a_badge():
    with served(Reference()) as url:
        found = RUN.invoke(app, ["assistant", "test", f"{url}/api/ref", "--budget-ms", "60000"])
    assert found.exit_code == 0
    assert found.stdout.splitlines()[-1].startswith("Aurora assistant protocol 1: ref conforms, ")


def test_a_broken_rule_ends_with_1_and_says_what_was_expected_what_came_and_what_to_do():
    with served(SaysNotWhen()) as url:
        found = RUN.invoke(app, ["assistant", "test", url, "--assistant", "ref", "--budget-ms", "60000"])
    assert found.exit_code == 1
    told = found.stdout[found.stdout.index("retry_after failed") :].splitlines()[:5]
    assert [line.split()[0] for line in told] == ["retry_after", "expected", "came", "rule", "next"]
    assert "docs/how-to/write-an-assistant.md#pause" in told[3]


def test_json_is_for_a_pipeline():
    with served(TakesAnyBody()) as url:
        found = RUN.invoke(app, ["assistant", "test", f"{url}/api/ref", "--budget-ms", "60000", "--json"])
    report = json.loads(found.stdout)
    assert (found.exit_code, report["failed_count"]) == (1, 1)
    (failed,) = (one for one in report["checks"] if one["verdict"] == "failed")
    assert failed["check"] == "conflict"
    assert "does not conform" in report["badge"]


def test_nobody_there_ends_with_6(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["aurora", "assistant", "test", "http://127.0.0.1:1/api/ref"])
    with pytest.raises(SystemExit) as ended:
        aurora()
    assert ended.value.code == 6
    assert "Start the assistant" in capsys.readouterr().err
