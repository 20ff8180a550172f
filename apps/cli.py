"""`aurora`: the command line. A frame: each room's commands stand in `apps/commands/<room>.py`.

Only light modules are imported here, so that `aurora --help` answers at once; a command imports what
it needs when it runs. Exit codes: 0 ok, 1 failure, 2 usage, 3 data, 4 compliance, 5 not found,
6 not ready, 130 interrupted.
"""

from __future__ import annotations

import sys

import typer

from apps.commands import (
    alerts,
    assistants,
    benches,
    capacity,
    chaos,
    commands,
    conflicts,
    contract,
    decisions,
    filings,
    focus,
    golden,
    keys,
    kpis,
    lake,
    machine,
    packs,
    policies,
    privacy,
    process,
    pull,
    quality,
    quarantine,
    report,
    rules,
    serve,
    twin,
)
from apps.render import print_error
from aurora.errors import AuroraError

app = typer.Typer(
    name="aurora",
    help="The lakehouse and decision engine of a fleet of AI assistants.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: no rich, half the time
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _room in (
    serve,
    lake,
    pull,
    quality,
    quarantine,
    privacy,
    decisions,
    capacity,
    conflicts,
    policies,
    golden,
    focus,
    contract,
    packs,
    rules,
    kpis,
    alerts,
    filings,
    report,
    process,
    assistants,
    commands,
    keys,
    machine,
    benches,
    twin,
    chaos,
):
    _room.register(app)


def main() -> None:
    """Run one command; an `AuroraError` becomes a message with the next step and its exit code."""
    as_json = "--json" in sys.argv
    try:
        app()
    except AuroraError as error:
        print_error(error, as_json=as_json)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
