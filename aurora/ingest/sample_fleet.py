"""A made-up month of a pack's fleet: tasks its assistants took, the conversations, the AI operations.

The month ends at a given moment. The same pack, seed and moment give the same month.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aurora.ingest.sample_operations import UNLISTED, Operation, chosen_llm, new_trace_id, operation
from aurora.packs import Assistant, Pack

DAYS: Final = 30
TASKS: Final = 3600
_TALKED_SHARE: Final = 0.52
_UNLISTED_SHARE: Final = 0.012
_OPEN_HOURS: Final = 3
"""Tasks of the last hours may still be at work."""
_HOURS: Final = tuple([1] * 4 + [3, 8, 14, 16, 15, 12, 13, 14, 13, 11, 9, 7, 5, 3] + [2] * 6)
"""Work by hour of the UTC day: Dubai is four hours ahead."""
_WEEKEND: Final = (5, 6)
_CHANNELS: Final = ("chat", "whatsapp", "voice", "email", "portal")
_PRIORITIES: Final = ("high", "medium", "medium", "low")


@dataclass(frozen=True, slots=True)
class FleetMonth:
    """What a fleet left behind: rows of the contracts `task` and `conversation`, and operations."""

    tasks: list[dict[str, Any]]
    talks: list[dict[str, Any]]
    operations: list[Operation]


def fleet_month(pack: Pack, *, seed: int, until: dt.datetime, tasks: int = TASKS) -> FleetMonth:
    """The month of `pack`'s assistants that ends at `until`, in the order of time."""
    draw = random.Random(seed)
    fleet = [one for one in pack.assistants if one.capacity_count]
    weights = [one.capacity_count for one in fleet]
    month = FleetMonth([], [], [])
    for number, at in enumerate(_moments(draw, tasks, until=until)):
        assistant = draw.choices(fleet, weights=weights)[0]
        task = _task(draw, assistant, f"task-{seed}-{number:05d}", at=at, until=until)
        month.tasks.append(task)
        if draw.random() < _TALKED_SHARE:
            _talk(draw, month, assistant, at=at, until=until)
    return month


def _moments(draw: random.Random, how_many: int, *, until: dt.datetime) -> list[dt.datetime]:
    """Moments of the month, by the hours and days people work."""
    last_hour = DAYS * 24 - 1
    hours = [until - dt.timedelta(hours=last_hour - hour + 1) for hour in range(last_hour + 1)]
    weights = [_HOURS[hour.hour] * (0.45 if hour.weekday() in _WEEKEND else 1) for hour in hours]
    picked = draw.choices(hours, weights=weights, k=how_many)
    return sorted(hour + dt.timedelta(milliseconds=draw.randrange(3_500_000)) for hour in picked)


def _task(
    draw: random.Random, assistant: Assistant, task_id: str, *, at: dt.datetime, until: dt.datetime
) -> dict[str, Any]:
    place = draw.randrange(len(assistant.skills))
    duration_ms = max(50, int(assistant.prior.duration_ms * (0.8 + 0.15 * place) * draw.lognormvariate(0, 0.5)))
    started = at + dt.timedelta(milliseconds=draw.randrange(40, 4000))
    ended = started + dt.timedelta(milliseconds=duration_ms)
    row: dict[str, Any] = {
        "task_id": task_id,
        "case_id": f"case-{draw.randrange(900):04d}" if draw.random() < 0.6 else None,
        "assistant_id": assistant.assistant_id,
        "task_type": assistant.skills[place],
        "priority": draw.choice((assistant.priority, *_PRIORITIES)),
        "privacy_class": draw.choice(assistant.privacy_classes) if assistant.privacy_classes else None,
        "submitted_at": _written(at),
        "is_sample": True,
    }
    is_late = at > until - dt.timedelta(hours=_OPEN_HOURS)
    if ended > until or (is_late and draw.random() < 0.35):
        return row | {"task_state": draw.choice(("submitted", "working", "working", "input_required"))}
    return (
        row
        | _ending(draw, assistant, place=place)
        | {
            "started_at": _written(started),
            "completed_at": _written(ended),
            "duration_ms": duration_ms,
            "cost_usd": f"{float(assistant.cost_per_task_usd) * draw.lognormvariate(0, 0.3):.6f}",
        }
    )


def _ending(draw: random.Random, assistant: Assistant, *, place: int) -> dict[str, Any]:
    """How a task ended. An assistant is a little better at what it is declared for first."""
    if draw.random() < 0.015:
        return {"task_state": "canceled"}
    is_success = draw.random() < min(0.99, assistant.prior.success_share + 0.04 - 0.02 * place)
    quality = draw.betavariate(14, 3) if is_success else draw.betavariate(3, 7)
    failed = "failed" if draw.random() < 0.8 else "rejected"
    return {"task_state": "completed" if is_success else failed, "is_success": is_success, "quality": round(quality, 4)}


def _talk(draw: random.Random, month: FleetMonth, assistant: Assistant, *, at: dt.datetime, until: dt.datetime) -> None:
    """A conversation and its operations, as far as they ended in time."""
    conversation_id = new_trace_id(draw)
    calls: list[Operation] = []
    began = at
    for _ in range(draw.choice((1, 1, 2, 2, 3))):
        llm = UNLISTED if draw.random() < _UNLISTED_SHARE else chosen_llm(draw)
        call = operation(
            draw,
            at=began,
            assistant_id=assistant.assistant_id,
            trace_id=conversation_id,
            conversation_id=conversation_id,
            llm=llm,
        )
        began = call.ended_at + dt.timedelta(milliseconds=draw.randrange(200, 60_000))
        if call.ended_at <= until:
            calls.append(call)
    if not calls:
        return
    month.operations.extend(calls)
    month.talks.append(
        {
            "conversation_id": conversation_id,
            "assistant_id": assistant.assistant_id,
            "user_id": f"client-{draw.randrange(700):03d}",
            "channel": draw.choice(_CHANNELS),
            "started_at": _written(calls[0].at),
            "ended_at": _written(calls[-1].ended_at),
            "turn_count": len(calls) * 2,
            "is_error": all(call.error_type for call in calls),
        }
    )


def with_faults(tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tasks with a few that go wrong in the ways real exports do, among them two ids that come twice."""
    rows = list(tasks)
    settled = next(row for row in rows if "quality" in row)
    task_id = settled["task_id"]
    rows += [
        {**settled, "task_id": f"{task_id}-a", "task_state": "done"},
        {**settled, "task_id": f"{task_id}-b", "quality": 87.5},
        {**settled, "task_id": f"{task_id}-c", "submitted_at": "1970-01-01T00:00:00Z"},
        {**settled, "task_id": f"{task_id}-d", "duration_ms": -1},
        {**settled, "task_id": None},
        dict(settled),
        {**settled, "task_state": "failed", "is_success": False},
    ]
    return rows


def _written(at: dt.datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
