"""Policy bundles: what learned, what is tried, what decides, and the way back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths

Reason = Annotated[str, typer.Option("--because", help="Why; it stands in the audit log.")]
_STEPS = ("happened_at", "step", "bundle_hash", "actor_id", "reasons")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Policies that learn: champion, challenger, evidence.", no_args_is_help=True)
    room.callback()(_room)
    for command in (status, learn, promote, rollback):
        room.command()(command)
    app.add_typer(room, name="policy")


def _room() -> None:
    """Policies that learn: champion, challenger, evidence."""


def status(*, tenant: Tenant = None, json: Json = False) -> None:
    """Which bundle routes language models, which is tried beside it, and the steps that led there."""
    import msgspec

    from aurora.decisions.bundles import named_folder
    from aurora.store.journal import StateReader
    from ml.learning.loop import KIND, ROLES
    from ml.learning.steps import read_steps

    _, paths = open_paths(tenant)
    with StateReader(paths) as state:
        steps = msgspec.to_builtins(read_steps(state))
    bundles = {role: named_folder(paths.serving, KIND, role) for role in ROLES}
    names = {role: None if folder is None else folder.name for role, folder in bundles.items()}
    if json:
        print_json({"kind": KIND, "bundles": names, "steps": steps})
        return
    for role, name in names.items():
        print_line(f"{role}: {name or 'none'}")
    print_table([{**one, "reasons": "; ".join(one["reasons"])} for one in steps], _STEPS)


def learn(*, tenant: Tenant = None, json: Json = False) -> None:
    """Take the next step of the learning loop, if the evidence allows one.

    Learns a challenger from matured outcomes and overrides, judges one that is tried, or goes back from a champion that
    does not keep what it promised. Builds do the same.
    """
    from apps.bootstrap import utc_now
    from aurora.store.state import StateStore
    from ml.learning.loop import KIND, run
    from ml.learning.steps import step_of

    settings, paths = open_paths(tenant)
    report = run(paths, settings, clock=utc_now)
    record = step_of(report, kind=KIND, now=utc_now())
    if record is not None:
        with StateStore.open(paths, clock=utc_now) as store:
            store.append([record]).result()
    _tell(
        {"outcome": report.outcome, "reasons": list(report.reasons), "bundle_hash": report.bundle_hash,
         "evidence": dict(report.evidence)},
        json=json,
    )  # fmt: skip


def promote(*, because: Reason, tenant: Tenant = None, json: Json = False) -> None:
    """Let the challenger decide by your word, whatever the gate says. `aurora policy rollback` is the way back."""
    from ml.learning.loop import promote as promoted

    _by_person("promoted", promoted, because, tenant, json=json)


def rollback(*, because: Reason, tenant: Tenant = None, json: Json = False) -> None:
    """Go back to the champion before this one. A running Aurora follows within a second."""
    from ml.learning.loop import roll_back

    _by_person("rolled_back", roll_back, because, tenant, json=json)


def _by_person(step: Any, act: Any, because: str, tenant: str | None, *, json: bool) -> None:
    from apps.bootstrap import OWNER, utc_now
    from aurora.store.state import StateStore
    from ml.learning.loop import KIND
    from ml.learning.steps import step_by_person

    _, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        now_champion, before = act(paths)
        record = step_by_person(step, now_champion, before, kind=KIND, actor_id=OWNER, reason=because, now=utc_now())
        store.append([record]).result()
    _tell({"outcome": step, "bundle_hash": now_champion, "champion_before": before, "reasons": [because]}, json=json)


def _tell(found: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    print_line(f"{found['outcome']}: {'; '.join(found['reasons'])}")
    if found.get("bundle_hash"):
        print_line(f"bundle {found['bundle_hash'][:16]}")
