"""The kit passes what keeps the protocol, and says of what breaks a rule which one, and that one alone."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from aurora.assistants.kit.check import PAGE
from aurora.assistants.kit.probe import UnreachableError, new_probe
from aurora.assistants.kit.run import CHECKS, run_kit
from aurora.assistants.kit.visit import Options
from aurora.errors import UsageError
from aurora.settings import PROJECT_DIR
from tests.assistants.broken_assistants import BROKEN
from tests.assistants.reference_assistant import Reference, Refusal, served

PATIENT = Options(budget_ms=60_000, wait_s=5, samples=2, is_overloaded=True)


def now():
    return dt.datetime.now(dt.UTC)


def report_of(assistant, options=PATIENT):
    with served(assistant) as url:
        probe = new_probe(url, assistant_id="ref", token=assistant.token, timeout_s=30)
        return run_kit(probe, options, nonce="n1", clock=now, sleep=lambda _: None)


def verdicts(report, wanted):
    return [one.check for one in report.checks if one.verdict == wanted]


def test_an_assistant_that_keeps_every_rule_passes_every_check():
    class Guarded(Reference):
        token = "secret"

    report = report_of(Guarded())
    assert verdicts(report, "failed") == []
    assert verdicts(report, "skipped") == []
    assert report.badge.startswith("Aurora assistant protocol 1: ref conforms, ")


@pytest.mark.parametrize(("broken", "check"), BROKEN.items(), ids=[kind.__name__ for kind in BROKEN])
def test_a_broken_assistant_fails_the_check_of_what_is_broken_alone(broken, check):
    budget = 500 if check == "latency" else PATIENT.budget_ms
    report = report_of(broken(), Options(budget_ms=budget, wait_s=0.5, samples=2, task_type="echo", is_overloaded=True))
    assert verdicts(report, "failed") == [check]
    (found,) = (one for one in report.checks if one.verdict == "failed")
    assert found.came
    assert found.expected
    assert found.next_step


def test_each_check_but_those_that_all_need_has_a_broken_assistant():
    assert {one.name for one in CHECKS} - set(BROKEN.values()) == {"reachable", "ping"}


def test_a_check_names_a_section_of_the_how_to():
    page = (PROJECT_DIR / PAGE).read_text(encoding="utf-8")
    headings = {text.strip().lower().replace(" ", "-") for text in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    assert {one.rule.partition("#")[2] for one in CHECKS} <= headings


def test_what_nobody_may_send_is_skipped_and_said_so():
    class ReadOnly(Reference):
        def parsed(self, body):
            command = super().parsed(body)
            if command["command_kind"] in ("run_task", "pause"):
                raise Refusal(403, "not by anybody")
            return command

    report = report_of(ReadOnly())
    assert verdicts(report, "failed") == []
    assert verdicts(report, "skipped") == [
        "authentication",
        "work",
        "once",
        "cancel",
        "pause",
        "retry_after",
        "overload",
        "export_work",
    ]


def test_one_request_that_is_not_answered_is_one_finding():
    class DiesOfBadJson(Reference):
        def parsed(self, body):
            if not body.endswith(b"}"):
                raise ConnectionAbortedError
            return super().parsed(body)

    report = report_of(DiesOfBadJson())
    assert verdicts(report, "failed") == ["bad_json"]


def test_an_assistant_that_is_gone_in_the_middle_is_not_tried_further():
    class DiesOfADance(Reference):
        is_dead = False

        def answer(self, method, path, headers, body, url):
            self.is_dead = self.is_dead or b"dance" in body
            if self.is_dead:
                raise ConnectionAbortedError
            return super().answer(method, path, headers, body, url)

    report = report_of(DiesOfADance())
    assert verdicts(report, "failed") == ["unknown_kind"]
    after = [one for one in report.checks if one.check == "unknown_field"]
    assert [one.came for one in after] == ["Not tried: reachable failed."]


def test_an_assistant_that_is_not_there_is_not_ready():
    probe = new_probe("http://127.0.0.1:1/api/ref", assistant_id=None, token=None, timeout_s=1)
    with pytest.raises(UnreachableError) as error:
        run_kit(probe, PATIENT, nonce="n", clock=now, sleep=lambda _: None)
    assert error.value.exit_code == 6


def test_the_address_may_name_the_assistant():
    assert new_probe("http://h:1/api/clara/", assistant_id=None, token=None, timeout_s=1).assistant_id == "clara"
    assert new_probe("http://h:1/x/api/clara", assistant_id=None, token=None, timeout_s=1).base_url == "http://h:1/x"
    for url in ("http://h:1", "ftp://h/api/clara", "clara", "http://h:no/api/a"):
        with pytest.raises(UsageError):
            new_probe(url, assistant_id=None, token=None, timeout_s=1)
