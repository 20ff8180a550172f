"""How the command line speaks: a table for people, stable JSON with `--json`, errors with the next step.

Progress goes to standard error and only to a terminal; standard output holds the answer alone.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from aurora.errors import AuroraError

_PIPE_WIDTH = 10_000
Json = Annotated[bool, typer.Option("--json", help="Print JSON: stable, no colour, no progress.")]
Tenant = Annotated[str | None, typer.Option("--tenant", "-t", help="Tenant to work in; AURORA_TENANT when absent.")]


def print_json(value: object) -> None:
    """One JSON document on standard output. Times are RFC 3339, decimals strings."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def _plain(value: object) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"No JSON form for {type(value).__name__}.")


def print_line(text: str = "") -> None:
    """One line of the answer."""
    typer.echo(text)


def note(text: str) -> None:
    """One line about what is going on: standard error, never part of the answer."""
    typer.echo(text, err=True)


def print_table(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Rows as a table that fits the terminal; when piped, one line a row with nothing cut off."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=position == 0)
    for row in rows:
        table.add_row(*[_cell(row.get(column)) for column in columns])
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False).print(table)


def print_record(record: Mapping[str, object]) -> None:
    """One thing with many facts: a fact a line."""
    width = max(map(len, record), default=0)
    for name, value in record.items():
        print_line(f"{name.replace('_', ' '):<{width}}  {_cell(value)}")


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}"
        case Decimal():
            return f"{value:,.9f}".rstrip("0").rstrip(".")
        case dt.datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case _:
            return str(value)


def print_error(error: AuroraError, *, as_json: bool) -> None:
    """What failed, why, and the one next step, on standard error."""
    if as_json:
        problem = {
            "error": error.code,
            "message": error.message,
            "field": error.field,
            "rule": error.rule,
            "next_step": error.next_step,
        }
        sys.stderr.write(json.dumps(problem, ensure_ascii=False) + "\n")
        return
    typer.secho(f"Error: {error.message}", fg="red", err=True)
    if error.field:
        rule = f", rule: {error.rule}" if error.rule else ""
        typer.echo(f"  field: {error.field}{rule}", err=True)
    typer.echo(f"  next:  {error.next_step}", err=True)
