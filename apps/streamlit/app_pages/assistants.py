"""Assistants: the fleet as it is now, who needs whom, and one assistant with its history and its controls."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.assistant import handoff_edges
from apps.streamlit.reads.fleet import FleetFacts, FleetNow, State, fleet_facts, fleet_now, fleet_pack
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import require
from apps.streamlit.ui.assistant_view import show_assistant
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.fleet_cards import PARAMETER, show_cards
from apps.streamlit.ui.fleet_edges import EDGE_COLUMNS, edge_rows
from apps.streamlit.ui.fleet_graph import dependency_graph
from apps.streamlit.ui.fleet_words import PRIORITIES, STATES, control_words, state_word, watch_words
from apps.streamlit.ui.page import headline, section
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import AED_PER_USD, code_words, plural
from aurora.packs.assistants import Assistant

_ANY = "Any"
_AMISS: tuple[State, ...] = ("down", "degraded", "paused", "disabled", "unseen")


@dataclass(frozen=True, slots=True)
class FleetFilter:
    """Which assistants are shown."""

    state: str
    control: str
    priority: str
    text: str

    def holds(self, one: Assistant, state: State) -> bool:
        """Whether an assistant is among them."""
        found = f"{one.assistant_id} {one.assistant_name} {one.role} {' '.join(one.skills)}".lower()
        return (
            self.state in (_ANY, state_word(state))
            and self.control in (_ANY, control_words(one.control_level))
            and self.priority in (_ANY, one.priority.capitalize())
            and self.text.lower() in found
        )


def page() -> None:
    """One assistant when the address names it, else the fleet."""
    viewer = require("viewer")
    pin = pin_or_first_start()
    assistant_id = st.query_params.get(PARAMETER)
    if assistant_id is not None:
        if st.button("All assistants", icon=":material/arrow_back:", type="tertiary"):
            del st.query_params[PARAMETER]
            st.rerun()
        show_assistant(assistant_id, pin, viewer)
        return
    _fleet(pin)


def _fleet(pin: Pin) -> None:
    pack, facts, now = fleet_pack(), fleet_facts(pin), fleet_now(pin)
    headline(_sentence(pack.assistants, now), pin, has_money=True)
    missing = watch_words(now)
    if missing:
        st.info(missing, icon=":material/info:")
    wanted = _filter()
    names = ("Cards", "Table", "Dependencies", "Communication")
    opened = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
    for name, tab in zip(names, opened, strict=True):
        if tab.open:
            with tab:
                _tab(name, pin, facts, now, wanted)


def _tab(name: str, pin: Pin, facts: FleetFacts, now: FleetNow, wanted: FleetFilter) -> None:
    found = [one for one in fleet_pack().assistants if wanted.holds(one, now.state(one.assistant_id))]
    if not found:
        st.info("No assistant fits. Widen the filter.", icon=":material/search_off:")
        return
    match name:
        case "Cards":
            show_cards(pin, facts, [one.assistant_id for one in found])
        case "Table":
            _table(pin, facts, now, found)
        case "Dependencies":
            _dependencies(pin, now, found)
        case _:
            _communication(pin, {one.assistant_id for one in found})


def _sentence(assistants: tuple[Assistant, ...], now: FleetNow) -> str:
    states = [now.state(one.assistant_id) for one in assistants]
    watched = [state for state in states if state != "unseen"]
    if not watched:
        return f"{plural(len(states), 'assistant')} in the fleet; none of them is watched now."
    well = states.count("active")
    others = [f"{states.count(state)} {state_word(state).lower()}" for state in _AMISS if state in states]
    if not others:
        return f"All {well} assistants are active."
    return f"{well} of {len(states)} assistants {'is' if well == 1 else 'are'} active; {', '.join(others)}."


def _filter() -> FleetFilter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", placeholder="Name, role or skill", max_chars=60, key="fleet_text", width=220)
        state = st.selectbox("State", [_ANY, *(word for word, _, _ in STATES.values())], key="fleet_state", width=160)
        levels = sorted({control_words(one.control_level) for one in fleet_pack().assistants})
        control = st.selectbox("Control", [_ANY, *levels], key="fleet_control", width=220)
        priority = st.selectbox(
            "Priority", [_ANY, *(name.capitalize() for name in PRIORITIES)], key="fleet_priority", width=140
        )
    return FleetFilter(state, control, priority, text.strip())


def _rows(facts: FleetFacts, now: FleetNow, found: list[Assistant]) -> pl.DataFrame:
    """The fleet as a table: a row an assistant."""
    rows = []
    for one in found:
        live, fact = now.of(one.assistant_id), facts.fact(one.assistant_id)
        month, week = facts.score(one.assistant_id, 30), facts.score(one.assistant_id, 7)
        cost = fact.get("cost_usd_30d")
        rows.append({
            "assistant_name": one.assistant_name, "role": one.role, "state": state_word(now.state(one.assistant_id)),
            "score_30d": month.get("performance_score"), "score_7d": week.get("performance_score"),
            "change_7d": week.get("score_change"), "score_now": live.performance_score if live else None,
            "last_ping": live.last_ping if live else None,
            "open_task_count": live.open_task_count if live else None, "capacity_count": one.capacity_count,
            "task_count_30d": fact.get("task_count_30d"), "success_share_30d": fact.get("success_share_30d"),
            "cost_aed_30d": None if cost is None else cost * AED_PER_USD, "cost_usd_30d": cost,
            "control_level": control_words(one.control_level), "priority": one.priority.capitalize(),
            "is_sample": one.is_sample, "is_simulated": live.is_simulated if live else None,
            "assistant_id": one.assistant_id,
        })  # fmt: skip
    whole = {"open_task_count", "capacity_count", "task_count_30d"}
    real = {"score_30d", "score_7d", "change_7d", "score_now", "success_share_30d", "cost_aed_30d", "cost_usd_30d"}
    kinds: dict[str, pl.DataType] = {
        **dict.fromkeys(whole, pl.Int64()),
        **dict.fromkeys(real, pl.Float64()),
        "last_ping": pl.Datetime("us", "UTC"),
        "is_simulated": pl.Boolean(),
    }
    return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)


def _table(pin: Pin, facts: FleetFacts, now: FleetNow, found: list[Assistant]) -> None:
    rows = _rows(facts, now, found)
    score = "0 to 100, by the formula on the page of one assistant"
    picked = show_table(
        rows,
        title="Fleet",
        pin=pin,
        empty="The pack declares no assistant.",
        note="Choose a row to see one assistant. Scores are of 100; “now” is over the last five minutes of polls.",
        columns={
            "state": st.column_config.TextColumn("State"),
            "score_30d": st.column_config.NumberColumn("Score, 30 days", format="%.0f", help=score),
            "score_7d": st.column_config.NumberColumn("Score, 7 days", format="%.0f", help=score),
            "change_7d": st.column_config.NumberColumn("On the 7 days before", format="%+.0f"),
            "score_now": st.column_config.NumberColumn("Score now", format="%.0f"),
            "open_task_count": st.column_config.NumberColumn("Open tasks", format="localized"),
            "capacity_count": st.column_config.NumberColumn("Capacity (tasks)", format="localized"),
            "is_sample": st.column_config.CheckboxColumn("Sample"),
            "is_simulated": st.column_config.CheckboxColumn("Simulated"),
        },
        on_select=True,
        height=640,
    )
    if picked is not None:
        st.query_params[PARAMETER] = rows["assistant_id"][picked]
        st.rerun()


def _dependencies(pin: Pin, now: FleetNow, found: list[Assistant]) -> None:
    section(
        "Who needs whom",
        "An arrow goes from who needs to who is needed; a dashed one to the backup. The table says the same.",
    )
    dependency_graph(found, {one.assistant_id: now.state(one.assistant_id) for one in found})
    names = {one.assistant_id: one.assistant_name for one in fleet_pack().assistants}
    needed_by = {
        name: [other.assistant_name for other in fleet_pack().assistants if name in other.depends_on] for name in names
    }
    rows = pl.DataFrame(
        [
            {
                "assistant_name": one.assistant_name,
                "state": state_word(now.state(one.assistant_id)),
                "needs": ", ".join(names.get(name, name) for name in one.depends_on) or None,
                "is_needed_by": ", ".join(needed_by[one.assistant_id]) or None,
                "backup": names.get(one.backup_assistant_id or ""),
            }
            for one in found
        ],
        schema_overrides={"needs": pl.String, "is_needed_by": pl.String, "backup": pl.String},
    )
    show_table(
        rows,
        title="Dependencies",
        pin=pin,
        empty="No assistant needs another.",
        columns={"is_needed_by": st.column_config.TextColumn("Is needed by")},
    )


def _communication(pin: Pin, shown: set[str]) -> None:
    rows = edge_rows(handoff_edges(pin), shown)
    outside = rows.filter(pl.col("edge").str.starts_with("✗"))
    note = "Who may hand work to whom, by the pack's communication matrix, and what went over each edge in 30 days."
    if outside.height:
        note += f" {plural(int(outside['handoff_count'].sum()), 'handoff')} went over {plural(outside.height, 'pair')} that the matrix has not."
    show_table(
        rows,
        title="Communication",
        pin=pin,
        empty=f"The pack {code_words(fleet_pack().name)} allows no edge: add them to its sharing.yaml.",
        note=note,
        columns=EDGE_COLUMNS,
        height=640,
    )


page()
