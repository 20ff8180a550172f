"""Findings of rules: which are open, what a person makes of one, and the posture that follows."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths

_COLUMNS = ("finding_id", "rule_id", "severity", "due_at", "about_contract", "record_source", "about_id", "assistant_id", "evidence")  # fmt: skip
_POSTURE = ("posture", "open_count", "critical_count", "overdue_count", "next_due_at")
State = Literal["open", "remediated", "false_positive", "accepted"]


def findings(
    *,
    state: Annotated[State, typer.Option(help="Findings in this state.")] = "open",
    regime: Annotated[str | None, typer.Option(help="Only of this regime, such as aml.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    assistant: Annotated[str | None, typer.Option(help="Only about records of this assistant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Findings, those due first at the top."""
    from aurora.compliance.findings import list_findings
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        rows = list_findings(
            lake,
            states=[state],
            regime=regime,
            rule_id=None if rule is None else rule.upper(),
            assistant_id=assistant,
            limit=limit,
        )
    if json:
        print_json({"tenant": paths.tenant, "findings": rows})
    elif rows:
        print_table(rows, _COLUMNS)
    else:
        print_line(f"No finding is {state}. `aurora rules sweep` looks for them.")


def judge(
    finding_id: Annotated[str, typer.Argument(help="Id of a finding.")],
    said: Annotated[Literal["open", "false_positive", "accepted"], typer.Option("--as", help="What it is.")],
    because: Annotated[str, typer.Option(help="Why, in your words.")],
    *,
    actor: Annotated[str, typer.Option(help="Who says so.")] = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Say that a finding is a false alarm or accepted, or open it again. It holds while the record breaks the rule."""
    from apps.bootstrap import utc_now
    from aurora.compliance.findings import judge_finding

    _, paths = open_paths(tenant)
    row = judge_finding(paths, finding_id, said, actor_id=actor, note=because, now=utc_now())
    print_json(row) if json else print_line(f"{finding_id} is {row['finding_state']}.")


def posture(*, tenant: Tenant = None, json: Json = False) -> None:
    """Where the company stands towards each regime, and each assistant with it. Derived from findings."""
    from apps.bootstrap import utc_now
    from aurora.compliance.posture import posture_by_assistant, posture_by_regime
    from aurora.compliance.rulebook import load_rulebook
    from aurora.store.lake import read_lake

    settings, paths = open_paths(tenant)
    book = load_rulebook(settings.packs_dir).for_industry(settings.pack)
    with read_lake(paths) as lake:
        now = utc_now()
        regimes, assistants = posture_by_regime(book, lake, now=now), posture_by_assistant(lake, now=now)
    if json:
        print_json({"tenant": paths.tenant, "regimes": regimes, "assistants": assistants})
        return
    print_table(regimes, ("regime", *_POSTURE, "rule_count", "judged_count", "is_stale"))
    print_line()
    print_table(assistants, ("assistant_id", *_POSTURE))
