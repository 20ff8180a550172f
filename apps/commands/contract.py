"""The master schema registry: list contracts, show one, write dbt's sources from them."""

from __future__ import annotations

from typing import Annotated

import typer

from apps.commands import contract_changes
from apps.render import Json, print_json, print_line, print_table
from aurora.errors import NotFoundError


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="The master schema registry.", no_args_is_help=True)
    room.command("list")(list_contracts)
    room.command()(show)
    room.command()(sync)
    contract_changes.register(room)
    app.add_typer(room, name="contract")


def list_contracts(*, json: Json = False) -> None:
    """Every contract with its grain, key and version."""
    from contracts import registry

    rows = [
        {
            "contract": declared.name,
            "grain": declared.grain,
            "key": ", ".join(declared.key),
            "columns": len(declared.columns),
            "version": declared.version,
            "owner": declared.owner,
        }
        for declared in registry.tables().values()
    ]
    if json:
        print_json(rows)
    else:
        print_table(rows, ("contract", "grain", "key", "columns", "version", "owner"))


def show(
    name: Annotated[str, typer.Argument(help="Name of the contract, such as usage.")], *, json: Json = False
) -> None:
    """One contract: each column with type, unit, meaning and privacy class; with --json its JSON Schema."""
    from contracts import registry

    try:
        declared = registry.table(name)
    except registry.UnknownTableError as error:
        raise NotFoundError(
            str(error.args[0]), field="contract", next_step="`aurora contract list` shows them with their grain."
        ) from None
    if json:
        print_json(registry.json_schema(declared))
        return
    print_line(f"{declared.name} {declared.version}: {declared.meaning}")
    print_line(f"Grain: {declared.grain}. Key: {', '.join(declared.key)}. Owner: {declared.owner}.")
    rows = [
        {
            "column": field.name,
            "type": field.type,
            "unit": field.unit,
            "required": declared.is_required(field.name),
            "privacy": field.privacy,
            "meaning": field.meaning,
        }
        for field in declared.fields
    ]
    print_table(rows, ("column", "type", "unit", "required", "privacy", "meaning"))


def sync() -> None:
    """Write dbt's source declaration from the contracts."""
    import subprocess
    import sys

    from aurora.settings import PROJECT_DIR

    done = subprocess.run([sys.executable, "-m", "orchestration", "sync-sources"], cwd=PROJECT_DIR, check=False)
    raise typer.Exit(done.returncode)
