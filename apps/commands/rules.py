"""Rules about records: list and show them, run their examples, sweep the lake, and see what a change would do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.commands import breaches
from apps.commands.rule_findings import findings, judge, posture
from apps.commands.rule_remedies import complete, enforce, holds, release, remedies
from apps.commands.rule_updates import back, history, reviewed, update
from apps.render import Json, Tenant, print_json, print_line, print_record, print_table
from apps.session import open_paths
from aurora.errors import ComplianceError, DataError, NotFoundError, UsageError
from aurora.settings import load_settings

if TYPE_CHECKING:
    from aurora.compliance.differences import BackTest
    from aurora.compliance.rulebook import RecordRule, Rulebook

VERIFY = "to be verified"
RuleName = Annotated[str, typer.Argument(help="Id of a rule, such as AML-002.")]
PackName = Annotated[str | None, typer.Option("--pack", help="Only rules of this rule pack, such as uae_aml.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]
_COLUMNS = ("rule_id", "pack", "severity", "record", "clock", "source", "title")


def register(app: typer.Typer) -> None:
    """Add this room's commands, and those of breaches, which follow from findings."""
    room = typer.Typer(
        help="Rules about records: the law, swept over the lake and asked before an act.", no_args_is_help=True
    )
    room.command("list")(list_all)
    room.command("test")(run_examples)
    commands: tuple[Callable[..., None], ...] = (
        *(show, sweep, diff, check, findings, judge, posture),
        *(enforce, remedies, complete, holds, release, update, reviewed, history, back),
    )
    for command in commands:
        room.command()(command)
    app.add_typer(room, name="rules")
    breaches.register(app)


def list_all(*, pack: PackName = None, tenant: Tenant = None, json: Json = False) -> None:
    """Every rule, by rule pack, and whether the packs are fresh."""
    from apps.bootstrap import utc_now

    book = _book(tenant)
    packs = book.packs if pack is None else (book.pack(pack),)
    rows = [_row(rule) for one in packs for rule in one.rules]
    heads = [
        {
            "pack": one.file.rule_pack,
            "regime": one.file.regime,
            "version": one.file.version,
            "rules": len(one.rules),
            "checked_at": one.file.checked_at,
            "state": "stale" if one.is_stale(utc_now()) else "fresh",
            "industries": ", ".join(one.file.industries) or "all",
        }
        for one in packs
    ]
    if json:
        print_json({"packs": heads, "rules": rows})
        return
    print_table(heads, tuple(heads[0]))
    print_line()
    print_table(rows, _COLUMNS)


def show(rule_id: RuleName, *, tenant: Tenant = None, json: Json = False) -> None:
    """One rule: where it stands, what breaks it, how long there is to mend it, and its examples."""
    import msgspec

    book = _book(tenant)
    rule = book.rule(rule_id)
    pack = book.pack(rule.pack.rule_pack)
    asked = {name: pack.parameters[name] for name in rule.condition.parameters if name in pack.parameters}
    if json:
        document = {**msgspec.to_builtins(rule.file), "rule_pack": rule.pack.rule_pack, "contract": rule.contract}
        print_json({**document, "parameters": msgspec.to_builtins(asked), "state": _provenance(rule)})
        return
    file = rule.file
    print_line(f"{file.rule_id} {file.title}")
    print_record(
        {
            "source": f"{file.source.instrument}, {file.source.article}: {file.source.said}",
            "provenance": _provenance(rule),
            "jurisdiction": file.jurisdiction,
            "in_force": f"from {file.effective_from}" + (f" to {file.effective_to}" if file.effective_to else ""),
            "severity": file.severity,
            "record": f"{file.record} (contract {rule.contract})",
            "violates_when": file.violates_when,
            "clock": _clock(rule),
            "remediation": f"{file.remediation.says} ({', '.join(file.remediation.acts)})",
            "note": file.note,
        }
    )
    parameters = [
        {"parameter": name, "value": str(one.value), "source": one.source, "as_of": one.as_of,
         "state": "assumed" if one.is_assumed else "given"}
        for name, one in asked.items()
    ]  # fmt: skip
    if parameters:
        print_line()
        print_table(parameters, tuple(parameters[0]))
    print_line()
    print_table([{"expect": one.expect, "given": str(one.given)} for one in file.examples], ("expect", "given"))


def run_examples(
    rule_id: Annotated[str | None, typer.Argument(help="Id of a rule; all when absent.")] = None,
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Run the rules' examples; exits with 3 when one does not hold."""
    from aurora.compliance.verdicts import check_examples

    book = _book(tenant)
    rules = book.rules if rule_id is None else (book.rule(rule_id),)
    faults = []
    for rule in rules:
        try:
            check_examples(book, rule)
        except DataError as fault:
            faults.append({"rule_id": rule.rule_id, "fault": fault.message})
    count = sum(len(rule.file.examples) for rule in rules)
    if json:
        print_json({"rules": len(rules), "examples": count, "faults": faults})
    else:
        print_line(f"{count} examples of {len(rules)} rules: {len(faults)} rules fail.")
    if faults:
        raise DataError(faults[0]["fault"], field="examples", next_step="Correct the condition or the example.")


def sweep(
    *,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; may be said again.")] = None,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Judge every record of the lake and bring the findings up to date."""
    from apps.bootstrap import utc_now
    from aurora.compliance.findings import changes, record_sweep
    from aurora.compliance.sweep import sweep as run
    from aurora.store.lake import create_lake, read_lake

    settings, paths = open_paths(tenant)
    book = _book(tenant).for_industry(settings.pack)
    create_lake(paths)  # a lake of an older release may lack tables that rules ask for
    with read_lake(paths) as lake:
        swept = run(book, lake, now=utc_now(), rule_ids=rule or None)
        found = changes(lake, swept, region=paths.region)
    if not dry_run:
        found = record_sweep(paths, swept)
    figures = {
        "rules": swept.figures.height,
        "records": int(swept.figures["judged_count"].sum()),
        "broken": swept.hits.height,
        "opened": found.opened_count,
        "reopened": found.reopened_count,
        "remediated": found.remediated_count,
        "open": found.open_count,
        "raw_snapshot_id": swept.raw_snapshot_id,
    }
    rows = [row for row in swept.figures.to_dicts() if row["broken_count"] or rule]
    if json:
        print_json({"tenant": paths.tenant, "is_dry_run": dry_run, **figures, "figures": swept.figures.to_dicts()})
        return
    print_table(rows, ("rule_id", "regime", "about_contract", "judged_count", "broken_count", "unknown_count"))
    print_line()
    print_line(
        f"{figures['rules']} rules, {figures['broken']} findings: {figures['opened']} new, {figures['reopened']} back, "
        f"{figures['remediated']} remediated, {figures['open']} open." + (" Nothing was written." if dry_run else "")
    )


def diff(
    old: Annotated[Path, typer.Argument(help="Folder of the old rules, such as a copy of packs/_rules.")],
    new: Annotated[Path | None, typer.Argument(help="Folder of the new rules; those in force when absent.")] = None,
    *,
    back_test: Annotated[bool, typer.Option(help="Sweep the lake with both and compare the findings.")] = True,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """What changed between two versions of the rules, and which findings that gains and loses over history."""
    from aurora.compliance.differences import rule_changes

    before, after = _folder(old), _book(tenant) if new is None else _folder(new)
    changed = rule_changes(before, after)
    tests = {one.rule_id: one for one in _back_tested(before, after, changed, tenant)} if back_test else {}
    rows = [
        {
            "rule_id": one.rule_id,
            "change": one.change,
            "fields": ", ".join(one.fields),
            **({} if (seen := tests.get(one.rule_id)) is None else _moved(seen)),
        }
        for one in changed
    ]
    if json:
        print_json({"changes": [{**row, "records": _records(tests.get(str(row["rule_id"])))} for row in rows]})
    elif rows:
        print_table(rows, ("rule_id", "change", "fields", "old", "new", "gained", "lost"))
    else:
        print_line("The rules are the same.")


def check(*, tenant: Tenant = None, json: Json = False) -> None:
    """Were the rule packs held against their sources within seven days? Exits with 4 when one was not."""
    from apps.bootstrap import utc_now

    now = utc_now()
    settings, _ = open_paths(tenant)
    book = _book(tenant).for_industry(settings.pack)
    rows = [
        {"pack": one.file.rule_pack, "checked_at": one.file.checked_at, "age_days": (now - one.file.checked_at).days,
         "state": "stale" if one.is_stale(now) else "fresh", "checked_against": one.file.checked_against}
        for one in book.packs
    ]  # fmt: skip
    print_json(rows) if json else print_table(rows, tuple(rows[0]))
    stale = [row["pack"] for row in rows if row["state"] == "stale"]
    if stale:
        raise ComplianceError(
            f"{len(stale)} rule packs were not held against their sources for more than seven days: {', '.join(map(str, stale))}.",
            field="checked_at",
            rule="GEN-008",
            next_step='Hold them against the law. Where they stand: `aurora rules reviewed PACK --against "..."`; '
            "where the law changed: `aurora rules update FILE`.",
        )


def _book(tenant: str | None) -> Rulebook:
    """The tenant's rules with its own changes; those that are shipped where no tenant is named and none is made yet."""
    from aurora.compliance.rulebook import load_rulebook
    from aurora.compliance.versions import tenant_rulebook

    try:
        settings, paths = open_paths(tenant)
    except NotFoundError:
        if tenant is not None:
            raise
        return load_rulebook(load_settings(os.environ).packs_dir)
    return tenant_rulebook(settings.packs_dir, paths, None)


def _folder(folder: Path) -> Rulebook:
    from aurora.compliance.rulebook import FOLDER, read_rulebook

    place = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    if not (place / "facts.yaml").is_file():
        raise UsageError(
            f"{folder} holds no rules.",
            field="old",
            next_step="Name a folder like packs/_rules, with facts.yaml in it.",
        )
    return read_rulebook(place)


def _back_tested(before: Rulebook, after: Rulebook, changed: Any, tenant: str | None) -> list[BackTest]:
    from apps.bootstrap import utc_now
    from aurora.compliance.differences import back_test
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        return back_test(lake, before, after, changed, now=utc_now())


def _moved(seen: BackTest) -> dict[str, int]:
    return {"old": seen.old_count, "new": seen.new_count, "gained": len(seen.gained), "lost": len(seen.lost)}


def _records(seen: BackTest | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {"gained": [list(one) for one in seen.gained], "lost": [list(one) for one in seen.lost]}


def _row(rule: RecordRule) -> dict[str, Any]:
    file = rule.file
    return {
        "rule_id": file.rule_id,
        "pack": rule.pack.rule_pack,
        "regime": rule.pack.regime,
        "severity": file.severity,
        "record": file.record,
        "clock": _clock(rule),
        "source": _provenance(rule),
        "effective_from": file.effective_from,
        "title": file.title,
    }


def _provenance(rule: RecordRule) -> str:
    return f"{rule.file.provenance} ({VERIFY})" if rule.file.must_be_verified else rule.file.provenance


def _clock(rule: RecordRule) -> str:
    clock = rule.file.clock
    return "before the act" if rule.is_pre_act else f"{rule.clock_value} {clock.kind.replace('_', ' ')}"
