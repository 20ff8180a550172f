"""FOCUS: hand AI usage to whoever looks after cloud costs, and check files that come from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import DataError, UsageError

_GRAINS = ("day", "conversation")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Charges in the FinOps Open Cost and Usage Specification (FOCUS).", no_args_is_help=True)
    room.command()(export)
    room.command()(check)
    app.add_typer(room, name="focus")


def export(
    *,
    out: Annotated[Path, typer.Option("--out", help="File to write; it ends in .csv or .parquet.")],
    spec: Annotated[str, typer.Option("--spec", help="Version of FOCUS.")] = "1.2",
    month: Annotated[str | None, typer.Option("--month", help="Only this month, as 2026-09.")] = None,
    grain: Annotated[
        str, typer.Option("--grain", help="day, or conversation to tell conversations and decisions apart.")
    ] = "day",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Write the tenant's AI usage as charges: a row a day, assistant, language model and kind of token.

    The file is checked before it gets its name. Usage that nobody can price is left out, and said so.
    """
    from aurora.gateway.focus_export import Grain, export_focus
    from aurora.store.lake import read_lake

    if grain not in _GRAINS:
        raise UsageError(
            f"There is no grain {grain!r}.", field="--grain", next_step=f"Use one of {', '.join(_GRAINS)}."
        )
    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        done = export_focus(lake, out, tenant=paths.tenant, month=month, grain=cast("Grain", grain), spec=spec)
    if json:
        print_json(
            {
                "file": str(done.file),
                "spec": done.spec,
                "charges": done.charge_count,
                "operations": done.operation_count,
                "billed_cost_usd": f"{done.billed_cost_usd:f}",
                "unpriced_operations": done.unpriced_operation_count,
                "unpriced_tokens": done.unpriced_token_count,
            }
        )
        return
    print_line(
        f"{done.file}: {done.charge_count:,} charges of {done.operation_count:,} operations, "
        f"{done.billed_cost_usd:,.2f} USD, FOCUS {done.spec}: checked"
    )
    if done.unpriced_operation_count:
        note(
            f"{done.unpriced_operation_count:,} operations with {done.unpriced_token_count:,} tokens have no price and "
            "are not in the file: add their language models to aurora/gateway/price_overrides.yaml."
        )


def check(file: Annotated[Path, typer.Argument(help="A FOCUS file, CSV or Parquet.")], *, json: Json = False) -> None:
    """Check a file against FOCUS 1.2: columns, types, nulls, allowed values, arithmetic, periods. Exits with 3 when it fails."""
    from aurora.gateway.focus_check import check_file

    found = check_file(file)
    rows = [
        {
            "rule": one.rule,
            "column": one.column,
            "rows": one.row_count,
            "example": one.example or "",
            "reason": one.reason,
        }
        for one in found
    ]
    if json:
        print_json({"file": str(file), "conforms": not found, "findings": rows})
    elif rows:
        print_table(rows, ("rule", "column", "rows", "example", "reason"))
    if not found:
        if not json:
            print_line(f"{file}: conforms to FOCUS 1.2")
        return
    raise DataError(
        f"{file.name} breaks FOCUS 1.2 in {len(found)} ways, first: {found[0].column}: {found[0].reason}",
        field=found[0].column,
        rule=found[0].rule,
        next_step="Correct it where it is written; --json lists every finding.",
    )
