"""`aurora assistant test`: does an assistant keep the protocol? The conformance kit, over HTTP, without a tenant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from apps.render import Json, print_json, print_line, print_table

if TYPE_CHECKING:
    from aurora.assistants.kit.run import Report


def conformance(
    url: Annotated[str, typer.Argument(help="Its address: what stands before /api/..., or http://.../api/NAME.")],
    *,
    assistant: Annotated[str | None, typer.Option(help="Its id, where the address does not end with it.")] = None,
    token: Annotated[
        str | None, typer.Option(help="Bearer token, where it wants one.", envvar="ASSISTANT_TOKEN")
    ] = None,
    budget_ms: Annotated[float, typer.Option(help="95 % of status answers must come within it.")] = 250.0,
    wait: Annotated[float, typer.Option(help="Seconds that accepted work may take.")] = 60.0,
    task_type: Annotated[str | None, typer.Option(help="What to ask of it; its skills in turn when absent.")] = None,
    overload: Annotated[bool, typer.Option("--overload", help="Give it more work than it can take, too.")] = False,
    contract: Annotated[
        list[str] | None, typer.Option(help="Export to test besides those that every assistant has.")
    ] = None,
    json: Json = False,
) -> None:
    """Test whether an assistant keeps the protocol, and name each rule that it breaks.

    It does real work for the test, marked as a sample. Exits with 0 when every rule is kept, 1 when one is broken,
    6 when the assistant does not answer.
    """
    import secrets

    from apps.bootstrap import utc_now
    from aurora.assistants.kit.probe import new_probe
    from aurora.assistants.kit.run import run_kit
    from aurora.assistants.kit.visit import Options

    probe = new_probe(url, assistant_id=assistant, token=token, timeout_s=10.0)
    options = Options(
        budget_ms=budget_ms,
        wait_s=wait,
        task_type=task_type,
        is_overloaded=overload,
        contracts=tuple(contract or ()),
    )
    report = run_kit(probe, options, nonce=secrets.token_hex(4), clock=utc_now, sleep=time.sleep)
    if json:
        import msgspec

        print_json({**msgspec.to_builtins(report), "badge": report.badge})
    else:
        _show(report)
    raise typer.Exit(1 if report.failed_count else 0)


def _show(report: Report) -> None:
    rows = [{"check": one.check, "verdict": one.verdict, "rule": one.expected} for one in report.checks]
    print_table(rows, ("check", "verdict", "rule"))
    for one in report.checks:
        if one.verdict == "failed":
            print_line()
            print_line(f"{one.check} failed")
            print_line(f"  expected  {one.expected}")
            print_line(f"  came      {one.came}")
            print_line(f"  rule      {one.rule}")
            print_line(f"  next      {one.next_step}")
        elif one.verdict == "skipped":
            print_line(f"{one.check} was skipped. {one.came}")
    print_line()
    print_line(report.badge)
