"""Who may command what: the control level of the one who is told, the standing of the one who tells, the edges between.

A person, or a service with the scope `command:write`, is bound by the target's control level alone. An assistant
is bound by the communication matrix and may send the kinds in `PEER_KINDS`; one with `command_authority` may hold,
release and notify any other, whatever the other's level and whatever the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aurora.handoffs.sharing import Sharing
from aurora.packs.assistants import Assistant, Parameter, Thresholds
from aurora.packs.pack import Pack
from contracts.messages.assistants import AUTHORITY_KINDS, CONTROL, PEER_KINDS, CommandKind

SETTING_NAMES: Final = {"tune": "parameter", "set_threshold": "threshold"}
"""Commands that set a value: which argument names it."""
_PERSON: Final = "person:"
_OWNER: Final = "owner"
_SHARES: Final = frozenset({"min_uptime_share", "max_error_share"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a command is refused. `is_fault`: the request itself is wrong; otherwise a rule forbids it."""

    rule: str
    reason: str
    next_step: str
    field: str = "command_kind"
    is_fault: bool = False


def is_person(actor_id: str) -> bool:
    """Whether a key's holder is a person: the owner, or an actor that is named person:<name>."""
    return actor_id == _OWNER or actor_id.startswith(_PERSON)


def objection(
    kind: CommandKind, arguments: Mapping[str, Any], *, target: Assistant, actor_id: str, pack: Pack, sharing: Sharing
) -> Objection | None:
    """What speaks against a command, or None. Switches, endpoints and bounds of values are looked at elsewhere."""
    actor = next((one for one in pack.assistants if one.assistant_id == actor_id), None)
    has_authority = actor is not None and actor.control_level == "command_authority" and kind in AUTHORITY_KINDS
    if actor is not None and not has_authority:
        found = _between(kind, actor, target, sharing)
        if found is not None:
            return found
    if not has_authority and kind not in CONTROL[target.control_level]:
        return Objection(
            rule="control_level",
            reason=f"{target.assistant_name} is under {target.control_level.replace('_', ' ')}: {kind} is not let through.",
            next_step=f"It takes {', '.join(sorted(CONTROL[target.control_level]))}.",
        )
    if kind == "run_task":
        return _about_task(arguments, target, pack)
    return None


def _between(kind: CommandKind, actor: Assistant, target: Assistant, sharing: Sharing) -> Objection | None:
    if kind not in PEER_KINDS:
        return Objection(
            rule="peer_kind",
            reason=f"{actor.assistant_name} is an assistant and may not send {kind} to another.",
            next_step=f"Assistants send {', '.join(sorted(PEER_KINDS))}; ask a person for the rest.",
        )
    if not sharing.is_edge(actor.assistant_id, target.assistant_id):
        return Objection(
            rule="allowed_edge",
            reason=f"The communication matrix has no edge from {actor.assistant_id} to {target.assistant_id}.",
            next_step="Send it by an assistant that may, or have the edge added to sharing.yaml of the pack.",
        )
    return None


def _about_task(arguments: Mapping[str, Any], target: Assistant, pack: Pack) -> Objection | None:
    name = arguments.get("task_type")
    if not isinstance(name, str) or name not in pack.task_types:
        return Objection(
            rule="one_of",
            reason="A run_task command names its task_type, one of the pack's.",
            next_step=f"{target.assistant_name} does {', '.join(target.skills)}.",
            field="arguments.task_type",
            is_fault=True,
        )
    if target.control_level == "read_only_alerts" and pack.task_types[name].is_acting:
        return Objection(
            rule="read_only",
            reason=f"{target.assistant_name} is read-only: {name} changes something, so it may not be told to do it.",
            next_step="Give it to another assistant, or to a person.",
            field="arguments.task_type",
        )
    if name not in target.skills:
        return Objection(
            rule="skill",
            reason=f"{target.assistant_name} cannot do {name}.",
            next_step=f"It does {', '.join(target.skills)}.",
            field="arguments.task_type",
            is_fault=True,
        )
    return None


def value_before(
    kind: str,
    arguments: Mapping[str, Any],
    target: Assistant,
    *,
    reported: Mapping[str, float],
    remembered: Mapping[str, float],
) -> tuple[float | None, Objection | None]:
    """What a `tune` or `set_threshold` would change, or what speaks against it.

    The value before is what the assistant reported last, else what was set last, else the pack's.
    """
    what = SETTING_NAMES[kind]
    name, value = arguments.get(what), arguments.get("value")
    known: Mapping[str, Any] = target.parameters if kind == "tune" else _thresholds(target.thresholds)
    if not isinstance(name, str) or name not in known:
        return None, _fault("one_of", f"{target.assistant_name} has no {what} {str(name)[:64]!r}.", what, known)
    if set(arguments) != {what, "value"}:
        return None, _fault("unknown_field", f"{kind} takes {what} and value, and nothing else.", what, ())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, _fault("type", f"The {what} {name} takes a number.", "value", ())
    declared = known[name]
    start = declared.value if isinstance(declared, Parameter) else declared
    before = float(reported.get(name, remembered.get(name, start)))
    if isinstance(declared, Parameter):
        return before, _out_of_bounds(name, float(value), before, declared)
    is_possible = value >= 0 and (name not in _SHARES or value <= 1)
    return before, None if is_possible else _fault("bounds", f"{name} cannot be {value:g}.", "value", ())


def _thresholds(thresholds: Thresholds) -> dict[str, float]:
    return {name: getattr(thresholds, name) for name in Thresholds.__struct_fields__}


def _out_of_bounds(name: str, value: float, before: float, declared: Parameter) -> Objection | None:
    if not declared.minimum <= value <= declared.maximum:
        text = f"{name} may be {declared.minimum:g} to {declared.maximum:g}, not {value:g}."
    elif abs(value - before) > declared.max_step * (1 + 1e-9):
        text = f"{name} is {before:g} and may change by {declared.max_step:g} at once, not to {value:g}."
    else:
        return None
    return _fault("bounds", text, "value", ())


def _fault(rule: str, reason: str, field: str, known: Any) -> Objection:
    step = f"There are: {', '.join(known)}." if known else "The pack's file of the assistant says what it takes."
    return Objection(rule=rule, reason=reason, next_step=step, field=f"arguments.{field}", is_fault=True)
