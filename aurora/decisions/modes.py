"""How far decisions may act: declared in policies.yaml, changed by people in the journal, stopped by one switch.

Acting is granted by share of the work: a task's id falls on one side of the share or the other, so that what
acts at 10 % still does at 25 %. The share in force stands on the receipt, so that replay needs no history.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from aurora.assistants.control import is_person
from aurora.decisions.choice import unit_draw
from aurora.errors import ConflictError, PermissionDeniedError, UsageError
from aurora.packs import Pack, PolicyChoice
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader
from contracts.messages.decisions import DecisionKind, canonical
from contracts.messages.modes import KindMode, ModeChange, ModeRequest, Modes

KIND: Final = "decision_modes"
_SUBJECT: Final = "decisions"
_CHANGES: Final = msgspec.json.Decoder(ModeChange)


@dataclass(frozen=True, slots=True)
class Switches:
    """What people changed of policies.yaml. Hashable: engines keep plans by it."""

    is_stopped: bool = False
    act_shares: tuple[tuple[DecisionKind, str, float], ...] = ()
    shadow_policies: tuple[tuple[DecisionKind, str], ...] = ()
    canary_shares: tuple[tuple[DecisionKind, float], ...] = ()

    def act_share(self, kind: DecisionKind, assistant_id: str | None, declared: PolicyChoice | None) -> float:
        """Share of such work that may be acted on: the assistant's own before the kind's, a switch before the pack."""
        if self.is_stopped:
            return 0.0
        set_by_person = {(one[0], one[1]): one[2] for one in self.act_shares}
        declared_shares: Mapping[str, float] = declared.assistant_act_shares if declared is not None else {}
        if assistant_id is not None:
            own = set_by_person.get((kind, assistant_id), declared_shares.get(assistant_id))
            if own is not None:
                return own
        return set_by_person.get((kind, ""), declared.act_share if declared is not None else 0.0)

    def shadow(self, kind: DecisionKind, declared: PolicyChoice | None) -> str | None:
        """Policy in shadow, if any."""
        for switched, policy_id in self.shadow_policies:
            if switched == kind:
                return policy_id or None
        return declared.shadow if declared is not None else None

    def canary_share(self, kind: DecisionKind, declared: PolicyChoice | None) -> float:
        """Share of decisions that the policy in shadow answers; none while decisions are stopped."""
        if self.is_stopped:
            return 0.0
        for switched, share in self.canary_shares:
            if switched == kind:
                return share
        return declared.canary_share if declared is not None else 0.0


NO_SWITCHES: Final = Switches()


def is_granted(kind: DecisionKind, key: str, share: float) -> bool:
    """Whether the work of that key is inside the share; the same answer every time."""
    return share > 0.0 and unit_draw(zlib.crc32(f"{kind}/{key}".encode())) < share


def read_switches(state: StateReader) -> Switches:
    """What holds now, by the journal."""
    change = last_change(state)
    if change is None:
        return NO_SWITCHES
    return Switches(change.is_stopped, change.act_shares, change.shadow_policies, change.canary_shares)


def last_change(state: StateReader) -> ModeChange | None:
    """The newest change; None before the first."""
    entries = state.page(KIND, limit=1)
    return _CHANGES.decode(entries[0].body) if entries else None


def change_mode(
    request: ModeRequest, pack: Pack, before: Switches, *, actor_id: str, now: dt.datetime
) -> tuple[ModeChange, JournalRecord]:
    """A change of one kind. `PermissionDeniedError` for whoever is no person, `UsageError` for what does not exist."""
    _check_person(actor_id)
    _check(request, pack)
    shares = {(kind, one): share for kind, one, share in before.act_shares}
    if request.act_share is not None:
        shares[(request.kind, request.assistant_id or "")] = request.act_share
    shadows, canaries = dict(before.shadow_policies), dict(before.canary_shares)
    if request.canary_share is not None:
        canaries[request.kind] = request.canary_share
    if request.shadow_policy is not None:
        shadows[request.kind] = request.shadow_policy
    after = Switches(
        before.is_stopped,
        tuple(sorted((kind, one, share) for (kind, one), share in shares.items())),
        tuple(sorted(shadows.items())),
        tuple(sorted(canaries.items())),
    )
    return _changed(after, actor_id=actor_id, now=now, reason=request.reason)


def stop_acting(
    before: Switches, *, is_stopped: bool, reason: str, actor_id: str, now: dt.datetime
) -> tuple[ModeChange, JournalRecord]:
    """The kill switch of decisions: all advise, or as before again. `ConflictError` when it is so already."""
    _check_person(actor_id)
    if before.is_stopped == is_stopped:
        raise ConflictError(
            f"Decisions are {'stopped' if is_stopped else 'not stopped'} already.",
            field="is_stopped",
            rule="kill_switch",
            next_step="Nothing is left to do.",
        )
    after = Switches(is_stopped, before.act_shares, before.shadow_policies, before.canary_shares)
    return _changed(after, actor_id=actor_id, now=now, reason=reason)


def modes_now(pack: Pack, state: StateReader) -> Modes:
    """How each kind is decided now."""
    change, switches = last_change(state), read_switches(state)
    declared = pack.policies.kinds
    return Modes(
        is_stopped=switches.is_stopped,
        kinds=tuple(_kind_mode(kind, choice, switches) for kind, choice in sorted(declared.items())),
        changed_at=None if change is None else change.changed_at,
        changed_by=None if change is None else change.actor_id,
        reason=None if change is None else change.reason,
    )


def _kind_mode(kind: DecisionKind, declared: PolicyChoice, switches: Switches) -> KindMode:
    named = {one for known, one, _ in switches.act_shares if known == kind and one} | set(declared.assistant_act_shares)
    return KindMode(
        kind=kind,
        policy=declared.policy,
        act_share=switches.act_share(kind, None, declared),
        assistant_shares={one: switches.act_share(kind, one, declared) for one in sorted(named)},
        shadow_policy=switches.shadow(kind, declared),
        canary_share=switches.canary_share(kind, declared),
    )


def _changed(after: Switches, *, actor_id: str, now: dt.datetime, reason: str) -> tuple[ModeChange, JournalRecord]:
    change = ModeChange(
        change_id=IdMaker(lambda: now).new("mod"),
        actor_id=actor_id,
        changed_at=now,
        reason=reason,
        is_stopped=after.is_stopped,
        act_shares=after.act_shares,
        shadow_policies=after.shadow_policies,
        canary_shares=after.canary_shares,
    )
    record = JournalRecord(
        record_id=change.change_id,
        kind=KIND,
        subject_id=_SUBJECT,
        actor_id=actor_id,
        recorded_at=now,
        body=canonical(change),
    )
    return change, record


def _check(request: ModeRequest, pack: Pack) -> None:
    if request.kind not in pack.policies.kinds:
        raise _unknown("kind", f"policies.yaml names no policy for {request.kind}", pack.policies.kinds)
    fleet = {one.assistant_id for one in pack.assistants}
    if request.assistant_id is not None and request.assistant_id not in fleet:
        raise _unknown("assistant_id", f"there is no assistant {request.assistant_id[:64]!r}", fleet)
    from aurora.decisions.policy import configure

    able = [name for name, one in configure(pack.policies).items() if request.kind in one.policy.kinds]
    if request.shadow_policy and request.shadow_policy not in able:
        raise _unknown("shadow_policy", f"there is no policy {request.shadow_policy!r} for {request.kind}", able)
    if request.act_share is None and request.shadow_policy is None and request.canary_share is None:
        raise _unknown("act_share", "nothing is changed", ("act_share", "shadow_policy", "canary_share"))


def _unknown(field: str, problem: str, known: object) -> UsageError:
    names = ", ".join(sorted(str(one) for one in known)) if isinstance(known, (set, dict, list, tuple)) else ""
    return UsageError(
        f"The change does not fit: {problem}.", field=field, rule="one_of", next_step=f"There are: {names}."
    )


def _check_person(actor_id: str) -> None:
    if not is_person(actor_id):
        raise PermissionDeniedError(
            f"{actor_id} is no person: only people say how far decisions may act.",
            field="Authorization",
            rule="person",
            next_step="Use a key whose actor is the owner or person:<name>.",
        )
