"""How an assistant is, from its answers to Aurora's polls: state with hysteresis, and a performance score.

Worse is believed sooner than better. An assistant is `down` when two tries of one poll got no answer, and
`degraded` after two polls in a row beyond a threshold; it is better again after three polls in a row that say so.
The kill switch (`disabled`) stands above all of it.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass
from typing import Final

from aurora.packs.assistants import Assistant, Thresholds
from contracts.messages.assistants import AssistantState, StatusReply
from contracts.messages.commands import LiveAssistant

WINDOW: Final = 300
"""Polls that Aurora's own uptime share is taken over: five minutes at one a second."""
_WORSE_AFTER: Final[dict[AssistantState, int]] = {"active": 1, "degraded": 2, "down": 1, "disabled": 1}
_BETTER_AFTER: Final = 3
_RANK: Final[dict[AssistantState, int]] = {"active": 0, "degraded": 1, "down": 2, "disabled": 3}
_WEIGHTS: Final = {"success": 0.5, "answered": 0.3, "latency": 0.2}

PERFORMANCE_FORMULA: Final = (
    "100 * (0.5 * (1 - error_share) + 0.3 * uptime_share + 0.2 * max(0, 1 - p95_ms / (2 * max_latency_p95_ms))), where "
    "uptime_share is the share of Aurora's polls answered in the last five minutes and the threshold is the pack's. "
    "While nothing was asked of the assistant (request_count = 0), only uptime_share counts."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One poll of an assistant: its answer, or why there is none. `is_late`: it took a second try."""

    at: dt.datetime
    ping_ms: float | None = None
    reply: StatusReply | None = None
    error: str = ""
    is_late: bool = False


class Watch:
    """What Aurora knows of one assistant since it began to poll it. For one thread."""

    def __init__(self, assistant: Assistant, thresholds: Thresholds | None = None) -> None:
        self.assistant = assistant
        self.thresholds = thresholds or assistant.thresholds
        self._answered: deque[bool] = deque(maxlen=WINDOW)
        self._state: AssistantState | None = None
        self._reason = "Nothing was asked of it yet."
        self._since: dt.datetime | None = None
        self._streak = 0
        self._off_reason = ""
        self._last: Ping | None = None
        self._good: Ping | None = None

    @property
    def is_switched_off(self) -> bool:
        """Whether a person switched it off."""
        return bool(self._off_reason)

    @property
    def state(self) -> AssistantState | None:
        """As Aurora sees it now; None before the first poll, unless it is switched off."""
        return "disabled" if self._off_reason else self._state

    def switch(self, reason: str, at: dt.datetime) -> None:
        """The kill switch: off with a reason, on again with an empty one."""
        if bool(reason) != self.is_switched_off:
            self._since = at
        self._off_reason = reason

    def observe(self, ping: Ping) -> None:
        """Take one poll into account."""
        self._answered.append(ping.reply is not None)
        self._last = ping
        if ping.reply is not None:
            self._good = ping
        seen, reason = _seen(ping, self.thresholds, is_first=self._state is None)
        if self._state is None or seen == self._state:
            self._move(seen, reason, ping.at)
            return
        self._streak += 1
        is_worse = _RANK[seen] > _RANK[self._state]
        if self._streak >= (_WORSE_AFTER[seen] if is_worse else _BETTER_AFTER):
            self._move(seen, reason, ping.at)

    def _move(self, state: AssistantState, reason: str, at: dt.datetime) -> None:
        if state != self._state:
            self._since = at
        self._state, self._reason, self._streak = state, reason, 0

    def live(self, *, is_connected: bool) -> LiveAssistant:
        """All of it, as others read it. Without a poll the pack's own word on the state stands."""
        good = self._good
        reply = good.reply if good is not None else None
        return LiveAssistant(
            assistant_id=self.assistant.assistant_id,
            assistant_state=self.state or self.assistant.assistant_state,
            reason=f"Switched off: {self._off_reason}" if self._off_reason else self._reason,
            since=self._since,
            is_connected=is_connected,
            is_paused=reply is not None and reply.is_paused,
            is_simulated=reply is not None and reply.is_simulated,
            last_ping=good.at if good is not None else None,
            ping_ms=round(good.ping_ms, 2) if good is not None and good.ping_ms is not None else None,
            performance_score=self._score(reply),
            uptime_share=round(sum(self._answered) / len(self._answered), 4) if self._answered else None,
            error_share=reply.error_share if reply is not None else None,
            latency=reply.latency if reply is not None else None,
            open_task_count=reply.open_task_count if reply is not None else None,
            capacity_count=reply.capacity_count if reply is not None else None,
            parameters=reply.parameters if reply is not None else {},
            thresholds={name: getattr(self.thresholds, name) for name in Thresholds.__struct_fields__},
            version=reply.version if reply is not None else None,
            reported_state=reply.assistant_state if reply is not None else None,
        )

    def _score(self, reply: StatusReply | None) -> float | None:
        if not self._answered:
            return None
        shares = {"answered": sum(self._answered) / len(self._answered)}
        if reply is not None and reply.request_count:
            shares["success"] = 1.0 - reply.error_share
            shares["latency"] = max(0.0, 1.0 - reply.latency.p95_ms / (2.0 * self.thresholds.max_latency_p95_ms))
        total = sum(_WEIGHTS[name] for name in shares)
        return round(100.0 * sum(_WEIGHTS[name] * share for name, share in shares.items()) / total, 1)


def _seen(ping: Ping, thresholds: Thresholds, *, is_first: bool) -> tuple[AssistantState, str]:
    """What one poll says, and why."""
    reply = ping.reply
    if reply is None:
        return "down", ping.error or "It does not answer."
    if reply.assistant_state in {"down", "disabled"}:
        return reply.assistant_state, f"It says of itself that it is {reply.assistant_state}."
    breaches = list(_breaches(reply, thresholds))
    if ping.is_late and not is_first:
        breaches.append("it was asked for its status twice before it answered")
    if reply.assistant_state == "degraded":
        breaches.append("it says so of itself")
    if breaches:
        text = "; ".join(breaches)
        return "degraded", f"{text[0].upper()}{text[1:]}."
    return "active", "It answers, within its thresholds."


def _breaches(reply: StatusReply, thresholds: Thresholds) -> list[str]:
    found = []
    if reply.uptime_share < thresholds.min_uptime_share:
        found.append(f"uptime {reply.uptime_share:.2%} is below {thresholds.min_uptime_share:.2%}")
    if reply.request_count and reply.error_share > thresholds.max_error_share:
        found.append(f"{reply.error_share:.1%} of requests fail, more than {thresholds.max_error_share:.1%}")
    if reply.request_count and reply.latency.p95_ms > thresholds.max_latency_p95_ms:
        found.append(f"p95 {reply.latency.p95_ms:,.0f} ms is above {thresholds.max_latency_p95_ms:,.0f} ms")
    open_share = reply.open_task_count / reply.capacity_count if reply.capacity_count else 0.0
    if open_share > thresholds.max_open_share:
        found.append(f"{open_share:.0%} of its capacity is in use, more than {thresholds.max_open_share:.0%}")
    return found
