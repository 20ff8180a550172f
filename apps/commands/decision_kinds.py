"""Replay, modes and features of decisions: what was decided holds, how far it may act, what it was decided from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import DataError, UsageError

Reason = Annotated[str, typer.Option(help="Why. It is kept in the audit log.")]


def register_on(decision: typer.Typer, app: typer.Typer) -> None:
    """Add these to the group of decisions, and the group of features."""
    decision.command()(replay)
    decision.command()(modes)
    decision.command()(mode)
    decision.command()(stop)
    decision.command()(resume)
    features = typer.Typer(help="What routing knows of assistants.", no_args_is_help=True)
    features.command()(skew)
    app.add_typer(features, name="features")


def replay(
    decision_ids: Annotated[list[str] | None, typer.Argument(help="Ids; a random sample when none is given.")] = None,
    *,
    sample: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many random decisions.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 7,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Decide again from what was kept, and compare byte for byte.

    What differs is named: an input that was changed or is gone, other rules, an engine that decides otherwise. Exits
    with 3 then.
    """
    from aurora.decisions.replay import ReplayReport, replay_sample, replay_these

    settings, paths = open_paths(tenant)
    if decision_ids:
        report = ReplayReport()
        for one in replay_these(paths, settings, decision_ids):
            report.add(one)
    else:
        report = replay_sample(paths, settings, sample=sample, seed=seed)
    told = report.as_dict()
    if json:
        print_json(told)
    else:
        print_line(f"{told['replayed_count']} decisions replayed: {report.counts['equal']} equal.")
        print_table([_plain(one) for one in report.drifted], ("decision_id", "kind", "verdict", "reason"))
    if not report.is_equal:
        first = report.drifted[0]
        raise DataError(
            f"{report.counts.total() - report.counts['equal']} decisions do not replay: {first.verdict}, {first.reason}",
            field=first.decision_id,
            rule=first.verdict,
            next_step="`aurora decision show` and the reason say where to look; `aurora audit verify` proves the receipts.",
        )


def _plain(one: Any) -> dict[str, object]:
    return {"decision_id": one.decision_id, "kind": one.kind, "verdict": one.verdict, "reason": one.reason}


def modes(*, tenant: Tenant = None, json: Json = False) -> None:
    """How far decisions may act: share of the work by kind and assistant, and policies in shadow."""
    from aurora.decisions.modes import modes_now
    from aurora.packs import load_pack
    from aurora.store.journal import StateReader

    settings, paths = open_paths(tenant)
    with StateReader(paths) as state:
        _tell(modes_now(load_pack(settings.packs_dir, settings.pack), state), json=json)


def mode(
    kind: Annotated[str, typer.Argument(help="Kind of decision, such as route_task.")],
    *,
    reason: Reason,
    act_share: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Share of the work that may be acted on.")
    ] = None,
    assistant: Annotated[str | None, typer.Option(help="Of this assistant alone.")] = None,
    shadow: Annotated[str | None, typer.Option(help="Policy to run beside it; `none` ends it.")] = None,
    canary: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of decisions that the policy beside it answers.")
    ] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Let more or less of a kind's work be acted on, or put a policy in shadow.

    A running Aurora goes by it within a second.
    """
    import msgspec

    from apps.bootstrap import OWNER, utc_now
    from aurora.decisions.modes import change_mode, modes_now, read_switches
    from aurora.packs import load_pack
    from aurora.store.state import StateStore
    from contracts.messages.modes import ModeRequest

    settings, paths = open_paths(tenant)
    given = {
        "kind": kind,
        "reason": reason,
        "assistant_id": assistant,
        "act_share": act_share,
        "shadow_policy": "" if shadow == "none" else shadow,
        "canary_share": canary,
    }
    try:
        request = msgspec.convert(given, ModeRequest)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The change does not fit: {error}.", field="kind", next_step="`aurora decision modes` shows the kinds."
        ) from None
    pack = load_pack(settings.packs_dir, settings.pack)
    with StateStore.open(paths, clock=utc_now) as store:
        _, record = change_mode(request, pack, read_switches(store), actor_id=OWNER, now=utc_now())
        store.append([record]).result()
        _tell(modes_now(pack, store), json=json)


def stop(*, reason: Reason, tenant: Tenant = None, json: Json = False) -> None:
    """The kill switch: from now on every decision advises, whatever was granted."""
    _switch(reason, tenant, is_stopped=True, json=json)


def resume(*, reason: Reason, tenant: Tenant = None, json: Json = False) -> None:
    """Decisions act again as far as was granted before."""
    _switch(reason, tenant, is_stopped=False, json=json)


def _switch(reason: str, tenant: str | None, *, is_stopped: bool, json: bool) -> None:
    from apps.bootstrap import OWNER, utc_now
    from aurora.decisions.modes import modes_now, read_switches, stop_acting
    from aurora.packs import load_pack
    from aurora.store.state import StateStore

    settings, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        _, record = stop_acting(
            read_switches(store), is_stopped=is_stopped, reason=reason, actor_id=OWNER, now=utc_now()
        )
        store.append([record]).result()
        _tell(modes_now(load_pack(settings.packs_dir, settings.pack), store), json=json)


def _tell(found: Any, *, json: bool) -> None:
    import msgspec

    plain = msgspec.to_builtins(found)
    if json:
        print_json(plain)
        return
    if found.is_stopped:
        print_line(f"STOPPED by {found.changed_by}: {found.reason} All decisions advise.")
    rows = [
        {**one, "assistant_shares": ", ".join(f"{name} {share:g}" for name, share in one["assistant_shares"].items())}
        for one in plain["kinds"]
    ]
    print_table(rows, ("kind", "policy", "act_share", "assistant_shares", "shadow_policy", "canary_share"))


def skew(
    *,
    keys: Annotated[int, typer.Option(min=1, max=10_000_000, help="Candidates of past decisions to look at.")] = 10_000,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Whether serving and training see the same features; 0 differing is the bar. Exits with 3 otherwise."""
    from aurora.decisions.skew import check_skew

    _, paths = open_paths(tenant)
    report = check_skew(paths, keys=keys)
    if json:
        print_json(report.as_dict())
    else:
        print_line(
            f"{report.published_count} published rows and {report.decided_count} candidates of decisions: "
            f"{report.differing_count} differ."
        )
        for example in report.examples:
            print_line(f"  {example}")
    if report.differing_count:
        raise DataError(
            f"{report.differing_count} features differ between serving and training: {report.examples[0]}",
            field="features",
            rule="skew",
            next_step="Publish again (`aurora build`); if it stays, somebody changed the lake or the served file.",
        )
