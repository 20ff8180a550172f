"""Golden records: look at one, explain it, join and part them, and see who disagrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_table
from apps.session import open_paths
from aurora.errors import UsageError

if TYPE_CHECKING:
    from aurora.entities.judgements import Speaker
    from aurora.entities.policy import GoldenPolicy
    from aurora.settings import Settings
    from aurora.store.lake import LakeReader
    from contracts.messages.entities import EntityDecision, RecordName

Kind = Annotated[str, typer.Argument(help="party or property.")]
Reason = Annotated[str, typer.Option(help="Why. It is kept with the decision.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(
        help="Golden records: one party or property, however many systems know it.", no_args_is_help=True
    )
    for command in (show, explain, merge, unmerge, conflicts):
        room.command()(command)
    app.add_typer(room, name="golden")


def show(
    kind: Kind,
    entity_id: Annotated[str | None, typer.Argument(help="Its id; those with most records when absent.")] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 20,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """One golden record: what it holds, from whom, and why its records are one."""
    from aurora.entities import golden
    from aurora.store.lake import read_lake

    settings, paths = open_paths(tenant)
    policy = _policy(settings, kind)
    with read_lake(paths) as lake:
        if entity_id is None:
            rows = golden.list_entities(lake, policy.entity_kind, limit=limit)
            print_json(rows) if json else print_table(
                rows, ("entity_id", "name", "record_count", "source_count", "conflict_count")
            )
            return
        facts = golden.show(paths, lake, policy.entity_kind, entity_id)
    if json:
        print_json(facts)
    else:
        _print_entity(facts)


def _print_entity(facts: dict[str, Any]) -> None:
    print_line(f"{facts['entity_id']}  {facts['entity_kind']}, {len(facts['records'])} records")
    if facts["asked_for"] != facts["entity_id"]:
        note(f"{facts['asked_for']} was merged into it.")
    values = [
        {**row, "value": row["value"], "survives": row["is_survivor"], "agrees": row["is_same"]}
        for row in facts["values"]
    ]
    print_table(values, ("column", "value", "source", "record_id", "survives", "agrees", "strategy"))
    for match in facts["matches"]:
        left, right = (f"{end['source']}:{end['record_id']}" for end in (match["left"], match["right"]))
        print_line(f"  {match['verdict']}: {left} and {right}, by {match['rule']} ({match['share']:.2f})")
    for said in facts["decisions"]:
        print_line(f"  {said['verdict']} by {said['actor_id']} at {said['occurred_at']}: {said['reason']}")
    for one in facts["open_conflicts"]:
        print_line(f"  {one['record']['source']} is asked to correct {one['column']} ({one['id']})")


def explain(
    kind: Kind,
    left: Annotated[str, typer.Argument(help="A record, as SOURCE:ID.")],
    right: Annotated[str, typer.Argument(help="Another record, as SOURCE:ID.")],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Why two records are one, or why they are not."""
    from aurora.entities import golden
    from aurora.store.lake import read_lake

    settings, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        facts = golden.explain(lake, _policy(settings, kind), _record(left), _record(right))
    if json:
        print_json(facts)
        return
    told = facts["evidence"]
    print_line(f"{facts['verdict']}, by {facts['rule']}; they are {'one' if facts['are_one'] else 'two'} today")
    print_line(f"  score {facts['share']:.4f}: from {facts['merge_at']} one, from {facts['review_at']} a person says")
    print_line(f"  agree: {', '.join(told['agree']) or '-'}; differ: {', '.join(told['differ']) or '-'}")
    print_line("  bits: " + ", ".join(f"{name} {bits:+.1f}" for name, bits in told["bits"].items()))


def merge(
    kind: Kind,
    entity_id: Annotated[str, typer.Argument(help="A golden record.")],
    other_entity_id: Annotated[str, typer.Argument(help="The golden record that it also is.")],
    *,
    reason: Reason,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Make two golden records one. What identifiers forbid stays forbidden."""
    from aurora.entities import golden
    from contracts.messages.entities import MergeRequest

    def said(lake: LakeReader, policy: GoldenPolicy, speaker: Speaker) -> EntityDecision:
        request = MergeRequest(other_entity_id=other_entity_id, reason=_checked(reason))
        return golden.decide_merge(lake, policy, entity_id, request, speaker=speaker)

    _decide(kind, said, tenant=tenant, json=json)


def unmerge(
    kind: Kind,
    entity_id: Annotated[str, typer.Argument(help="A golden record.")],
    records: Annotated[list[str] | None, typer.Argument(help="Records that leave it, as SOURCE:ID.")] = None,
    *,
    reason: Reason,
    other: Annotated[str | None, typer.Option(help="Or: a golden record that it looks like and is not.")] = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Part a golden record. Only a person can join them again."""
    from aurora.entities import golden
    from contracts.messages.entities import UnmergeRequest

    def said(lake: LakeReader, policy: GoldenPolicy, speaker: Speaker) -> EntityDecision:
        leaving = tuple(_record(one) for one in records or [])
        request = UnmergeRequest(records=leaving, other_entity_id=other, reason=_checked(reason))
        return golden.decide_unmerge(lake, policy, entity_id, request, speaker=speaker)

    _decide(kind, said, tenant=tenant, json=json)


def conflicts(*, tenant: Tenant = None, json: Json = False) -> None:
    """Systems that hold another value than the golden record, and what they were told."""
    from aurora.entities import golden

    _, paths = open_paths(tenant)
    rows = golden.open_conflicts(paths)
    if json:
        print_json(rows)
        return
    flat = [
        {**row, "record": f"{row['record']['source']}:{row['record']['record_id']}",
         "golden_from": f"{row['golden_from']['source']}:{row['golden_from']['record_id']}",
         "told_by": "command" if row["is_command"] else "alert"}
        for row in rows
    ]  # fmt: skip
    print_table(flat, ("id", "told_by", "assistant_id", "entity_id", "record", "column", "golden_from", "since"))


def _decide(
    kind: str,
    said: Callable[[LakeReader, GoldenPolicy, Speaker], EntityDecision],
    *,
    tenant: str | None,
    json: bool,
) -> None:
    """Record what the owner says, and match again at once; the marts follow with the next build."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.entities.judgements import Speaker, decision_record
    from aurora.entities.policy import load_policies
    from aurora.entities.resolve import resolve_entities
    from aurora.store.ids import IdMaker
    from aurora.store.lake import read_lake
    from aurora.store.state import StateStore

    settings, paths = open_paths(tenant)
    policy = _policy(settings, kind)
    speaker = Speaker(actor_id=OWNER, now=utc_now(), region=paths.region, decision_id=IdMaker(utc_now).new("ent"))
    with read_lake(paths) as lake:
        decision = said(lake, policy, speaker)
    with StateStore.open(paths, clock=utc_now) as store:
        (seq,) = store.append([decision_record(decision)]).result()
    figures = resolve_entities(paths, load_policies(settings.packs_dir, settings.pack), clock=utc_now)
    if json:
        print_json({"entity_decision_id": decision.entity_decision_id, "verdict": decision.verdict, "seq": seq})
        return
    print_line(f"Recorded {decision.entity_decision_id}: {decision.verdict}.")
    note(f"{figures['changed_count']} rows changed. `aurora build` brings the marts up to it.")


def _policy(settings: Settings, kind: str) -> GoldenPolicy:
    from aurora.entities.policy import policy_of

    return policy_of(settings.packs_dir, settings.pack, kind)


def _record(text: str) -> RecordName:
    from contracts.messages.entities import RecordName

    source, colon, record_id = text.partition(":")
    if not (source and colon and record_id):
        raise UsageError(
            f"{text[:80]!r} does not name a record.",
            field="record",
            next_step="Name it as SOURCE:ID, such as sample_clara:C-P00012.",
        )
    return RecordName(source=source, record_id=record_id)


def _checked(reason: str) -> str:
    if not 3 <= len(reason.strip()) <= 2000:
        raise UsageError(
            "The reason says nothing.", field="reason", next_step="Say why in at least three letters; it is kept."
        )
    return reason.strip()
