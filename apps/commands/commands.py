"""Commands to assistants on the command line: send, look, put back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.commands.assistants import DryRun, Name, Why, checked_reason, opened
from apps.render import Json, Tenant, note, print_json, print_line, print_record, print_table
from aurora.errors import DataError

if TYPE_CHECKING:
    from aurora.assistants.commands import Fleet
    from aurora.store.state import StateStore
    from contracts.messages.commands import Command, CommandRequest

Wait = Annotated[float, typer.Option(help="Seconds to wait for what comes of it.")]
_LOOK_S = 0.1


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Commands to assistants, and what came of them.", no_args_is_help=True)
    room.command()(send)
    room.command()(show)
    room.command("list")(list_commands)
    room.command()(rollback)
    app.add_typer(room, name="command")


def send(
    assistant: Name,
    kind: Annotated[
        str,
        typer.Argument(
            help="ping, notify, run_task, cancel_task, sync, hold, release, pause, resume, tune or set_threshold."
        ),
    ],
    arguments: Annotated[
        str, typer.Argument(help='Its arguments as JSON, such as {"parameter": "temperature", "value": 0.5}.')
    ] = "{}",
    *,
    deadline: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds after which it expires.")] = 300,
    task: Annotated[str | None, typer.Option(help="The task that it is about.")] = None,
    case: Annotated[str | None, typer.Option(help="The case that it is about.")] = None,
    wait: Wait = 10.0,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Command an assistant, as the owner. A running Aurora delivers it; until then it waits in the state.

    Exits with 4 when its control level forbids it; the refusal is recorded.
    """
    import msgspec

    from contracts.messages.commands import CommandRequest

    try:
        given = msgspec.json.decode(arguments)
        request = msgspec.convert(
            {"command_kind": kind, "arguments": given, "deadline_s": deadline, "task_id": task, "case_id": case},
            CommandRequest,
        )
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise DataError(
            f"The command does not fit: {error}.",
            field="arguments",
            next_step="`aurora command send --help` names the kinds; docs/reference/protocol.md their arguments.",
        ) from None
    with opened(tenant) as (_, _, store, fleet):
        command = _issue(store, fleet, assistant, request, dry_run=dry_run)
        command = command if dry_run else _awaited(store, command, wait)
    _print(command, json=json, dry_run=dry_run)


def rollback(
    command_id: Annotated[str, typer.Argument(help="A completed tune or set_threshold command.")],
    *,
    reason: Why,
    wait: Wait = 10.0,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Put a tuned parameter or threshold back to what it was before that command."""
    from aurora.assistants.commands import rollback_of

    checked_reason(reason)
    with opened(tenant) as (_, _, store, fleet):
        assistant, request = rollback_of(store, command_id)
        command = _issue(store, fleet, assistant, request, dry_run=dry_run, rolls_back=command_id)
        command = command if dry_run else _awaited(store, command, wait)
    _print(command, json=json, dry_run=dry_run)


def show(
    command_id: Annotated[str, typer.Argument(help="Id of the command.")],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """A command as it stands."""
    from aurora.assistants.commands import find_command

    with opened(tenant) as (_, _, store, _):
        command = find_command(store, command_id)
    _print(command, json=json, dry_run=False)


def list_commands(
    *,
    assistant: Annotated[str | None, typer.Option(help="Of one assistant alone.")] = None,
    state: Annotated[str | None, typer.Option(help="issued, accepted, completed, failed, refused or expired.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 20,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """The newest commands, refused ones too."""
    from aurora.assistants.commands import list_commands as listed

    with opened(tenant) as (_, _, store, _):
        page = listed(store, assistant_id=assistant, command_state=state, cursor=None, limit=limit)
    rows = [_facts(one) for one in page.commands]
    if json:
        print_json(rows)
    else:
        print_table(
            rows, ("command_id", "assistant_id", "command_kind", "command_state", "actor_id", "issued_at", "error")
        )


def _issue(
    store: StateStore,
    fleet: Fleet,
    assistant: str,
    request: CommandRequest,
    *,
    dry_run: bool,
    rolls_back: str | None = None,
) -> Command:
    """Issue it; raises why it was refused, once that is recorded."""
    from apps.bootstrap import OWNER
    from aurora.assistants.commands import issue

    made = issue(request, fleet, assistant_id=assistant, actor_id=OWNER, rolls_back=rolls_back)
    if not dry_run:
        store.append(made.records, statements=made.statements).result()
    if made.refusal is not None:
        raise made.refusal
    return made.command


def _awaited(store: StateStore, command: Command, seconds: float) -> Command:
    """The command once it is closed, or as it stands after that time."""
    from aurora.assistants.commands import find_command
    from aurora.assistants.lifecycle import CLOSED

    ends_at = time.monotonic() + seconds
    while command.command_state not in CLOSED and time.monotonic() < ends_at:
        time.sleep(_LOOK_S)
        command = find_command(store, command.command_id)
    return command


def _print(command: Command, *, json: bool, dry_run: bool) -> None:
    facts = _facts(command)
    if json:
        print_json({**facts, "dry_run": dry_run})
        return
    if dry_run:
        print_line("It would be issued:")
    left_out = ("allowed_command_kinds", "is_sample")
    print_record({name: value for name, value in facts.items() if value not in (None, {}) and name not in left_out})
    if command.command_state == "issued" and not dry_run:
        note("It is on its way: Aurora delivers it until its deadline, once it serves and the assistant answers.")


def _facts(command: Command) -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(command, builtin_types=(float,))
    return facts
