"""Benches: figures with their bars, as JSON."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Annotated

import typer

from apps.render import Json, print_json, print_line, print_table
from aurora.errors import AuroraError, NotFoundError


class BarMissedError(AuroraError):
    """A bench ran and a figure is worse than its bar."""

    code = "bar-missed"


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(bench)


def bench(
    name: Annotated[str, typer.Argument(help="Which bench; `list` names them.")] = "list",
    *,
    data: Annotated[Path | None, typer.Option(help="Folder of data to measure on, where the bench takes one.")] = None,
    scale: Annotated[float, typer.Option(help="Share of the full size, for a quick look.")] = 1.0,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when a bar is missed.")] = False,
    json: Json = False,
) -> None:
    """Run a bench: figures with their bars."""
    import benchmarks

    modules = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.ispkg]
    names = sorted(filter(_is_bench, modules))
    if name == "list":
        print_json(names) if json else print_line("\n".join(names))
        return
    if name not in names:
        raise NotFoundError(f"No bench named {name!r}.", field="name", next_step=f"There are: {', '.join(names)}.")
    from benchmarks.harness import report

    results = importlib.import_module(f"benchmarks.{name}").run(data=data, scale=scale)
    document = report(name, results)
    if json:
        print_json(document)
    else:
        print_table(document["results"], ("metric", "value", "unit", "op", "bar", "ok"))
    missed = [result.metric for result in results if result.is_ok is False]
    if check and missed:
        raise BarMissedError(
            f"Bars missed: {', '.join(missed)}.", next_step="Compare with docs/reference/benchmarks.md."
        )


def _is_bench(name: str) -> bool:
    source = (Path(__file__).resolve().parents[2] / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    return "\ndef run(" in source
