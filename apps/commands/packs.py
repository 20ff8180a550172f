"""Industry packs: list and show them, make a new one, check one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.render import Json, print_json, print_line, print_record, print_table
from aurora.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurora.packs import Pack
    from aurora.packs.reading import PackError

_COLUMNS = ("pack", "title", "version", "assistants", "task_types", "llms", "rules", "workflows", "state")
Name = Annotated[str, typer.Argument(help="Name of the pack, such as healthcare.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Industry packs: what a tenant is made from.", no_args_is_help=True)
    room.command("list")(list_all)
    room.command()(show)
    room.command()(new)
    room.command()(check)
    app.add_typer(room, name="pack")


def list_all(*, json: Json = False) -> None:
    """Every pack there is, and whether it loads."""
    from aurora.packs import list_packs

    folder = _packs_dir()
    rows = [_row(folder, name) for name in list_packs(folder)]
    if json:
        print_json(rows)
    elif rows:
        print_table(rows, _COLUMNS)
        for row in rows:
            if "trouble" in row:
                print_line(f"{row['trouble']} `aurora pack check {row['pack']}` names every fault.")
    else:
        print_line(f"There is no pack in {folder}. `aurora pack new NAME` makes one.")


def show(name: Name, *, json: Json = False) -> None:
    """One pack: its industry profile, fleet, workflows and benchmarks."""
    import msgspec

    from aurora.packs import load_pack

    pack = load_pack(_packs_dir(), name)
    if json:
        print_json({**msgspec.to_builtins(pack), "profile": msgspec.to_builtins(pack.profile)})
        return
    print_line(f"{pack.name} {pack.version}: {pack.title}")
    print_record(
        {
            "security_level": pack.security_level,
            "compliance_levels": ", ".join(pack.compliance_levels),
            "compliance_requirements": ", ".join(pack.compliance_requirements),
            "allowed_regions": ", ".join(pack.tenant.allowed_regions),
            "language_models": ", ".join(llm.candidate_id for llm in pack.llms),
            "rules": ", ".join(rule.rule_id for rule in pack.rules),
        }
    )
    for rows, columns in _tables(pack):
        print_line()
        print_table(rows, columns)


def new(
    name: Annotated[str, typer.Argument(help="Name of the new pack: lower-case letters, digits, _ and -.")],
    *,
    template: Annotated[str, typer.Option("--from", help="Pack that it starts from.")] = "general",
    title: Annotated[str | None, typer.Option(help="What people read; made from the name when absent.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Make a pack that passes `aurora pack check` at once, to be edited."""
    from aurora.packs import list_packs
    from aurora.packs.scaffold import draft_pack, write_pack
    from aurora.settings import Settings

    folder = _packs_dir()
    templates = folder if template in list_packs(folder) else Settings().packs_dir
    texts = draft_pack(
        folder, name, title=title or name.replace("_", " ").capitalize(), template_dir=templates, template=template
    )
    if not dry_run:
        write_pack(folder, name, texts)
    files = [str(folder / name / place) for place in texts]
    if json:
        print_json({"pack": name, "from": template, "is_written": not dry_run, "files": files})
        return
    print_line(f"{'Would write' if dry_run else 'Wrote'} {len(files)} files of {name}, from {template}:")
    for file in files:
        print_line(f"  {file}")
    if not dry_run:
        print_line(f"Edit them, then `aurora pack check {name}`; AURORA_PACK={name} makes tenants from it.")


def check(
    pack: Annotated[
        str | None, typer.Argument(help="Name of a pack, or path of its folder; every pack when absent.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Check packs as a whole and name every fault with its file, field and rule; exits with 3 when there is one.

    References, the fleet's graph, workflows, rules and handoffs against their examples, and a taker for all work.
    """
    from apps.bootstrap import utc_now
    from aurora.decisions.pack_check import check_pack
    from aurora.packs import list_packs

    folder, names = _asked_for(pack)
    names = names or list_packs(folder)
    if not names:
        raise NotFoundError(
            f"There is no pack in {folder}.", field="pack", next_step="`aurora pack new NAME` makes one."
        )
    found = {name: check_pack(folder, name, today=utc_now().date()) for name in names}
    if json:
        print_json([{"pack": name, "faults": [_fault(one) for one in faults]} for name, faults in found.items()])
    else:
        _print_faults(found)
    count = sum(map(len, found.values()))
    if count:
        wrong = ", ".join(name for name, faults in found.items() if faults)
        first = next(one for faults in found.values() for one in faults)
        raise DataError(
            f"{count} fault{'' if count == 1 else 's'} in {wrong}.",
            field=first.field,
            rule=first.rule,
            next_step=f"Begin with {first.file}.",
        )


def _asked_for(pack: str | None) -> tuple[Path, list[str]]:
    """Packs folder and names; no names for all of them."""
    if pack is None:
        return _packs_dir(), []
    path = Path(pack).expanduser()
    if path.name != pack:
        whole = path.resolve()
        if not (whole / "pack.yaml").is_file():
            raise NotFoundError(
                f"{whole} is no pack: it holds no pack.yaml.",
                field="pack",
                next_step="Give the folder that holds pack.yaml, or the name of a pack.",
            )
        return whole.parent, [whole.name]
    return _packs_dir(), [pack]


def _packs_dir() -> Path:
    from aurora.settings import load_settings

    return load_settings(os.environ).packs_dir


def _row(folder: Path, name: str) -> dict[str, object]:
    from aurora.packs import load_pack

    try:
        pack = load_pack(folder, name)
    except DataError as fault:
        return {"pack": name, "state": "in trouble", "trouble": fault.message}
    return {
        "pack": name,
        "title": pack.title,
        "version": pack.version,
        "assistants": len(pack.assistants),
        "task_types": len(pack.task_types),
        "llms": len(pack.llms),
        "rules": len(pack.rules),
        "workflows": len(pack.workflows),
        "state": "loads",
    }


def _tables(pack: Pack) -> Sequence[tuple[list[dict[str, Any]], tuple[str, ...]]]:
    fleet = [
        {
            "assistant": one.assistant_id,
            "role": one.role,
            "priority": one.priority,
            "control_level": one.control_level,
            "backup": one.backup_assistant_id,
            "depends_on": ", ".join(one.depends_on) or None,
            "skills": ", ".join(one.skills),
            "is_sample": one.is_sample,
        }
        for one in pack.assistants
    ]
    workflows = [
        {"workflow": one.workflow_id, "version": one.version, "steps": len(one.steps), "meaning": one.meaning}
        for one in pack.workflows
    ]
    benchmarks = [
        {"benchmark": name, "value": one.value, "unit": one.unit, "basis": one.basis, "source": one.source}
        for name, one in pack.benchmarks.items()
    ]
    return [
        (fleet, ("assistant", "role", "priority", "control_level", "backup", "depends_on", "skills", "is_sample")),
        (workflows, ("workflow", "version", "steps", "meaning")),
        (benchmarks, ("benchmark", "value", "unit", "basis", "source")),
    ]


def _print_faults(found: dict[str, list[PackError]]) -> None:
    for name, faults in found.items():
        print_line(f"{name}: {'no fault' if not faults else f'{len(faults)} to mend'}")
        for one in faults:
            print_line(f"  {one.message}")
            print_line(f"    file: {one.file}")
            print_line(f"    field: {one.field}, rule: {one.rule}")
            print_line(f"    next: {one.next_step}")


def _fault(fault: PackError) -> dict[str, object]:
    return {
        "file": fault.file,
        "field": fault.field,
        "rule": fault.rule,
        "message": fault.message,
        "next_step": fault.next_step,
    }
