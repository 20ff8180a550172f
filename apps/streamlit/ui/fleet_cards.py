"""The fleet as cards that follow it: state, score, ping, load, spend of each assistant."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from apps.streamlit.reads.fleet import FleetFacts, FleetNow, declared_assistant, fleet_now, fleet_pack
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.fleet_words import STATES, control_words, last_ping, load_words, points
from apps.streamlit.ui.page import tile, tiles
from apps.streamlit.ui.wording import aed
from aurora.assistants.ecosystem import FORMULAS, overall_health
from aurora.packs.assistants import Assistant

PARAMETER = "assistant"
"""Query parameter that names one assistant."""
LIVE_S = 3
_BESIDE = 4


@st.fragment(run_every=LIVE_S)
def show_cards(pin: Pin, facts: FleetFacts, shown: list[str]) -> None:
    """Counts by state, then a card an assistant; drawn anew every `LIVE_S` seconds."""
    now, at = fleet_now(pin), dt.datetime.now(dt.UTC)
    _counts(now, shown)
    for start in range(0, len(shown), _BESIDE):
        row = shown[start : start + _BESIDE]
        for column, name in zip(st.columns(_BESIDE, gap="small"), row, strict=False):
            assistant = declared_assistant(name)
            if assistant is not None:
                with column:
                    _card(assistant, now, facts, at)


def _counts(now: FleetNow, shown: list[str]) -> None:
    states = [now.state(name) for name in shown]
    health = overall_health(fleet_pack(), now.live.assistants) if now.live is not None else None
    with tiles():
        tile("Overall health", "–" if health is None else f"{health:.0f} of 100", explained=FORMULAS["overallHealth"])
        for state, (word, _, _) in STATES.items():
            if state in states or state in ("active", "degraded", "down"):
                tile(word, str(states.count(state)))


def _card(assistant: Assistant, now: FleetNow, facts: FleetFacts, at: dt.datetime) -> None:
    name = assistant.assistant_id
    live, fact, month = now.of(name), facts.fact(name), facts.score(name, 30)
    with st.container(border=True, height="stretch", gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{assistant.assistant_name}**", width="content")
            state_badge(now, name)
        st.caption(assistant.role)
        st.markdown(
            f"Score **{points(month.get('performance_score'))}** of 100, 30 days  \n"
            f"Now **{points(live.performance_score if live else None)}** of 100  \n"
            f"Load **{load_words(live, assistant.capacity_count)}**  \n"
            f"Spend **{aed(fact.get('cost_usd_30d'))}**, 30 days"
        )
        st.caption(f"Last ping: {last_ping(live, at)}")
        with st.container(horizontal=True, gap="xsmall"):
            labels(assistant, now)
        if st.button(
            f"Open {assistant.assistant_name}", key=f"open_{name}", icon=":material/open_in_full:", type="tertiary"
        ):
            st.query_params[PARAMETER] = name
            st.rerun()


def state_badge(now: FleetNow, name: str) -> None:
    """The state in a word, an icon and a colour."""
    word, icon, color = STATES[now.state(name)]
    st.badge(word, icon=icon, color=color)


def labels(assistant: Assistant, now: FleetNow) -> None:
    """Control level, priority, and whether it is a sample or simulated."""
    live = now.of(assistant.assistant_id)
    st.badge(control_words(assistant.control_level), color="gray")
    st.badge(f"{assistant.priority.capitalize()} priority", color="blue")
    if assistant.is_sample:
        st.badge("Sample", icon=":material/science:", color="violet")
    if live is not None and live.is_simulated:
        st.badge("Simulated", icon=":material/smart_toy:", color="violet")
