"""Holds as decisions see them: what a remedy holds or blocks is not worked on, and who is blocked takes no work.

A request names records by their ids (`about`, `task_id`, `case_id` and the like). An assistant or a language model is
blocked itself when the record on hold is its own. What counted stands on the receipt, so that replay needs no journal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Final

from msgspec import UNSET

from aurora.compliance.holds import HOLD, RELEASE, is_named, opened_or_ended
from aurora.store.journal import StateReader
from contracts.messages.compliance import Hold
from contracts.messages.decisions import (
    DecisionRequest,
    OpenTask,
    ResolveConflictRequest,
    RouteLlmRequest,
    RouteTaskRequest,
    ScaleRequest,
    StandingHold,
    TuneRequest,
    Veto,
)

RULE_ID: Final = "on_hold"
"""Of the veto, as of a command that is refused for the same reason."""
Counted = tuple[StandingHold, ...]
_WHO: Final = frozenset({"assistant", "assistant_status", "ai_system", "llm_endpoint"})
"""Contracts whose records are candidates, where they have a candidate's id. An AI system is one use of an assistant:
a block of `AI-007` stops what names it, not the assistant."""
_KINDS: Final = (HOLD, RELEASE)


class Holds:
    """The holds that stand at one moment. Never changes."""

    __slots__ = ("_by_id", "_compound", "_who", "is_empty")

    def __init__(self, holds: Iterable[StandingHold] = ()) -> None:
        every = sorted(holds, key=lambda one: one.hold_id)
        self.is_empty = not every
        self._by_id: dict[str, list[StandingHold]] = {}
        for one in every:
            self._by_id.setdefault(one.about_id, []).append(one)
        self._compound = [one for one in every if "|" in one.about_id]
        self._who = [one for one in every if one.about_contract in _WHO]

    def counting(self, request: DecisionRequest, candidates: Iterable[str]) -> Counted:
        """Holds that speak against the request, or against one of the candidates; sorted by id."""
        if self.is_empty:
            return ()
        found = {one.hold_id: one for names in _named(request) for one in self._on(names)}
        if self._who:
            able = set(candidates)
            found |= {one.hold_id: one for one in self._who if one.about_id in able}
        return tuple(found[name] for name in sorted(found))

    def _on(self, names: Mapping[str, str]) -> list[StandingHold]:
        near = [one for text in set(names.values()) for one in self._by_id.get(text, ())]
        return [one for one in (*near, *self._compound) if _is_about(one, names)]


NO_HOLDS: Final = Holds()


class HoldsNow:
    """A tenant's holds in memory, as new as its journal: asked for its place before use, read on where it moved.

    What any process made durable `max_age_s` before the question counts in the answer; a look costs some 7 us.
    Threads may share it.
    """

    def __init__(self, state: StateReader, *, max_age_s: float = 0.0) -> None:
        self._state = state
        self._max_age_s = max_age_s
        self._looked_at = -math.inf
        self._known: tuple[int, dict[str, Hold], Holds] = (0, {}, NO_HOLDS)

    def read(self) -> Holds:
        """The holds that stand now."""
        place, known, holds = self._known
        now = monotonic()
        if now - self._looked_at < self._max_age_s:
            return holds
        self._looked_at = now
        if self._state.last_of(_KINDS) == place:
            return holds
        standing = dict(known)
        for entry in self._state.of_kinds(_KINDS, after=place):
            opened_or_ended(entry, standing)
            place = entry.seq
        self._known = (place, standing, holds := Holds(standing_hold(one) for one in standing.values()))
        return holds


def holds_now(state: StateReader) -> Holds:
    """The holds that stand now, read once."""
    return HoldsNow(state).read()


def standing_hold(hold: Hold) -> StandingHold:
    """What a receipt says of a hold."""
    return StandingHold(
        hold_id=hold.hold_id,
        rule_id=hold.rule_id,
        about_contract=hold.about_contract,
        about_id=hold.about_id,
        reason=hold.reason,
    )


def against_all(counted: Counted, request: DecisionRequest | OpenTask) -> tuple[Veto, ...]:
    """Vetoes of every candidate: what the request is about is on hold."""
    if not counted:
        return ()
    named = list(_named(request))
    return tuple(_veto(one) for one in counted if any(_is_about(one, names) for names in named))


def against(counted: Counted, candidate_id: str) -> tuple[Veto, ...]:
    """Vetoes of one assistant or language model: it is blocked itself."""
    if not counted:
        return ()
    return tuple(_veto(one) for one in counted if one.about_contract in _WHO and one.about_id == candidate_id)


def with_holds(
    by_rules: Sequence[tuple[Veto, ...]], ids: Sequence[str], counted: Counted, request: DecisionRequest
) -> Sequence[tuple[Veto, ...]]:
    """Each candidate's vetoes by rules, with those of holds before them."""
    if not counted:
        return by_rules
    every = against_all(counted, request)
    return [(*every, *against(counted, name), *vetoes) for name, vetoes in zip(ids, by_rules, strict=True)]


def _veto(hold: StandingHold) -> Veto:
    reason = (
        f"{hold.about_contract} {hold.about_id} is on hold by {hold.rule_id} ({hold.hold_id}): "
        f"{hold.reason.rstrip('.')}."
    )
    return Veto(source="scope", rule_id=RULE_ID, reason=reason)


def _named(request: DecisionRequest | OpenTask) -> Iterable[Mapping[str, str]]:
    """Ids of the records that the request is about, by name; open work by itself. `subject_id` may be of any record."""
    if isinstance(request, RouteTaskRequest | OpenTask):
        return (_texts(request.about, task_id=request.task_id, case_id=getattr(request, "case_id", None)),)
    if isinstance(request, RouteLlmRequest):
        return (_texts(request.about, conversation_id=request.conversation_id, assistant_id=request.assistant_id),)
    if isinstance(request, ResolveConflictRequest):
        return ({"subject_id": request.subject_id, **_texts(UNSET, case_id=request.case_id)},)
    if isinstance(request, ScaleRequest):
        return ({"assistant_id": request.target_id},)
    if isinstance(request, TuneRequest):
        return ({"assistant_id": request.assistant_id},)
    return tuple(names for task in request.tasks for names in _named(task))


def _texts(about: Any, **ids: str | None) -> dict[str, str]:
    named = {name: text for name, text in ids.items() if text is not None}
    return named if about is UNSET else {**named, **about}


def _is_about(hold: StandingHold, names: Mapping[str, str]) -> bool:
    return names.get("subject_id") == hold.about_id or is_named(hold, names)
