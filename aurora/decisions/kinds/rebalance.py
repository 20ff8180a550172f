"""rebalance: which open work moves to whom, at the least expected cost, inside capacity and rules.

Three plans are candidates: leave everything; move only what must move (its assistant is away, or may not have it
any more); move whatever pays. Each move is one that routing would admit. The backup of an absent assistant is
preferred. Work on a record that is on hold stays where it is. Costs are priced by the policy's parameters, in whole micro-dollars, and each plan is the exact least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from aurora.decisions.holding import against, against_all
from aurora.decisions.kinds.desk import Desk, Option, plan_options
from aurora.decisions.kinds.transport import NEVER, Ints, Placement, place
from aurora.decisions.plans import Plan, asked
from aurora.decisions.policies.expected_utility import ExpectedUtility
from aurora.decisions.policy import Estimate
from aurora.decisions.questions import open_task_values
from aurora.decisions.slates import NANO_USD, NO_CAPACITY, Slate
from aurora.errors import DataError
from contracts.messages.decision_details import AssistantLoad, Move, Rebalanced, Unplaced
from contracts.messages.decisions import OpenTask, RebalanceRequest, Veto

KEEP: Final = "keep"
FAILOVER: Final = "failover"
REBALANCE: Final = "rebalance"
_URGENCY: Final = {"critical": 4.0, "high": 2.0, "medium": 1.0, "low": 0.5}
"""How much dearer a failure is than that of ordinary work."""
_MICRO: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Group:
    """Tasks that are alike: same work, same holder."""

    sample: OpenTask
    tasks: tuple[OpenTask, ...]
    slate: Slate
    admitted: int
    """Bit i: assistant i may have it."""
    reasons: tuple[str, ...]
    holder: int | None
    must_move: bool


def plan_rebalancing(request: RebalanceRequest, desk: Desk) -> Plan:
    """The plan that is worth most. `DataError` when a task is named twice."""
    _check(request)
    groups = _groups(request, desk)
    slate = groups[0].slate
    prices = {**ExpectedUtility().parameters, **desk.configured.parameters}
    costs = np.array([_costs(group, prices) for group in groups], dtype=np.int64)
    capacity = _capacities(request, slate, desk)
    loads = _loads(capacity, len(request.tasks), prices["load_usd"])
    person = round(prices["person_usd"] * _MICRO)
    plans = {KEEP: _kept(groups, costs, loads, person)}
    if any(group.must_move for group in groups):
        plans[FAILOVER] = _failover(groups, costs, capacity, loads, person)
    plans[REBALANCE] = place(costs, _supply(groups), capacity, loads, unplaced_cost=person)
    options = [_option(name, found, groups, request) for name, found in plans.items()]

    def details(action: str | None) -> Rebalanced:
        if action is not None:
            return _told(plans[action], groups, costs, capacity, slate)
        reasons = [
            Unplaced(task_id=task.task_id, reason=_why(group))
            for group in groups
            if group.must_move
            for task in group.tasks
        ]
        return Rebalanced(moves=(), unplaced=tuple(sorted(reasons, key=lambda one: one.task_id)), loads=())

    rules = desk.task_question("")[1].rule_ids
    return plan_options(options, desk, rules_checked=rules, details=details)


def _groups(request: RebalanceRequest, desk: Desk) -> list[_Group]:
    alike: dict[tuple[object, ...], list[OpenTask]] = {}
    for task in sorted(request.tasks, key=lambda one: one.task_id):
        key = (task.task_type, task.assistant_id, task.priority, task.privacy_class, task.data_region, task.compliance_levels, task.is_started, against_all(desk.counted, task))  # fmt: skip
        alike.setdefault(key, []).append(task)
    return [_group(tasks, request, desk) for tasks in alike.values()]


def _group(tasks: Sequence[OpenTask], request: RebalanceRequest, desk: Desk) -> _Group:
    sample = tasks[0]
    slate, admission = desk.task_question(sample.task_type if sample.task_type in desk.pack.task_types else "")
    values = open_task_values(sample, request.mode, desk.pack, desk.region)
    wanted = asked(slate, request.candidates).mask
    by_rules = admission.vetoes(values, (1 << len(slate.ids)) - 1)
    holder = slate.positions.get(sample.assistant_id or "")
    on_hold = against_all(desk.counted, sample)
    admitted, reasons = 0, []
    for position, name in enumerate(slate.ids):
        if on_hold:
            found = () if position == holder else on_hold
        else:
            found = _against(slate, position, by_rules[position], is_holder=position == holder)
            found += against(desk.counted, name)
        if not found and (wanted >> position & 1 or position == holder):
            admitted |= 1 << position
        reasons += [veto.reason for veto in found]
    must_move = holder is None or not admitted >> holder & 1
    return _Group(sample, tuple(tasks), slate, admitted, tuple(dict.fromkeys(reasons)), holder, must_move)


def _against(slate: Slate, position: int, by_rules: tuple[Veto, ...], *, is_holder: bool) -> tuple[Veto, ...]:
    """Capacity is the plan's own matter; whoever is paused keeps what it has."""
    scope, live = slate.scope_vetoes[position], slate.live_vetoes[position]
    found = [] if scope is None or scope == NO_CAPACITY else [scope]
    if live is not None and not (is_holder and live.reason.startswith("It is paused")):
        found.append(live)
    return (*found, *by_rules)


def _costs(group: _Group, prices: Mapping[str, float]) -> list[int]:
    """Micro-dollars of one task of the group at each assistant."""
    sample, slate = group.sample, group.slate
    backup = slate.backups.get(sample.assistant_id or "")
    move = 0.0 if group.holder is None else prices["started_move_usd" if sample.is_started else "move_usd"]
    found = []
    for position, estimate in enumerate(slate.estimates):
        if not group.admitted >> position & 1:
            found.append(NEVER)
            continue
        failure = (1 - estimate.quality) * prices["failure_usd"] * _URGENCY[sample.priority]
        usd = float(estimate.cost_usd) + failure
        if position != group.holder:
            usd += move
            if group.must_move and slate.ids[position] == backup:
                usd -= prices["backup_usd"]
        found.append(round(usd * _MICRO))
    return found


def _capacities(request: RebalanceRequest, slate: Slate, desk: Desk) -> Ints:
    declared = {one.assistant_id: one.capacity_count for one in desk.pack.assistants}
    return np.array([request.capacities.get(name, declared[name]) for name in slate.ids], dtype=np.int64)


def _loads(capacity: Ints, task_count: int, load_usd: float) -> Ints:
    """What the k-th task of an assistant adds in waiting: the fuller, the dearer."""
    numbers = np.arange(1, task_count + 1, dtype=np.float64)
    shares = numbers[None, :] / np.maximum(capacity, 1)[:, None]
    return np.rint(load_usd * _MICRO * shares).astype(np.int64)


def _supply(groups: Sequence[_Group]) -> Ints:
    return np.array([len(group.tasks) for group in groups], dtype=np.int64)


def _kept(groups: Sequence[_Group], costs: Ints, loads: Ints, person: int) -> Placement:
    """Everything where it is; what cannot stay is nobody's."""
    flows = np.zeros_like(costs)
    unplaced = np.zeros(len(groups), dtype=np.int64)
    for row, group in enumerate(groups):
        if group.must_move or group.holder is None:
            unplaced[row] = len(group.tasks)
        else:
            flows[row, group.holder] = len(group.tasks)
    return Placement(flows, unplaced, _cost(flows, unplaced, costs, loads, person))


def _failover(groups: Sequence[_Group], costs: Ints, capacity: Ints, loads: Ints, person: int) -> Placement:
    """Only what must move is placed anew, in the room that the rest leaves."""
    kept = _kept(groups, costs, loads, person).flows
    held = kept.sum(axis=0)
    moving = [row for row, group in enumerate(groups) if group.must_move]
    width = loads.shape[1]
    rest = np.stack([loads[at, np.minimum(np.arange(width) + held[at], width - 1)] for at in range(len(held))])
    room = np.maximum(capacity - held, 0)
    found = place(costs[moving], _supply([groups[row] for row in moving]), room, rest, unplaced_cost=person)
    unplaced = np.zeros(len(groups), dtype=np.int64)
    for number, row in enumerate(moving):
        kept[row] = found.flows[number]
        unplaced[row] = found.unplaced[number]
    return Placement(kept, unplaced, _cost(kept, unplaced, costs, loads, person))


def _cost(flows: Ints, unplaced: Ints, costs: Ints, loads: Ints, person: int) -> int:
    steps = np.cumsum(loads, axis=1)
    held = flows.sum(axis=0)
    waiting = sum(int(steps[at, count - 1]) for at, count in enumerate(held.tolist()) if count)
    return int((np.where(flows > 0, costs, 0) * flows).sum()) + int(unplaced.sum()) * person + waiting


def _option(name: str, found: Placement, groups: Sequence[_Group], request: RebalanceRequest) -> Option:
    total, success, spent = len(request.tasks), 0.0, Decimal(0)
    for row, position in zip(*np.nonzero(found.flows), strict=True):
        estimate, count = groups[row].slate.estimates[position], int(found.flows[row, position])
        success += estimate.quality * count
        spent += estimate.cost_usd * count
    share = success / total
    worth = -found.cost / _MICRO
    return Option(Estimate(name, share, share, spent.quantize(NANO_USD), 0.0, 0.0, worth), _vetoes(name, groups))


def _vetoes(name: str, groups: Sequence[_Group]) -> tuple[Veto, ...]:
    stuck = sum(len(group.tasks) for group in groups if group.must_move)
    if name != KEEP or not stuck:
        return ()
    reason = f"{stuck} tasks are with nobody, or with an assistant that is away or may not have them."
    return (Veto(source="scope", rule_id="holder", reason=reason),)


def _told(found: Placement, groups: Sequence[_Group], costs: Ints, capacity: Ints, slate: Slate) -> Rebalanced:
    moves: list[Move] = []
    unplaced: list[Unplaced] = []
    before = np.zeros(len(slate.ids), dtype=np.int64)
    for row, group in enumerate(groups):
        if group.holder is not None:
            before[group.holder] += len(group.tasks)
        left = list(group.tasks)
        staying = int(found.flows[row, group.holder]) if group.holder is not None else 0
        left = left[staying:]
        for position in np.flatnonzero(found.flows[row]).tolist():
            if position == group.holder:
                continue
            count = int(found.flows[row, position])
            moves += [_move(task, group, position, costs[row]) for task in left[:count]]
            left = left[count:]
        unplaced += [Unplaced(task_id=task.task_id, reason=_why(group)) for task in left]
    after = found.flows.sum(axis=0)
    loads = [
        AssistantLoad(
            assistant_id=name,
            capacity_count=int(capacity[at]),
            before_count=int(before[at]),
            after_count=int(after[at]),
        )
        for at, name in enumerate(slate.ids)
        if before[at] or after[at]
    ]
    return Rebalanced(
        moves=tuple(sorted(moves, key=lambda one: one.task_id)),
        unplaced=tuple(sorted(unplaced, key=lambda one: one.task_id)),
        loads=tuple(loads),
    )


def _move(task: OpenTask, group: _Group, position: int, costs: Ints) -> Move:
    stays = 0 if group.must_move or group.holder is None else int(costs[group.holder])
    change = Decimal(int(costs[position]) - stays) / _MICRO
    return Move(
        task_id=task.task_id,
        from_assistant_id=task.assistant_id,
        to_assistant_id=group.slate.ids[position],
        is_failover=group.must_move,
        cost_change_usd=change.quantize(Decimal("1e-6")),
    )


def _why(group: _Group) -> str:
    if group.admitted:
        return "Nobody who may have it has room."
    return f"Nobody may have it. {' '.join(group.reasons[:3])}"


def _check(request: RebalanceRequest) -> None:
    seen: set[str] = set()
    for number, task in enumerate(request.tasks):
        if task.task_id in seen:
            raise DataError(
                f"The task {task.task_id[:64]!r} is named twice.",
                field=f"tasks[{number}]",
                rule="unique",
                next_step="Name each open task once.",
            )
        seen.add(task.task_id)
