"""One assistant on the page: how it is now, its history, its work, its partners, its controls."""

from __future__ import annotations

import datetime as dt

import msgspec
import polars as pl
import streamlit as st

from apps.streamlit.reads.assistant import AssistantHistory, assistant_history, handoff_edges
from apps.streamlit.reads.fleet import FleetFacts, declared_assistant, fleet_facts, fleet_now, fleet_pack
from apps.streamlit.reads.lake import Pin, current_settings
from apps.streamlit.ui import charts
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.assistant_control import show_control
from apps.streamlit.ui.explained import explain
from apps.streamlit.ui.fleet_cards import LIVE_S, labels, state_badge
from apps.streamlit.ui.fleet_edges import EDGE_COLUMNS, edge_rows
from apps.streamlit.ui.fleet_graph import dependency_graph
from apps.streamlit.ui.fleet_words import THRESHOLDS, last_ping, load_words, points, points_change, state_word
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, aed, count, duration, gulf_time, plain, precise, share, usd
from aurora.assistants.card import agent_card
from aurora.assistants.health import PERFORMANCE_FORMULA
from aurora.packs.assistants import Assistant
from contracts.messages.commands import LiveAssistant

_TABS = ("Overview", "Work", "Connections", "Control")
_STATE_ORDER = ["Active", "Degraded", "Down", "Switched off"]


def show_assistant(assistant_id: str, pin: Pin, viewer: Viewer) -> None:
    """The whole page of one assistant; only the open tab is computed."""
    assistant = declared_assistant(assistant_id)
    if assistant is None:
        st.title("There is no such assistant", anchor=False)
        st.info(
            f"The pack {fleet_pack().name} declares no assistant {assistant_id[:64]!r}. Go back and choose one.",
            icon=":material/search_off:",
        )
        return
    state = state_word(fleet_now(pin).state(assistant_id)).lower()
    headline(f"{assistant.assistant_name}, {assistant.role}: {state}", pin, has_money=True)
    _now(pin, assistant)
    opened = st.tabs(_TABS, key="assistant_tab", on_change="rerun", bind="query-params")
    for name, tab in zip(_TABS, opened, strict=True):
        if tab.open:
            with tab:
                _tab(name, pin, assistant, viewer)


def _tab(name: str, pin: Pin, assistant: Assistant, viewer: Viewer) -> None:
    history = assistant_history(pin, assistant.assistant_id)
    match name:
        case "Overview":
            _overview(pin, assistant, history, fleet_facts(pin))
        case "Work":
            _work(pin, history)
        case "Connections":
            _connections(pin, assistant)
        case _:
            show_control(pin, assistant, viewer)


@st.fragment(run_every=LIVE_S)
def _now(pin: Pin, assistant: Assistant) -> None:
    now, at = fleet_now(pin), dt.datetime.now(dt.UTC)
    name = assistant.assistant_id
    live, off = now.of(name), now.off.get(name)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        state_badge(now, name)
        labels(assistant, now)
    if off is not None:
        st.warning(
            f"Switched off by **{plain(off.actor_id)}**: {plain(off.reason)}", icon=":material/power_settings_new:"
        )
    elif name not in now.connected:
        st.info(
            f"{assistant.assistant_name} is not connected. `aurora assistant connect {name} URL` connects it; "
            "`aurora twin up --connect` runs and connects a simulated one.",
            icon=":material/link_off:",
        )
    elif live is None:
        st.info("Nobody polls the assistants now. Start Aurora: `make run` or `aurora up`.", icon=":material/info:")
    else:
        since = f" Since {gulf_time(live.since)}." if live.since else ""
        st.caption(f"{plain(live.reason)}{since}")
    latency = live.latency if live and _is_asked(live) else None
    with tiles():
        tile("Score now", f"{points(live.performance_score if live else None)} of 100", explained=PERFORMANCE_FORMULA)
        tile("Last ping", last_ping(live, at).split(",")[0], explained=last_ping(live, at))
        tile(
            "Load",
            load_words(live, assistant.capacity_count).removesuffix(" tasks"),
            explained="Open tasks of capacity",
        )
        tile(
            "Failed",
            share(live.error_share if live and latency else None),
            explained="Of its requests, as it says itself",
        )
        tile(
            "p95",
            duration(latency.p95_ms if latency else None),
            explained="95 of 100 requests are faster; – while nothing is asked",
        )


def _is_asked(live: LiveAssistant) -> bool:
    """Whether anything was asked of it in its window: without a request it has neither latency nor failures."""
    return live.latency is not None and live.latency.p95_ms > 0


def _overview(pin: Pin, assistant: Assistant, history: AssistantHistory, facts: FleetFacts) -> None:
    _scores(pin, assistant, facts)
    _thresholds(pin, assistant)
    section("Spend by day", "AI operations, in the last 30 days of data.")
    if history.days.drop_nulls("cost_usd").is_empty():
        st.info("No AI operation of it has a price yet.", icon=":material/info:")
    else:
        spend = history.days.with_columns(assistant_name=pl.lit(assistant.assistant_name))
        charts.spend_by_day(spend.drop_nulls("cost_usd"), "assistant_name", "Assistant")
    _states(pin, history)
    show_table(
        history.days.sort("period_date", descending=True),
        title="Days",
        pin=pin,
        empty="It has done nothing yet.",
        note="Tasks, AI operations, conversations, uptime and handoffs by day.",
        columns=_day_columns(),
        height=420,
    )


def _scores(pin: Pin, assistant: Assistant, facts: FleetFacts) -> None:
    section("Performance", "Over days, from what it did. 100 is best.")
    month, week = facts.score(assistant.assistant_id, 30), facts.score(assistant.assistant_id, 7)
    if not month:
        st.info("No task with a known result yet: the score comes with the first.", icon=":material/info:")
        return
    fact = facts.fact(assistant.assistant_id)
    with tiles():
        for days, row in ((30, month), (7, week)):
            score = row.get("performance_score")
            tile(
                f"Score, {days} days",
                f"{points(score)} of 100",
                explained=points_change(row.get("score_change"), days)
                or f"There is no score of the {days} days before.",
            )
        for name, said, meaning in (
            ("response_share", "Response time", "Usual time of its kinds of task over the time they took; 25 %"),
            ("accuracy_share", "Accuracy", "Tasks that succeeded over tasks with a result; 40 %"),
            ("cost_score_share", "Cost", "Usual cost of its kinds of task over what they cost; 15 %"),
            ("compliance_share", "Compliance", "Handoffs within the matrix and their contract; 20 %"),
        ):
            tile(said, share(month.get(name)), explained=f"{meaning} of the score, 30 days")
        tile("Spend, 30 days", aed(fact.get("cost_usd_30d")), explained=usd(fact.get("cost_usd_30d")))
        tile("Tasks, 30 days", count(fact.get("task_count_30d")))
    explain("the score", ("assistant_scores",), pin)


def _thresholds(pin: Pin, assistant: Assistant) -> None:
    live = fleet_now(pin).of(assistant.assistant_id)
    limits = dict(live.thresholds) if live else {}
    values: dict[str, float | None] = {}
    if live is not None:
        values = {
            "min_uptime_share": live.uptime_share,
            "max_error_share": live.error_share if _is_asked(live) else None,
            "max_latency_p95_ms": live.latency.p95_ms if live.latency and _is_asked(live) else None,
            "max_open_share": live.open_task_count / live.capacity_count
            if live.open_task_count is not None and live.capacity_count
            else None,
        }
    rows = []
    for name, (said, bound) in THRESHOLDS.items():
        limit, value = limits.get(name, getattr(assistant.thresholds, name)), values.get(name)
        unit = "ms" if name.endswith("_ms") else "share"
        is_kept = None if value is None else value >= limit if bound == "at least" else value <= limit
        rows.append({
            "what": said, "now": precise(value, unit), "threshold": f"{bound} {precise(limit, unit)}",
            "verdict": "– Not known" if is_kept is None else "✓ Kept" if is_kept else "✗ Beyond",
        })  # fmt: skip
    show_table(
        pl.DataFrame(rows),
        title="Thresholds",
        pin=pin,
        empty="It has no threshold.",
        note="Beyond them for two polls in a row, it counts as degraded.",
    )


def _states(pin: Pin, history: AssistantHistory) -> None:
    told = history.states.with_columns(
        state=pl.col("assistant_state").replace_strict(
            {"active": "Active", "degraded": "Degraded", "down": "Down", "disabled": "Switched off"}, default="Other"
        ),
        held_text=pl.col("held_s").map_elements(_held, return_dtype=pl.String),
    )
    section("State history", "As reported; the last 30 days of data.")
    if told.height:
        known = set(told["state"].to_list())
        charts.states_by_time(told, [name for name in _STATE_ORDER if name in known])
    show_table(
        told.select("state", "started_at", "until_at", pl.col("held_text").alias("for")),
        title="States",
        pin=pin,
        empty="No report of its state has landed. Aurora's poller writes one a minute for each connected assistant.",
        height=320,
    )


def _held(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:,.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:,.1f} days"


def _work(pin: Pin, history: AssistantHistory) -> None:
    skills = history.skills.with_columns(task_type=pl.col("task_type").str.replace_all("_", " "))
    show_table(
        skills,
        title="Skills",
        pin=pin,
        empty="It has done no task yet.",
        note="What it did by kind of work, in the last 90 days of data.",
        columns={
            "success_share": st.column_config.ProgressColumn("Succeeded", format="percent", min_value=0, max_value=1),
            "cost_usd_mean": st.column_config.NumberColumn("Mean cost (USD)", format="%.4f"),
            "open_task_count": st.column_config.NumberColumn("Open", format="localized"),
        },
    )
    tasks = history.tasks.with_columns(
        outcome=pl.when(pl.col("is_success")).then(pl.lit("✓ Succeeded"))
        .when(pl.col("is_success").not_()).then(pl.lit("✗ Failed")).otherwise(pl.lit(NOTHING)),
        task_type=pl.col("task_type").str.replace_all("_", " "),
    ).drop("is_success")  # fmt: skip
    show_table(
        tasks,
        title="Recent tasks",
        pin=pin,
        empty="No task in the last three days of data.",
        order=[
            "submitted_at",
            "task_type",
            "task_state",
            "outcome",
            "quality",
            "duration_ms",
            "cost_usd",
            "priority",
            "task_id",
        ],
        columns={"cost_usd": st.column_config.NumberColumn("Cost (USD)", format="%.4f")},
        height=420,
    )


def _connections(pin: Pin, assistant: Assistant) -> None:
    now, pack = fleet_now(pin), fleet_pack()
    section("Who needs whom", "An arrow goes from who needs to who is needed; a dashed one to the backup.")
    states = {one.assistant_id: now.state(one.assistant_id) for one in pack.assistants}
    dependency_graph(pack.assistants, states, about=assistant.assistant_id)
    rows = edge_rows(handoff_edges(pin), {assistant.assistant_id})
    show_table(
        rows,
        title="Communication",
        pin=pin,
        empty="It may hand nothing over, and nobody hands anything to it.",
        note="Edges of the communication matrix with what went over them in 30 days.",
        columns=EDGE_COLUMNS,
        height=420,
    )
    with st.expander("Agent card (A2A 1.0)"):
        card = agent_card(assistant, pack, base_url=current_settings().callback_base, organization=pin.tenant)
        st.json(msgspec.json.encode(card).decode("utf-8"), expanded=1)


def _day_columns() -> dict[str, object]:
    return {
        "success_share": st.column_config.NumberColumn("Succeeded", format="percent"),
        "quality_mean": st.column_config.NumberColumn("Mean quality", format="percent"),
        "task_p50_ms": st.column_config.NumberColumn("Task p50 (ms)", format="localized"),
        "task_p95_ms": st.column_config.NumberColumn("Task p95 (ms)", format="localized"),
        "task_p99_ms": st.column_config.NumberColumn("Task p99 (ms)", format="localized"),
        "duration_p95_ms": st.column_config.NumberColumn("AI operation p95 (ms)", format="localized"),
        "uptime_share": st.column_config.NumberColumn("Uptime", format="percent"),
        "handoff_count": st.column_config.NumberColumn("Handoffs sent", format="localized"),
        "handoff_error_count": st.column_config.NumberColumn("Of them failed", format="localized"),
        "received_count": st.column_config.NumberColumn("Handoffs received", format="localized"),
        "open_count": st.column_config.NumberColumn("Open tasks", format="localized"),
    }
