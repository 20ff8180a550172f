"""The fleet on the command line: how each assistant is, where it is reached, and the switch that turns it off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.commands.assistant_test import conformance
from apps.render import Json, Tenant, note, print_json, print_line, print_record, print_table
from apps.session import open_paths
from aurora.errors import UsageError

if TYPE_CHECKING:
    from aurora.assistants.commands import Fleet
    from aurora.settings import Settings
    from aurora.store.paths import TenantPaths
    from aurora.store.state import StateStore
    from contracts.messages.commands import LiveAssistant

Name = Annotated[str, typer.Argument(metavar="ASSISTANT", help="Its id, as `aurora assistant list` names it.")]
Why = Annotated[str, typer.Option(help="Why. It is kept in the audit log.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Assistants: how they are, where they are reached, the kill switch.", no_args_is_help=True)
    room.command("list")(list_assistants)
    for command in (show, connect, disconnect, disable, enable):
        room.command()(command)
    room.command("test")(conformance)
    app.add_typer(room, name="assistant")


@contextmanager
def opened(tenant: str | None) -> Iterator[tuple[Settings, TenantPaths, StateStore, Fleet]]:
    """Settings, paths, the open state, and what commands are judged by."""
    from apps.bootstrap import utc_now
    from aurora.store.state import StateStore

    settings, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        yield settings, paths, store, desk_of(settings, paths, store)


def desk_of(settings: Settings, paths: TenantPaths, store: StateStore) -> Fleet:
    """What commands are judged by, as pack and state are now."""
    from apps.bootstrap import utc_now
    from aurora.assistants.commands import Fleet
    from aurora.assistants.live import read_live
    from aurora.handoffs.sharing import load_sharing
    from aurora.packs.loading import load_pack

    pack = load_pack(settings.packs_dir, settings.pack)
    return Fleet(
        tenant=paths.tenant,
        region=paths.region,
        pack=pack,
        sharing=load_sharing(settings.packs_dir, pack),
        state=store,
        live=read_live(paths, now=utc_now()),
        callback_base=settings.callback_base,
        clock=utc_now,
    )


def list_assistants(*, tenant: Tenant = None, json: Json = False) -> None:
    """The fleet as it is now: states, load, performance. While no Aurora serves, the pack's word and the switch."""
    with opened(tenant) as (_, _, store, fleet):
        rows = [_row(one, fleet) for one in live_fleet(store, fleet)]
        is_polled = fleet.live is not None
    if json:
        print_json(rows)
        return
    print_table(rows, ("assistant", "state", "performance", "ping_ms", "open", "capacity", "control", "reason"))
    if not is_polled:
        note("Nobody polls the assistants now: start Aurora (`make run` or `aurora up`).")


def live_fleet(store: StateStore, fleet: Fleet) -> list[LiveAssistant]:
    """Each assistant as it is now, the kill switch read from the state."""
    from aurora.assistants.endpoints import connected
    from aurora.assistants.health import Watch
    from aurora.store.fleet import switches

    off = {row.assistant_id: row for row in switches(store)}
    endpoints = connected(store)
    seen = {one.assistant_id: one for one in fleet.live.assistants} if fleet.live is not None else {}
    found = []
    for assistant in fleet.pack.assistants:
        name = assistant.assistant_id
        watch = Watch(assistant)
        if name in off:
            watch.switch(off[name].reason, fleet.clock())
        is_known = name in seen and (seen[name].assistant_state == "disabled") == (name in off)
        found.append(seen[name] if is_known else watch.live(is_connected=name in endpoints))
    return found


def _row(one: LiveAssistant, fleet: Fleet) -> dict[str, Any]:
    assistant = fleet.assistant(one.assistant_id)
    return {
        "assistant": one.assistant_id,
        "name": assistant.assistant_name,
        "role": assistant.role,
        "state": one.assistant_state,
        "is_connected": one.is_connected,
        "is_paused": one.is_paused,
        "is_simulated": one.is_simulated,
        "performance": one.performance_score,
        "ping_ms": one.ping_ms,
        "last_ping": one.last_ping,
        "open": one.open_task_count,
        "capacity": assistant.capacity_count,
        "control": assistant.control_level,
        "backup": assistant.backup_assistant_id,
        "reason": one.reason,
    }


def show(assistant: Name, *, tenant: Tenant = None, json: Json = False) -> None:
    """One assistant: its state and why, its endpoint, what it depends on, what of it may be tuned."""
    import msgspec

    from aurora.assistants.endpoints import connected
    from aurora.assistants.health import PERFORMANCE_FORMULA

    with opened(tenant) as (_, _, store, fleet):
        declared = fleet.assistant(assistant)
        live = next(one for one in live_fleet(store, fleet) if one.assistant_id == assistant)
        endpoint = connected(store).get(assistant)
    facts: dict[str, Any] = msgspec.to_builtins(live, builtin_types=(float,))
    if json:
        print_json(
            {
                "declared": msgspec.to_builtins(declared),
                "live": facts,
                "endpoint": None if endpoint is None else msgspec.to_builtins(endpoint),
                "performance_formula": PERFORMANCE_FORMULA,
            }
        )
        return
    print_line(f"{declared.assistant_name}: {declared.role}{' (simulated)' if live.is_simulated else ''}")
    latency, values = facts.pop("latency") or {}, facts.pop("parameters")
    thresholds = facts.pop("thresholds")
    print_record(
        {
            **facts,
            **latency,
            "address": None if endpoint is None else endpoint.base_url,
            "control_level": declared.control_level,
            "depends_on": ", ".join(declared.depends_on) or None,
            "backup": declared.backup_assistant_id,
            **thresholds,
        }
    )
    tunable = [
        {"parameter": name, "value": values.get(name, one.value), "from": one.minimum, "to": one.maximum,
         "max_step": one.max_step, "meaning": one.meaning}
        for name, one in declared.parameters.items()
    ]  # fmt: skip
    if tunable:
        print_line()
        print_table(tunable, ("parameter", "value", "from", "to", "max_step", "meaning"))


def connect(
    assistant: Name,
    url: Annotated[str, typer.Argument(help="What stands before /api/ASSISTANT/status; this machine is allowed.")],
    *,
    secret: Annotated[
        str | None, typer.Option(help="Where its bearer token is: env:ASSISTANT_<NAME> or file:<name>.")
    ] = None,
    dry_run: DryRun = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Tell Aurora where an assistant is reached. A running Aurora polls it within a second."""
    import msgspec

    from apps.bootstrap import OWNER, utc_now
    from aurora.assistants.endpoints import connect as connected
    from contracts.messages.commands import EndpointRequest

    with opened(tenant) as (settings, _, store, fleet):
        fleet.assistant(assistant)
        endpoint, (record, statements) = connected(
            EndpointRequest(base_url=url, secret=secret),
            settings,
            assistant_id=assistant,
            actor_id=OWNER,
            is_local=True,
            now=utc_now(),
        )
        if not dry_run:
            store.append([record], statements=statements).result()
    if json:
        print_json({**msgspec.to_builtins(endpoint), "dry_run": dry_run})
    else:
        print_line(f"{'Would connect' if dry_run else 'Connected'} {assistant} at {endpoint.base_url}.")


def disconnect(assistant: Name, *, dry_run: DryRun = False, tenant: Tenant = None, json: Json = False) -> None:
    """Forget where an assistant is: it is polled no more and takes no commands."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.assistants.endpoints import disconnect as disconnected

    with opened(tenant) as (_, _, store, _):
        record, statements = disconnected(store, assistant, actor_id=OWNER, now=utc_now())
        if not dry_run:
            store.append([record], statements=statements).result()
    if json:
        print_json({"assistant_id": assistant, "dry_run": dry_run})
    else:
        print_line(f"{'Would disconnect' if dry_run else 'Disconnected'} {assistant}.")


def disable(
    assistant: Name, *, reason: Why, dry_run: DryRun = False, tenant: Tenant = None, json: Json = False
) -> None:
    """The kill switch: no decision chooses the assistant and no command reaches it until it is enabled."""
    _switch(assistant, reason, is_off=True, dry_run=dry_run, tenant=tenant, json=json)


def enable(assistant: Name, *, reason: Why, dry_run: DryRun = False, tenant: Tenant = None, json: Json = False) -> None:
    """Switch an assistant on again."""
    _switch(assistant, reason, is_off=False, dry_run=dry_run, tenant=tenant, json=json)


def _switch(assistant: str, reason: str, *, is_off: bool, dry_run: bool, tenant: str | None, json: bool) -> None:
    import msgspec

    from apps.bootstrap import OWNER, utc_now
    from aurora.assistants.switch import switch_off, switch_on

    act = switch_off if is_off else switch_on
    with opened(tenant) as (_, _, store, fleet):
        fleet.assistant(assistant)
        made = act(store, assistant, reason=checked_reason(reason), actor_id=OWNER, now=utc_now())
        if not dry_run:
            store.append(made.records, statements=made.statements).result()
    if json:
        print_json({**msgspec.to_builtins(made.switch), "dry_run": dry_run})
        return
    print_line(f"{'Would be' if dry_run else 'Is'} {'off' if is_off else 'on'}: {assistant}.")
    if made.switch.refused_count:
        note(f"{made.switch.refused_count} commands that waited for it are refused.")


def checked_reason(reason: str) -> str:
    """A reason that says something."""
    if not 3 <= len(reason.strip()) <= 2000:
        raise UsageError(
            "The reason says nothing.", field="reason", next_step="Say why in at least three letters; it is kept."
        )
    return reason.strip()
