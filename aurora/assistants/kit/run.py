"""The conformance kit: every rule of the assistant protocol, tried on a running assistant over HTTP.

It needs no tenant. What it asks for is real work to the assistant, marked `is_sample`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import msgspec

from aurora.assistants.kit import a2a_checks, command_checks, export_checks, refusal_checks, status_checks
from aurora.assistants.kit.check import Check, Result, Verdict, tried
from aurora.assistants.kit.probe import Probe, UnreachableError
from aurora.assistants.kit.visit import Options, Visit

CHECKS: Final[tuple[Check, ...]] = (
    *status_checks.CHECKS,
    *a2a_checks.CHECKS,
    *refusal_checks.BEFORE_COMMANDS,
    *command_checks.SMALL_COMMANDS,
    *refusal_checks.OF_COMMANDS,
    *command_checks.WORK,
    *refusal_checks.OF_REFUSALS,
    *export_checks.CHECKS,
)
"""In the order in which they are tried: what others need goes first."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all checks."""

    assistant_id: str
    url: str
    tested_at: dt.datetime
    passed_count: int
    failed_count: int
    skipped_count: int
    is_simulated: bool
    checks: tuple[Result, ...]

    @property
    def badge(self) -> str:
        """One line for a README."""
        verdict = "conforms" if not self.failed_count else "does not conform"
        counts = f"{self.passed_count} passed, {self.failed_count} failed, {self.skipped_count} skipped"
        told = " (simulated)" if self.is_simulated else ""
        return f"Aurora assistant protocol 1: {self.assistant_id}{told} {verdict}, {counts}, {self.tested_at:%Y-%m-%d}"


def run_kit(
    probe: Probe,
    options: Options,
    *,
    nonce: str,
    clock: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
) -> Report:
    """Try every check. `nonce` makes the ids of this visit its own.

    Errors: `UnreachableError` when the assistant does not answer at all.
    """
    visit = Visit(probe=probe, options=options, nonce=nonce, clock=clock, sleep=sleep)
    verdicts: dict[str, Verdict] = {}
    results: list[Result] = []
    for one in CHECKS:
        try:
            result = tried(one, visit, verdicts)
        except UnreachableError as error:
            if not results:
                raise
            result = _silent(one, error)
            if not _is_there(visit):
                verdicts["reachable"] = "failed"  # what follows is not tried
        verdicts[one.name] = result.verdict
        results.append(result)
    counts = {name: sum(one.verdict == name for one in results) for name in ("passed", "failed", "skipped")}
    return Report(
        assistant_id=probe.assistant_id,
        url=probe.base_url,
        tested_at=clock(),
        passed_count=counts["passed"],
        failed_count=counts["failed"],
        skipped_count=counts["skipped"],
        is_simulated=visit.first_status is not None and visit.first_status.is_simulated,
        checks=tuple(results),
    )


def _silent(one: Check, error: UnreachableError) -> Result:
    return Result(
        check=one.name,
        verdict="failed",
        expected=one.expected,
        came=error.message,
        rule=one.rule,
        next_step="Answer every request, also one that is wrong; see the assistant's log.",
    )


def _is_there(visit: Visit) -> bool:
    try:
        visit.probe.get(visit.probe.api("status"))
    except UnreachableError:
        return False
    return True
