"""How the pages say what an assistant is: its state, its control level, what it may be told."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from apps.streamlit.reads.fleet import FleetNow, State
from apps.streamlit.ui.wording import NOTHING, code_words
from contracts.messages.commands import LiveAssistant

Colour = Literal["green", "orange", "red", "gray", "blue", "violet"]

STATES: dict[State, tuple[str, str, Colour]] = {
    "active": ("Active", ":material/check_circle:", "green"),
    "degraded": ("Degraded", ":material/warning:", "orange"),
    "down": ("Down", ":material/error:", "red"),
    "disabled": ("Switched off", ":material/power_settings_new:", "gray"),
    "paused": ("Paused", ":material/pause_circle:", "blue"),
    "unseen": ("Not watched", ":material/visibility_off:", "gray"),
}
"""State -> word, icon, colour."""
CONTROL_LEVELS = {
    "full_orchestration": "Full orchestration", "read_write": "Read and write",
    "read_only_alerts": "Read only, alerts", "command_authority": "Command authority",
    "monitoring_thresholds": "Monitoring, thresholds",
}  # fmt: skip
PRIORITIES = ("critical", "high", "medium", "low")
THRESHOLDS = {
    "min_uptime_share": ("Uptime", "at least"), "max_error_share": ("Failed requests", "at most"),
    "max_latency_p95_ms": ("Response time, p95", "at most"), "max_open_share": ("Open tasks of capacity", "at most"),
}  # fmt: skip


def state_word(state: State) -> str:
    """`Active`, `Switched off`."""
    return STATES[state][0]


def control_words(level: str | None) -> str:
    """`Full orchestration`."""
    return CONTROL_LEVELS.get(level or "", code_words(level).capitalize())


def last_ping(one: LiveAssistant | None, now: dt.datetime) -> str:
    """`2 s ago, 12 ms`, or that there was none."""
    if one is None or one.last_ping is None:
        return "No ping yet"
    seconds = max(0, int((now - one.last_ping).total_seconds()))
    ago = f"{seconds} s ago" if seconds < 120 else f"{seconds // 60:,} min ago"
    return ago if one.ping_ms is None else f"{ago}, {one.ping_ms:,.0f} ms"


def load_words(one: LiveAssistant | None, capacity: int) -> str:
    """`3 of 24 tasks`."""
    if one is None or one.open_task_count is None:
        return f"{NOTHING} of {capacity} tasks"
    return f"{one.open_task_count} of {one.capacity_count or capacity} tasks"


def points(score: float | None) -> str:
    """A score of 0 to 100: `82`."""
    return NOTHING if score is None else f"{score:.0f}"


def points_change(change: float | None, days: int) -> str | None:
    """`+3 on the 30 days before`."""
    return None if change is None else f"{change:+.0f} on the {days} days before"


def watch_words(now: FleetNow) -> str:
    """What to do while nobody polls; empty while somebody does."""
    if now.live is not None and now.connected:
        return ""
    if not now.connected:
        return (
            "No assistant is connected, so nobody knows how they are now. `aurora assistant connect ASSISTANT URL` "
            "connects one; `aurora twin up --connect` runs all of them as a simulation and connects them."
        )
    return "Nobody polls the assistants now. Start Aurora: `make run` or `aurora up`."
