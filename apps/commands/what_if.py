"""What another policy would have done: a replay over the decisions that were made, with what it changes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from apps.render import Json, Tenant, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import UsageError

if TYPE_CHECKING:
    from contracts.messages.decisions import DecisionKind


def register_on(decision: typer.Typer) -> None:
    """Add this to the group of decisions."""
    decision.command("what-if")(what_if)


def what_if(
    *,
    kind: Annotated[str, typer.Option(help="Kind of decision, such as route_task.")],
    policy: Annotated[str | None, typer.Option(help="Policy to try; the kind's own when absent.")] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the policy; repeatable.")
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option(min=0, max=0.5, help="Share of decisions spent on exploring.")
    ] = None,
    min_confidence: Annotated[float | None, typer.Option(min=0, max=1, help="Below it a person decides.")] = None,
    bundle: Annotated[
        str | None, typer.Option(help="Bundle of route_llm: its hash, or champion, challenger, previous.")
    ] = None,
    since: Annotated[dt.datetime | None, typer.Option(help="Decisions made after this, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many decisions at most, the newest.")] = 5000,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Replay another policy over the decisions that were made.

    How often it would have chosen otherwise, and what that changes in success, cost, latency and confidence, each with
    its 95 % interval. Nothing is changed by it. What the log cannot show is refused by name.
    """
    from apps.bootstrap import utc_now
    from contracts.vocabulary import DECISION_KINDS
    from ml.what_if.history import what_if as replayed
    from ml.what_if.proposal import Asked

    if kind not in DECISION_KINDS:
        raise UsageError(
            f"There is no kind {kind[:64]!r}.",
            field="kind",
            rule="one_of",
            next_step=f"Use {', '.join(DECISION_KINDS)}.",
        )
    settings, paths = open_paths(tenant)
    asked = Asked(
        kind=cast("DecisionKind", kind),
        policy_id=policy,
        parameters=dict(map(_parameter, parameters or [])),
        epsilon=epsilon,
        min_confidence=min_confidence,
        bundle=bundle,
    )
    begin = None if since is None else since.replace(tzinfo=since.tzinfo or dt.UTC)
    found = replayed(asked, paths, settings, now=utc_now(), since=begin, limit=limit).as_dict()
    if json:
        print_json(found)
    else:
        _tell(found)


def _parameter(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise UsageError(
            f"{text[:64]!r} sets no parameter.", field="set", next_step="Write --set cost_weight=0.3."
        ) from None


_SHIFTS = (
    ("otherwise", "chosen otherwise"),
    ("left_to_person", "left to a person"),
    ("success", "success, by outcomes"),
    ("expected_success", "success, as expected"),
    ("confidence", "confidence"),
    ("cost_usd", "cost a decision, USD"),
    ("latency_ms", "latency, ms"),
)


def _tell(found: dict[str, Any]) -> None:
    tried = found["proposal"]
    print_line(f"{tried['policy_id']} on {found['count']} decisions of {tried['kind']} since {found['since'][:16]}.")
    rows = [{"what": told, **found[name]} for name, told in _SHIFTS if found[name] is not None]
    print_table(rows, ("what", "before", "after", "change", "low", "high", "count"))
    print_line(f"Expected cost changes by {found['cost_change_usd']:+.6f} USD over these decisions.")
    print_line(f"It would have taken what a rule forbade {found['violation_count']} times.")
    for refusal in found["refusals"]:
        print_line(f"Not told, {refusal['of']} ({refusal['rule']}): {refusal['reason']}")
    for why, count in found["left_out"].items():
        print_line(f"Left out: {count} decisions, {why}.")
    if found["fallback_count"]:
        print_line(f"{found['fallback_count']} decisions were made by the kind's fallback: no bundle stood then.")
