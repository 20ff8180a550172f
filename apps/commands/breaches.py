"""Breaches of personal data: what may be one, who must be told by when, and each step on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from apps.commands.rule_remedies import Actor, Because, opened
from apps.render import Json, Tenant, print_json, print_line, print_record, print_table

if TYPE_CHECKING:
    from aurora.compliance.breach_rules import BreachRules
    from aurora.store.state import StateStore
    from contracts.messages.compliance import BreachCase, BreachStep, BreachStepKind

BreachName = Annotated[str, typer.Argument(help="Id of a breach, such as brc-...")]
DoneAt = Annotated[dt.datetime | None, typer.Option("--at", help="When it was done, UTC; now when absent.")]
_COLUMNS = ("breach_id", "breach_state", "is_overdue", "next_due_at", "origin", "about_contract", "about_id", "jurisdiction", "next_step")  # fmt: skip
_DUTIES = ("title", "who", "is_due", "due_at", "done_at", "is_overdue", "source")
_STEPS = ("step", "done_at", "authority", "actor_id", "reference", "note")
_YES_NO = {"yes": True, "no": False, "unknown": None}
YesNo = Literal["yes", "no", "unknown"]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(
        help="Breaches of personal data: assess them, tell who must be told in time, close them.", no_args_is_help=True
    )
    room.command("list")(list_all)
    for command in (show, detect, assess, notify, close):
        room.command()(command)
    app.add_typer(room, name="breach")


def list_all(
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Breaches, those due first at the top."""
    from apps.bootstrap import utc_now
    from aurora.compliance.breaches import read_breaches

    with _opened(tenant) as (store, rules):
        cases = [one for one in read_breaches(store, rules, now=utc_now()) if every or one.breach_state != "closed"]
    rows = [msgspec.to_builtins(one) for one in cases]
    if json:
        print_json({"tenant": store.paths.tenant, "breaches": rows})
    elif rows:
        print_table(rows, _COLUMNS)
    else:
        print_line("No breach is open. `aurora breach detect` looks for them.")


def show(breach_id: BreachName, *, tenant: Tenant = None, json: Json = False) -> None:
    """One breach: what is known, who must be told by when under which law, and every step."""
    from apps.bootstrap import utc_now
    from aurora.compliance.breaches import find_breach

    with _opened(tenant) as (store, rules):
        case = find_breach(store, rules, breach_id, now=utc_now())
    _shown(case, json=json)


def detect(*, tenant: Tenant = None, json: Json = False) -> None:
    """Look for breaches in incidents, findings and refused rows. Each build does it too."""
    from apps.bootstrap import utc_now
    from aurora.compliance.breach_detection import detect_breaches
    from aurora.store.lake import create_lake

    with _opened(tenant) as (store, rules):
        create_lake(store.paths)
        done = detect_breaches(store.paths, store, rules, now=utc_now())
    if json:
        print_json({"tenant": store.paths.tenant, **done})
    else:
        print_line(f"{done['detected']} new breaches, {done['steps']} steps read off incidents.")


def assess(
    breach_id: BreachName,
    is_breach: Annotated[Literal["yes", "no"], typer.Option("--breach", help="Was it a breach of personal data?")],
    because: Because,
    *,
    risk: Annotated[YesNo, typer.Option(help="Is a risk to people likely?")] = "unknown",
    high_risk: Annotated[YesNo, typer.Option(help="Is the risk high?")] = "unknown",
    people: Annotated[int | None, typer.Option(min=0, help="People concerned, as far as known.")] = None,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Say what it was: who must be told follows from it. What is unknown is not taken for no."""
    facts = {
        "is_personal_breach": is_breach == "yes",
        "is_risk_likely": _YES_NO[risk],
        "is_high_risk": _YES_NO[high_risk],
        "affected_subject_count": people,
    }
    _take(tenant, _step("assessed", breach_id, because, actor, None, **facts), json=json)


def notify(
    breach_id: BreachName,
    because: Because,
    *,
    authority: Annotated[str | None, typer.Option(help="The authority that was told, such as ae_data_office.")] = None,
    subjects: Annotated[bool, typer.Option("--subjects", help="The people concerned were told.")] = False,
    at: DoneAt = None,
    reference: Annotated[str | None, typer.Option(help="Number or link of the notice.")] = None,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Record that an authority or the people were told. Aurora tells nobody by itself."""
    from aurora.errors import UsageError

    if subjects == (authority is not None):
        raise UsageError(
            "Say who was told.", field="authority", next_step="Give either --authority NAME or --subjects."
        )
    kind: BreachStepKind = "subjects_notified" if subjects else "authority_notified"
    _take(tenant, _step(kind, breach_id, because, actor, at, authority=authority, reference=reference), json=json)


def close(
    breach_id: BreachName,
    because: Because,
    *,
    actor: Actor = "cli",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Close a breach that was assessed and of which everybody was told who must be."""
    _take(tenant, _step("closed", breach_id, because, actor, None), json=json)


def _step(
    kind: BreachStepKind, breach_id: str, note: str, actor: str, at: dt.datetime | None, **facts: object
) -> BreachStep:
    from apps.bootstrap import utc_now
    from contracts.messages.compliance import BreachStep

    now = utc_now()
    done_at = now if at is None else at.replace(tzinfo=at.tzinfo or dt.UTC)
    told = {
        "breach_id": breach_id,
        "step": kind,
        "done_at": done_at,
        "note": note,
        "actor_id": actor,
        "recorded_at": now,
    }
    return msgspec.convert({**told, **facts}, BreachStep)


def _take(tenant: str | None, step: BreachStep, *, json: bool) -> None:
    from aurora.compliance.breach_detection import project_breaches
    from aurora.compliance.breaches import take_step

    with _opened(tenant) as (store, rules):
        case = take_step(store, rules, step)
        project_breaches(store.paths, store, rules, now=step.recorded_at)
    _shown(case, json=json)


def _shown(case: BreachCase, *, json: bool) -> None:
    told = msgspec.to_builtins(case)
    if json:
        print_json(told)
        return
    print_record({name: value for name, value in told.items() if name not in ("duties", "steps")})
    for name, columns in (("duties", _DUTIES), ("steps", _STEPS)):
        if told[name]:
            print_line()
            print_table(told[name], columns)


@contextmanager
def _opened(tenant: str | None) -> Iterator[tuple[StateStore, BreachRules]]:
    from aurora.compliance.breach_rules import breach_rules
    from aurora.compliance.rulebook import rules_folder
    from aurora.compliance.versions import tenant_rulebook

    with opened(tenant) as (settings, store):
        book = tenant_rulebook(settings.packs_dir, store.paths, settings.pack)
        yield store, breach_rules(rules_folder(settings.packs_dir), book)
