"""The fleet for the pages: what the pack declares, what the poller sees now, what the marts know of each assistant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, current_settings, lake_at
from apps.streamlit.reads.question import BOOL, INT, REAL, TEXT, TIME, Question, ask
from aurora.assistants.endpoints import connected
from aurora.assistants.live import read_live
from aurora.handoffs.sharing import Sharing, load_sharing
from aurora.packs.assistants import Assistant
from aurora.packs.loading import load_pack
from aurora.packs.pack import Pack
from aurora.store.fleet import SwitchRow, switches
from aurora.store.journal import StateReader
from contracts.messages.commands import LiveAssistant, LiveFleet

State = Literal["active", "degraded", "down", "disabled", "paused", "unseen"]

FACTS = Question(
    marts=("assistants",),
    shape={
        "assistant_id": TEXT, "assistant_name": TEXT, "role": TEXT, "is_sample": BOOL, "operation_count_30d": INT,
        "cost_usd_30d": REAL, "error_share_30d": REAL, "task_count_30d": INT, "success_share_30d": REAL,
        "last_seen_at": TIME,
    },
    sql="SELECT * FROM mart.assistants ORDER BY assistant_name LIMIT 500",
)  # fmt: skip
SCORES = Question(
    marts=("assistant_scores",),
    shape={
        "assistant_id": TEXT, "window_days": INT, "performance_score": REAL, "previous_score": REAL,
        "score_change": REAL, "response_share": REAL, "accuracy_share": REAL, "cost_score_share": REAL,
        "compliance_share": REAL, "settled_count": INT,
    },
    sql="SELECT * FROM mart.assistant_scores ORDER BY window_days, assistant_id LIMIT 2000",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetNow:
    """What is known at this moment, and who is switched off; `live` is None while nobody polls."""

    live: LiveFleet | None
    off: dict[str, SwitchRow]
    connected: frozenset[str]

    def of(self, assistant_id: str) -> LiveAssistant | None:
        """What the poller sees of one assistant; None when nobody polls it."""
        found = self.live.assistants if self.live is not None else ()
        return next((one for one in found if one.assistant_id == assistant_id), None)

    def state(self, assistant_id: str) -> State:
        """Its state; `unseen` when it is not connected or nobody polls."""
        if assistant_id in self.off:
            return "disabled"
        one = self.of(assistant_id)
        if one is None or not one.is_connected or one.since is None:
            return "unseen"
        if one.is_paused and one.assistant_state == "active":
            return "paused"
        return one.assistant_state


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFacts:
    """What the marts know of the assistants."""

    facts: pl.DataFrame
    scores: pl.DataFrame

    def score(self, assistant_id: str, days: int) -> dict[str, float | None]:
        """The assistant's row of scores; empty when there is none."""
        found = self.scores.filter(pl.col("assistant_id") == assistant_id, pl.col("window_days") == days)
        return found.row(0, named=True) if found.height else {}

    def fact(self, assistant_id: str) -> dict[str, float | None]:
        """The assistant's row of the last 30 days; empty when there is none."""
        found = self.facts.filter(pl.col("assistant_id") == assistant_id)
        return found.row(0, named=True) if found.height else {}


@st.cache_resource(ttl=60, max_entries=4, show_spinner=False)
def _declared(packs_dir: str, name: str) -> tuple[Pack, Sharing]:
    pack = load_pack(Path(packs_dir), name)
    return pack, load_sharing(Path(packs_dir), pack)


def fleet_pack() -> Pack:
    """The tenant's pack."""
    settings = current_settings()
    return _declared(str(settings.packs_dir), settings.pack)[0]


def fleet_sharing() -> Sharing:
    """Who may speak to whom, by the pack."""
    settings = current_settings()
    return _declared(str(settings.packs_dir), settings.pack)[1]


def declared_assistant(assistant_id: str) -> Assistant | None:
    """The assistant as the pack declares it; None for one that only usage names."""
    return next((one for one in fleet_pack().assistants if one.assistant_id == assistant_id), None)


def fleet_now(pin: Pin) -> FleetNow:
    """The fleet at this moment: never cached, for it is what a live tile shows."""
    with StateReader(pin.paths) as state:
        off = {row.assistant_id: row for row in switches(state)}
        endpoints = frozenset(connected(state))
    return FleetNow(live=read_live(pin.paths, now=dt.datetime.now(dt.UTC)), off=off, connected=endpoints)


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading the lake")
def fleet_facts(pin: Pin) -> FleetFacts:
    """Spend, work and scores of every assistant, from one snapshot."""
    with lake_at(pin) as lake:
        return FleetFacts(facts=ask(lake, pin, FACTS), scores=ask(lake, pin, SCORES))
