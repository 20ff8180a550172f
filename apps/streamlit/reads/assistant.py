"""What the page of one assistant wants to know: its days, states, work, partners and commands."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import BOOL, DATE, INT, REAL, TEXT, TIME, Question, ask
from aurora.assistants.commands import find_command, list_commands
from aurora.assistants.control import SETTING_NAMES
from aurora.store.fleet import settings_of
from aurora.store.journal import StateReader
from contracts.messages.commands import Command

HISTORY_DAYS = 30
COMMANDS_SHOWN = 25

DAYS = Question(
    marts=("assistants_daily",),
    shape={
        "period_date": DATE, "task_count": INT, "open_count": INT, "success_share": REAL, "quality_mean": REAL,
        "task_p50_ms": REAL, "task_p95_ms": REAL, "task_p99_ms": REAL, "operation_count": INT, "error_count": INT,
        "error_share": REAL, "duration_p95_ms": REAL, "cost_usd": REAL, "unpriced_count": INT,
        "conversation_count": INT, "uptime_share": REAL, "handoff_count": INT, "handoff_error_count": INT,
        "received_count": INT,
    },
    sql=f"""
        SELECT * FROM mart.assistants_daily
        WHERE assistant_id = $assistant_id
          AND period_date > (SELECT max(period_date) FROM mart.assistants_daily) - INTERVAL {HISTORY_DAYS} DAY
        ORDER BY period_date
    """,
)  # fmt: skip
STATES = Question(
    marts=("assistant_states",),
    shape={"assistant_state": TEXT, "started_at": TIME, "held_s": REAL, "report_count": INT},
    sql=f"""
        SELECT assistant_state, started_at, held_s, report_count FROM mart.assistant_states
        WHERE assistant_id = $assistant_id
          AND period_date > (SELECT max(period_date) FROM mart.assistant_states) - INTERVAL {HISTORY_DAYS} DAY
        ORDER BY started_at, span_number LIMIT 5000
    """,
)
SKILLS = Question(
    marts=("assistant_features",),
    shape={
        "task_type": TEXT, "task_count": INT, "success_share": REAL, "duration_p50_ms": REAL, "duration_p95_ms": REAL,
        "cost_usd_mean": REAL, "open_task_count": INT,
    },
    sql="SELECT * FROM mart.assistant_features WHERE assistant_id = $assistant_id ORDER BY task_count DESC, task_type",
)  # fmt: skip
TASKS = Question(
    marts=("assistant_tasks_recent",),
    shape={
        "submitted_at": TIME, "task_type": TEXT, "task_state": TEXT, "priority": TEXT, "is_success": BOOL,
        "quality": REAL, "duration_ms": INT, "cost_usd": REAL, "task_id": TEXT,
    },
    sql="SELECT * FROM mart.assistant_tasks_recent WHERE assistant_id = $assistant_id ORDER BY recency",
)  # fmt: skip
COMMANDS = Question(
    marts=("assistant_commands_recent",),
    shape={
        "issued_at": TIME, "command_kind": TEXT, "command_state": TEXT, "actor_id": TEXT, "error_type": TEXT,
        "duration_ms": INT, "command_id": TEXT,
    },
    sql="SELECT * FROM mart.assistant_commands_recent WHERE assistant_id = $assistant_id ORDER BY recency",
)  # fmt: skip
EDGES = Question(
    marts=("handoffs_daily",),
    shape={
        "from_assistant_id": TEXT, "to_assistant_id": TEXT, "handoff_count": INT, "decided_count": INT,
        "handoff_error_count": INT, "breach_count": INT, "latency_p95_ms": REAL,
    },
    sql=f"""
        SELECT from_assistant_id, to_assistant_id, sum(handoff_count) AS handoff_count,
               sum(decided_count) AS decided_count, sum(handoff_error_count) AS handoff_error_count,
               sum(breach_count) AS breach_count, max(latency_p95_ms) AS latency_p95_ms
        FROM mart.handoffs_daily
        WHERE period_date > (SELECT max(period_date) FROM mart.handoffs_daily) - INTERVAL {HISTORY_DAYS} DAY
        GROUP BY 1, 2 ORDER BY handoff_count DESC, 1, 2 LIMIT 2000
    """,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantHistory:
    """One assistant's last days, from one snapshot. `states` are unbroken spans."""

    days: pl.DataFrame
    states: pl.DataFrame
    skills: pl.DataFrame
    tasks: pl.DataFrame


@st.cache_data(ttl=600, max_entries=64, show_spinner="Reading the lake")
def assistant_history(pin: Pin, assistant_id: str) -> AssistantHistory:
    """What the marts hold of one assistant."""
    named = {"assistant_id": assistant_id}
    with lake_at(pin) as lake:
        return AssistantHistory(
            days=ask(lake, pin, DAYS, named),
            states=spans(ask(lake, pin, STATES, named)),
            skills=ask(lake, pin, SKILLS, named),
            tasks=ask(lake, pin, TASKS, named),
        )


def spans(states: pl.DataFrame) -> pl.DataFrame:
    """Spans of neighbouring days in the same state joined to one, the newest first, with `until_at`."""
    number = (pl.col("assistant_state") != pl.col("assistant_state").shift(1)).fill_null(value=True).cum_sum()
    held = pl.duration(microseconds=(pl.col("held_s") * 1e6).cast(pl.Int64))
    return (
        states.with_columns(number.alias("_span"))
        .group_by("_span", maintain_order=True)
        .agg(
            pl.col("assistant_state").first(),
            pl.col("started_at").first(),
            (pl.col("started_at") + held).last().alias("until_at"),
            pl.col("held_s").sum(),
        )
        .drop("_span")
        .sort("started_at", descending=True)
    )


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def handoff_edges(pin: Pin) -> pl.DataFrame:
    """Handoffs of the last 30 days by pair; `latency_p95_ms` is that of the worst day."""
    with lake_at(pin) as lake:
        return ask(lake, pin, EDGES)


def recent_commands(pin: Pin, assistant_id: str) -> pl.DataFrame:
    """The newest commands: Aurora's own as they stand now, then those that only the lake knows."""
    with StateReader(pin.paths) as state:
        page = list_commands(state, assistant_id=assistant_id, command_state=None, cursor=None, limit=COMMANDS_SHOWN)
    own = pl.DataFrame(
        [{name: getattr(one, name) for name in COMMANDS.shape} for one in page.commands], schema=COMMANDS.shape
    )
    held = _held_commands(pin, assistant_id).join(own, on="command_id", how="anti")
    return pl.concat([own, held]).sort("issued_at", descending=True).head(COMMANDS_SHOWN)


def settings_made(pin: Pin, assistant_id: str) -> list[Command]:
    """Completed commands that set the newest value of a parameter or threshold: what can be put back."""
    with StateReader(pin.paths) as state:
        newest = {
            command_id
            for kind in sorted(SETTING_NAMES)
            for (name, _), (_, command_id) in settings_of(state, kind).items()
            if name == assistant_id
        }
        found = [find_command(state, command_id) for command_id in sorted(newest)]
    return [one for one in found if one.command_state == "completed" and one.previous_value is not None]


@st.cache_data(ttl=600, max_entries=64, show_spinner=False)
def _held_commands(pin: Pin, assistant_id: str) -> pl.DataFrame:
    with lake_at(pin) as lake:
        return ask(lake, pin, COMMANDS, {"assistant_id": assistant_id})
