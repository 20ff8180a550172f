"""Findings of rules: which are open, what a person makes of one, and the posture that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from apps.commands.rule_remedies import opened
from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths

if TYPE_CHECKING:
    from aurora.store.lake import LakeReader
    from aurora.store.paths import TenantPaths

_COLUMNS = ("finding_id", "rule_id", "severity", "due_at", "about_contract", "record_source", "about_id", "assistant_id", "evidence")  # fmt: skip
_POSTURE = ("posture", "open_count", "critical_count", "overdue_count", "next_due_at")
_WRONG = ("rule_id", "false_positive_count", "judged_count", "false_positive_share", "low", "high")
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
    from aurora.compliance.findings import list_findings, require_tables
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        require_tables(lake)
        wrong = wrong_by_rule(lake)
        rows = list_findings(
            lake,
            states=[state],
            regime=regime,
            rule_id=None if rule is None else rule.upper(),
            assistant_id=assistant,
            limit=limit,
        )
    remedied = _remedies(paths, {str(row["finding_id"]) for row in rows})
    rows = [{**row, "remedies": remedied.get(row["finding_id"], [])} for row in rows]
    if json:
        print_json({"tenant": paths.tenant, "findings": rows, "false_positives": wrong})
        return
    if rows:
        print_table([{**row, "remedies": _told(row["remedies"])} for row in rows], (*_COLUMNS, "remedies"))
    else:
        print_line(f"No finding is {state}. `aurora rules sweep` looks for them.")
    if wrong:
        print_line()
        print_table(wrong, _WRONG)


def wrong_by_rule(lake: LakeReader) -> list[dict[str, Any]]:
    """How often people called a rule's findings a false alarm, with the 95 % Wilson interval."""
    from aurora.alerts.triage import wilson
    from aurora.compliance.judging import judged_by_rule

    rows = []
    for rule_id, (wrong, count) in sorted(judged_by_rule(lake).items()):
        low, high = wilson(wrong, count)
        rows.append(
            {
                "rule_id": rule_id,
                "false_positive_count": wrong,
                "judged_count": count,
                "false_positive_share": round(wrong / count, 4),
                "low": round(low, 4),
                "high": round(high, 4),
            }
        )
    return rows


def _remedies(paths: TenantPaths, findings: set[str]) -> dict[str, list[dict[str, Any]]]:
    """What became of the findings' remedies: act, state and why."""
    from aurora.compliance.remedies import read_remedies
    from aurora.store.journal import StateReader

    found: dict[str, list[dict[str, Any]]] = {}
    if not paths.state.is_file():
        return found
    with StateReader(paths) as state:
        for one in read_remedies(state):
            if one.finding_id in findings:
                told = {"act": one.act, "state": one.remedy_state, "reason": one.reason, "remedy_id": one.remedy_id}
                found.setdefault(one.finding_id, []).append(told)
    return found


def _told(remedies: list[dict[str, Any]]) -> str:
    return ", ".join(f"{one['act']} {one['state']}" for one in remedies) or "none asked for"


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
    from aurora.compliance.judging import judge as write

    with opened(tenant) as (_, store):
        row = write(store, finding_id, said, actor_id=actor, note=because, now=utc_now())
    print_json(row) if json else print_line(f"{finding_id} is {row['finding_state']}.")


def posture(*, tenant: Tenant = None, json: Json = False) -> None:
    """Where the company stands towards each regime, and each assistant with it. Derived from findings."""
    from apps.bootstrap import utc_now
    from aurora.compliance.findings import require_tables
    from aurora.compliance.posture import posture_by_assistant, posture_by_regime
    from aurora.compliance.versions import tenant_rulebook
    from aurora.store.lake import read_lake

    settings, paths = open_paths(tenant)
    book = tenant_rulebook(settings.packs_dir, paths, settings.pack)
    with read_lake(paths) as lake:
        require_tables(lake)
        now = utc_now()
        regimes, assistants = posture_by_regime(book, lake, now=now), posture_by_assistant(lake, now=now)
        wrong = wrong_by_rule(lake)
    if json:
        document = {"tenant": paths.tenant, "regimes": regimes, "assistants": assistants, "false_positives": wrong}
        print_json({**document, "book_hash": book.book_hash, "rules_version": book.tenant_version})
        return
    print_table(regimes, ("regime", *_POSTURE, "rule_count", "judged_count", "is_stale"))
    print_line()
    print_table(assistants, ("assistant_id", *_POSTURE))
    if wrong:
        print_line()
        print_table(wrong, _WRONG)
