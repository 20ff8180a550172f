"""What a check is: a named rule of the protocol, the code that tries it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from aurora.assistants.kit.visit import Visit

Verdict = Literal["passed", "failed", "skipped"]
PAGE: Final = "docs/how-to/write-an-assistant.md"
"""The page that has a section for each rule."""


class Fault(Exception):  # noqa: N818 - what a check finds is no error of ours
    """A rule that was broken: what was expected, what came, and what to do."""

    def __init__(self, expected: str, came: str, next_step: str) -> None:
        super().__init__(came)
        self.expected = expected
        self.came = came
        self.next_step = next_step


class Skip(Exception):  # noqa: N818 - as above
    """A rule that could not be tried, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule. `needs` are checks that must have passed: without them nothing could be said."""

    name: str
    expected: str
    section: str
    """Heading of `PAGE` that has the rule."""
    needs: tuple[str, ...]
    run: Callable[[Visit], None]

    @property
    def rule(self) -> str:
        """Where the rule is written."""
        return f"{PAGE}#{self.section.lower().replace(' ', '-')}"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a check."""

    check: str
    verdict: Verdict
    expected: str
    came: str
    rule: str
    next_step: str = ""


def check(
    name: str, expected: str, *, section: str, needs: tuple[str, ...] = ("reachable",)
) -> Callable[[Callable[[Visit], None]], Check]:
    """Declare a check by the function that tries it: it returns, raises `Fault`, or raises `Skip`."""

    def declared(run: Callable[[Visit], None]) -> Check:
        return Check(name=name, expected=expected, section=section, needs=needs, run=run)

    return declared


def tried(one: Check, visit: Visit, passed: dict[str, Verdict]) -> Result:
    """Try a check, unless one that it needs did not pass."""
    missing = [name for name in one.needs if passed.get(name) != "passed"]
    if not missing and passed.get("reachable") == "failed":
        missing = ["reachable"]
    if missing:
        came = f"Not tried: {missing[0]} {passed[missing[0]]}."
        return Result(check=one.name, verdict="skipped", expected=one.expected, came=came, rule=one.rule)
    try:
        one.run(visit)
    except Skip as reason:
        return Result(
            check=one.name, verdict="skipped", expected=one.expected, came=f"Not tried: {reason}", rule=one.rule
        )
    except Fault as fault:
        return Result(
            check=one.name,
            verdict="failed",
            expected=fault.expected,
            came=fault.came,
            rule=one.rule,
            next_step=fault.next_step,
        )
    return Result(check=one.name, verdict="passed", expected=one.expected, came="As expected.", rule=one.rule)
