"""What decisions other than routing rest on, each kind in its own words; and what each kind asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.page import section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, both, code_words, count, gulf_time, plain, plural, share
from aurora.audit.records import HUMAN
from contracts.messages.decision_details import Pooled, Rebalanced, Scaled, Tuned
from contracts.messages.decisions import (
    Decision,
    DecisionKind,
    RebalanceRequest,
    ResolveConflictRequest,
    ScaleRequest,
    TuneRequest,
)

QUESTIONS: Final[dict[DecisionKind, str]] = {
    "route_task": "Which assistant takes the task",
    "route_llm": "Which language model answers",
    "resolve_conflict": "Whose word is followed",
    "scale": "How many replicas",
    "rebalance": "Which work moves",
    "tune": "Whether a parameter changes",
}
_TASKS: Final[dict[DecisionKind, str]] = {
    "route_task": "take this task",
    "route_llm": "answer this question",
    "resolve_conflict": "be followed",
    "scale": "be the size",
    "rebalance": "be the plan",
    "tune": "be done",
}
Names = Mapping[str, str]


def called(action: str, names: Names) -> str:
    """What people call an action: an assistant by its name, else its words."""
    return "A person" if action == HUMAN else names.get(action, action)


def sentence(decision: Decision, changed_to: str | None, names: Names) -> str:
    """The decision in one sentence."""
    what = _TASKS[decision.kind]
    if changed_to is not None:
        return f"{called(changed_to, names)} is to {what}: the decision was changed."
    if decision.action is None:
        return f"Nobody was chosen to {what}: it waits for you." if _is_routing(decision) else "It waits for you."
    if _is_routing(decision):
        return f"{called(decision.action, names)} was chosen to {what}."
    return _other_sentence(decision, names)


def _is_routing(decision: Decision) -> bool:
    return decision.kind in ("route_task", "route_llm")


def _other_sentence(decision: Decision, names: Names) -> str:
    request, found, action = decision.request, decision.details, str(decision.action)
    match found:
        case Scaled():
            target = called(getattr(request, "target_id", ""), names)
            return f"{target} gets {plural(found.planned_replicas, 'replica')}, after {count(found.replicas_before)}."
        case Rebalanced():
            return f"{plural(len(found.moves), 'task moves', 'tasks move')} to another assistant."
        case Tuned():
            who = called(getattr(request, "assistant_id", ""), names)
            if found.value == found.value_before:
                return f"{who} keeps {code_words(found.parameter)} at {found.value:g}."
            verb = "goes back to" if found.is_rollback else "moves to"
            return f"{code_words(found.parameter).capitalize()} of {who} {verb} {found.value:g}."
        case Pooled():
            return f"“{code_words(action)}” is followed."
        case _:
            return f"{called(action, names)} was chosen."


def asked_facts(decision: Decision, names: Names) -> list[str]:
    """What was asked, for kinds other than routing, as Markdown lines."""
    request = decision.request
    match request:
        case ResolveConflictRequest():
            return [
                f"About **{plain(request.subject_id)}**, topic **{code_words(request.topic)}**",
                *(
                    f"{plain(called(one.assistant_id, names))} says **{plain(code_words(one.action))}**"
                    + ("" if one.confidence is None else f", {share(one.confidence)} sure")
                    for one in request.recommendations
                ),
            ]
        case ScaleRequest():
            ready = None if request.history is None else request.history.replicas
            return [f"Target **{plain(called(request.target_id, names))}**, {count(ready)} ready now"]
        case RebalanceRequest():
            return [f"{plural(len(request.tasks), 'open task')} of the fleet"]
        case TuneRequest():
            tried = plural(sum(one.task_count for one in request.trials), "task")
            who, what = plain(called(request.assistant_id, names)), plain(code_words(request.parameter))
            return [f"**{what}** of **{who}**, by {tried} at {plural(len(request.trials), 'value')}"]
        case _:
            return []


def show_details(decision: Decision, pin: Pin, names: Names) -> None:
    """The section that only this kind has; nothing for routing."""
    match decision.details:
        case Pooled() as found:
            _pooled(found, pin, names)
        case Scaled() as found:
            _scaled(found)
        case Rebalanced() as found:
            _rebalanced(found, pin, names)
        case Tuned() as found:
            _tuned(found)


def _pooled(found: Pooled, pin: Pin, names: Names) -> None:
    rows = [
        {
            "assistant": called(one.assistant_id, names),
            "says": code_words(one.action),
            "right_count": one.right_count,
            "wrong_count": one.wrong_count,
            "believed_share": one.probability,
        }
        for one in found.recommenders
    ]
    note = "How often each was right on this topic before, and how far it is believed for it."
    show_table(
        pl.DataFrame(rows, schema_overrides={"believed_share": pl.Float64}),
        title="Who is believed",
        pin=pin,
        empty="Nobody who may speak said anything.",
        note=note if found.reliability_hash else "Nothing was scored yet: each is believed by the pack's word alone.",
    )


def _scaled(found: Scaled) -> None:
    section("Plan", f"Until {gulf_time(found.until)}; decided by {found.decided_by}.")
    with tiles():
        tile("Before", count(found.replicas_before), explained="Replicas ready when it was asked")
        tile("Planned", count(found.planned_replicas), explained="Replicas of the plan")
        tile("By demand of late", count(found.reactive_replicas), explained="What an autoscaler would ask for")
        tile("By forecast", count(found.forecast_replicas), explained="Replicas for the forecast's planned quantile")


def _rebalanced(found: Rebalanced, pin: Pin, names: Names) -> None:
    saved = -float(sum(one.cost_change_usd for one in found.moves))
    moves = [
        {
            "task": one.task_id,
            "from": NOTHING if one.from_assistant_id is None else called(one.from_assistant_id, names),
            "to": called(one.to_assistant_id, names),
            "because": "Its assistant is away" if one.is_failover else "It is worth more there",
            "saving_usd": -float(one.cost_change_usd),
        }
        for one in found.moves
    ]
    show_table(
        pl.DataFrame(moves),
        title="Moves",
        pin=pin,
        empty="Nothing moves: where the work is, is best.",
        note=f"Worth {both(saved)} by expectation." if moves else None,
    )
    loads = [
        {
            "assistant": called(one.assistant_id, names),
            "before_count": one.before_count,
            "after_count": one.after_count,
            "capacity_count": one.capacity_count,
        }
        for one in found.loads
    ]
    show_table(pl.DataFrame(loads), title="Load before and after", pin=pin, empty="Nobody holds any of it.")
    for one in found.unplaced:
        st.markdown(f":material/person: `{plain(one.task_id)}`: {plain(one.reason)}")


def _tuned(found: Tuned) -> None:
    section("Change")
    with tiles():
        tile("Before", f"{found.value_before:g}")
        tile("After", f"{found.value:g}", explained="The same when it is kept")
        tile(
            "Better with it",
            share(found.probability_better),
            explained="Probability that success is higher with the new value",
        )
