"""A live assistant at work: arrivals, a queue by priority, as many tasks at once as it has capacity for.

It is a discrete-event simulation that is brought up to a moment by `advance`: in whatever steps time passes, the
same seed and the same commands give the same life. How a task goes is drawn from its own id.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from aurora.packs import Assistant, Thresholds
from contracts.messages.assistants import PROTOCOL_VERSION, AssistantState, StatusReply
from twin.servers.clock import TwinClock, moment
from twin.servers.demand import Demand
from twin.servers.health import WINDOW_S, HealthWindow
from twin.servers.row_log import RowLog
from twin.servers.rows import Stamp, status_row, talk_rows, task_row
from twin.servers.skills import Skill
from twin.servers.tuning import effect_of
from twin.servers.work import Work

VERSION: Final = "twin-1.0.0"
STATUS_EVERY_S: Final = 300.0
KEPT_WORK: Final = 20_000
_MIN_QUEUE: Final = 4
_CASES: Final = 900
_SURENESS: Final = 17.0
"""How closely quality lies around its mean."""
OWN_ERRORS: Final = frozenset({"timeout", "upstream_unavailable", "deadline_exceeded"})
"""Failures that are the assistant's own, and count against its health; of the others the task is the cause."""
_REASONS: Final = {"missing_information": 50, "rejected_by_rule": 40, "timeout": 6, "upstream_unavailable": 4}
"""Why a task comes to nothing, by weight."""


@dataclass(slots=True, kw_only=True)
class Worker:
    """One assistant. Moments are the life's seconds, and never go back."""

    assistant: Assistant
    clock: TwinClock
    seed: int
    demand: Demand
    skills: dict[str, Skill]
    """What it is truly like, by task type."""
    logs: dict[str, RowLog]
    """Rows by contract."""
    parameters: dict[str, float] = field(init=False)
    thresholds: dict[str, float] = field(init=False)
    held: set[str] = field(default_factory=set)
    """Cases and records it does not work on."""
    is_paused: bool = False
    on_done: Callable[[Work], None] = lambda _work: None
    """Told of each asked task that came to its end."""
    health: HealthWindow = field(default_factory=HealthWindow)
    works: dict[str, Work] = field(default_factory=dict)
    _open: dict[str, Work] = field(default_factory=dict)
    _queue: list[tuple[tuple[int, int], int, Work]] = field(default_factory=list)
    _working: dict[str, Work] = field(default_factory=dict)
    _set_aside: dict[str, Work] = field(default_factory=dict)
    _ends: list[tuple[float, int, Work]] = field(default_factory=list)
    _finished: deque[str] = field(default_factory=deque)
    _count: int = 0
    _serial: Iterator[int] = field(default_factory=itertools.count)
    """Breaks ties in the two heaps."""
    _own: random.Random = field(init=False)
    _next_arrival: float = field(init=False)
    _next_status: float = field(init=False)

    def __post_init__(self) -> None:
        begin = self.clock.life()
        declared = self.assistant
        self.parameters = {name: one.value for name, one in declared.parameters.items()}
        self.thresholds = {name: float(getattr(declared.thresholds, name)) for name in Thresholds.__struct_fields__}
        self._own = random.Random(f"{self.seed}/arrivals/{declared.assistant_id}")
        self._next_arrival = self.demand.after(begin)
        self._next_status = begin

    @property
    def capacity(self) -> int:
        """Tasks at once, with the parameters in force."""
        factor = effect_of(self.assistant.parameters, self.parameters).capacity_factor
        declared = self.assistant.capacity_count
        return max(1, round(declared * factor)) if declared else 0

    @property
    def open_count(self) -> int:
        """Tasks that are not finished, held ones included."""
        return len(self._open)

    @property
    def next_event(self) -> float:
        """When something happens by itself."""
        return min(self._next_arrival, self._next_status, self._ends[0][0] if self._ends else float("inf"))

    def advance(self, now: float) -> None:
        """Let everything happen that happens until `now`, in its order."""
        while (at := self.next_event) <= now:
            if self._ends and self._ends[0][0] == at:
                work = heapq.heappop(self._ends)[-1]
                if work.task_id in self._working and work.ends_at == at:
                    self._end(work, at)
            elif self._next_arrival == at:
                self._next_arrival = self.demand.after(at)
                self._arrive(at)
            else:
                self._next_status = at + STATUS_EVERY_S
                self.logs["assistant_status"].append(status_row(self.status(at), at=at))

    def seconds_to_room(self, now: float) -> float:
        """Seconds of the life until a task ends; 1 where none is at work."""
        return max(0.0, min((work.ends_at or now for work in self._working.values()), default=now + 1) - now)

    def has_room(self) -> bool:
        """Whether another task may wait: the queue is as long as there is capacity, at least `_MIN_QUEUE`."""
        capacity = self.capacity
        return capacity > 0 and self.open_count < capacity + max(_MIN_QUEUE, capacity)

    def take(self, work: Work, at: float) -> None:
        """Take a task on; whether it may is asked before."""
        self._count += 1
        work.number = self._count
        self.works[work.task_id] = self._open[work.task_id] = work
        self._estimate(work)
        if self._is_held(work):
            self._set_work_aside(work)
        else:
            heapq.heappush(self._queue, (work.rank, next(self._serial), work))
            self._start_next(at)
        if work.state == "submitted":
            self._write(work, at)

    def cancel(self, work: Work, at: float) -> None:
        """Give a task up; one that is finished stays as it is."""
        if not work.is_final:
            self._settle(work, at, state="canceled")

    def hold(self, subject: str, at: float) -> list[Work]:
        """Set aside what belongs to a case, record or task, now and later; what was set aside."""
        self.held.add(subject)
        found = [work for work in self._open.values() if self._is_held(work)]
        for work in found:
            if self._working.pop(work.task_id, None) is not None:
                work.remaining_s = max(0.0, (work.begun_at or at) + (work.remaining_s or 0.0) - at)
                work.ends_at = None
            self._set_work_aside(work)
        self._start_next(at)
        return found

    def release(self, subject: str, at: float) -> list[Work]:
        """Go on with what was held; what goes on."""
        self.held.discard(subject)
        found = [work for work in self._set_aside.values() if not self._is_held(work)]
        for work in found:
            del self._set_aside[work.task_id]
            work.is_held = False
            heapq.heappush(self._queue, (work.rank, next(self._serial), work))
        self._start_next(at)
        return found

    def status(self, at: float) -> StatusReply:
        """How it is at `at`."""
        health = self.health.at(at)
        open_count = self.open_count
        return StatusReply(
            assistant_id=self.assistant.assistant_id,
            assistant_state=self._state(health.uptime_share, health.error_share, health.latency.p95_ms, open_count),
            protocol_version=PROTOCOL_VERSION,
            version=VERSION,
            updated_at=moment(self.clock.wall()),
            window_s=WINDOW_S,
            uptime_share=round(health.uptime_share, 6),
            error_share=round(health.error_share, 6),
            request_count=health.request_count,
            latency=health.latency,
            open_task_count=open_count,
            capacity_count=self.capacity,
            performance_score=round(100 * (1 - health.error_share) * health.uptime_share, 2),
            parameters=dict(self.parameters),
            thresholds=dict(self.thresholds),
            is_paused=self.is_paused,
            is_simulated=True,
        )

    def _state(self, uptime: float, errors: float, p95_ms: float, open_count: int) -> AssistantState:
        if self.assistant.assistant_state == "disabled":
            return "disabled"
        limits = self.thresholds
        is_degraded = (
            uptime < limits["min_uptime_share"]
            or errors > limits["max_error_share"]
            or p95_ms > limits["max_latency_p95_ms"]
            or open_count > limits["max_open_share"] * max(1, self.capacity)
        )
        return "degraded" if is_degraded else "active"

    def _arrive(self, at: float) -> None:
        """A task that comes by itself; refused where there is no room."""
        declared, draw = self.assistant, self._own
        work = Work(
            task_id=f"{declared.assistant_id}-{self.logs['task'].run_id}-{self._count + 1:06d}",
            task_type=draw.choice(tuple(self.skills)),
            submitted_at=at,
            number=0,
            priority=draw.choice((declared.priority, "high", "medium", "medium", "low")),
            privacy_class=draw.choice(declared.privacy_classes) if declared.privacy_classes else None,
            case_id=f"case-{draw.randrange(_CASES):04d}" if draw.random() < 0.6 else None,
        )
        if self.is_paused or not self.has_room():
            self._count += 1
            work.number = self._count
            self._settle(work, at, state="rejected")
            return
        self.take(work, at)

    def _estimate(self, work: Work) -> None:
        """How the task will go, from its id and the parameters in force."""
        draw = random.Random(f"{self.seed}/task/{work.task_id}")
        skill = self.skills[work.task_type]
        effect = effect_of(self.assistant.parameters, self.parameters)
        work.remaining_s = skill.service_s * effect.time_factor * draw.lognormvariate(0, 0.45)
        work.cost_usd = skill.cost_usd * effect.cost_factor * draw.lognormvariate(0, 0.3)
        work.is_success = draw.random() < min(0.999, max(0.01, skill.success_share + effect.success_gain))
        mean = skill.quality_mean if work.is_success else skill.quality_mean / 3
        work.quality = round(draw.betavariate(_SURENESS * mean, _SURENESS * (1 - mean)), 4)
        if not work.is_success:
            work.error_type = draw.choices(list(_REASONS), weights=list(_REASONS.values()))[0]

    def _start_next(self, at: float) -> None:
        while self._queue and len(self._working) < self.capacity:
            work = heapq.heappop(self._queue)[-1]
            if work.is_final or work.is_held or work.task_id in self._working:
                continue
            if work.deadline_at is not None and work.deadline_at <= at:
                self._settle(work, at, state="failed", error_type="deadline_exceeded")
                continue
            is_first = work.started_at is None
            work.state = "working"
            work.started_at = at if is_first else work.started_at
            work.begun_at = at
            work.ends_at = at + (work.remaining_s or 0.0)
            work.is_late = work.deadline_at is not None and work.ends_at > work.deadline_at
            if work.is_late:
                work.ends_at = work.deadline_at or at
            self._working[work.task_id] = work
            heapq.heappush(self._ends, (work.ends_at, next(self._serial), work))
            if is_first:
                self._write(work, at)

    def _end(self, work: Work, at: float) -> None:
        if work.is_late:
            self._settle(work, at, state="failed", error_type="deadline_exceeded")
        elif work.is_success:
            self._settle(work, at, state="completed")
        else:
            self._settle(work, at, state="failed", error_type=work.error_type)

    def _settle(self, work: Work, at: float, *, state: str, error_type: str | None = None) -> None:
        """Bring `work` to its last state, write it down, and start what waits."""
        work.state, work.ended_at, work.ends_at, work.error_type = state, at, None, error_type  # type: ignore[assignment]
        if state != "completed":
            work.is_success = False if state == "failed" else None
            work.quality = work.quality if state == "failed" and error_type != "deadline_exceeded" else None
        for place in (self._working, self._set_aside, self._open):
            place.pop(work.task_id, None)
        self.works[work.task_id] = work
        self._write(work, at)
        if state in ("completed", "failed"):
            self.health.add(at, latency_ms=(at - work.submitted_at) * 1000, is_error=error_type in OWN_ERRORS)
            draw = random.Random(f"{self.seed}/calls/{work.task_id}")
            stamp = self._stamp(work)
            rows = talk_rows(work, self.assistant.assistant_id, self.skills[work.task_type], draw, stamp=stamp)
            for contract, row in rows:
                self.logs[contract].append(row)
        self._forget_old(work)
        if work.command_id is not None:
            self.on_done(work)
        self._start_next(at)

    def _forget_old(self, work: Work) -> None:
        self._finished.append(work.task_id)
        while len(self._finished) > KEPT_WORK:
            self.works.pop(self._finished.popleft(), None)

    def _set_work_aside(self, work: Work) -> None:
        work.is_held = True
        self._set_aside[work.task_id] = work

    def _is_held(self, work: Work) -> bool:
        return work.task_id in self.held or (work.case_id is not None and work.case_id in self.held)

    def _stamp(self, work: Work) -> Stamp:
        """Asked work is of the wall's time, for whoever asked lives by it."""
        return self.clock.wall_of if work.command_id is not None else _as_it_is

    def _write(self, work: Work, at: float) -> None:
        self.logs["task"].append(task_row(work, self.assistant.assistant_id, at=at, stamp=self._stamp(work)))


def _as_it_is(at: float) -> float:
    return at
