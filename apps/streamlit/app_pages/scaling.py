"""Scaling: what the next hour will ask for, how many replicas that takes, and whether planning ahead has paid."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.scaling import (
    acts_frame,
    capacity_book,
    demand_frame,
    evidence_frame,
    replica_frame,
    way_frame,
)
from apps.streamlit.ui.access import require
from apps.streamlit.ui.capacity_charts import demand_band, replicas_by_way
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, count, gulf_time, plural, share
from aurora.decisions.capacity.book import CapacityBook, TargetCapacity
from aurora.decisions.capacity.plan import quantile_of

_DECIDED = {
    "forecast": "the forecast", "reactive": "demand of late", "both": "forecast and demand of late alike",
    "held": "nothing new: the figure stays", "minimum": "the lower limit", "maximum": "the upper limit",
}  # fmt: skip
_HOW = (
    "Demand is counted in windows of ten minutes. A forecast says the next hour's demand with a band: in nine windows "
    "of ten it should come inside, and the band widens or narrows with each window that was missed or met. The plan "
    "is the larger of the forecast's upper edge and what demand of late asks for. It replaces the autoscaler, which "
    "looks at demand of late alone, only where a replay over days that the forecast had never seen took fewer "
    "replica-hours, with demand beyond capacity in at most 1 % of windows. Afterwards it is held to that: it takes fewer "
    "replicas than the autoscaler only while another spell of too much demand would be within that 1 %, makes amends "
    "when it had more of them than the autoscaler, and takes more only out of what it has saved. Times in which an assistant was down count as unknown, not as quiet."
)


def page() -> None:
    """Headline; one target's forecast, plan and simulation; the evidence for all."""
    require("viewer")
    pin = pin_or_first_start()
    book = capacity_book(pin)
    if book is None or not book.targets:
        headline("No demand is forecast yet.", pin)
        why = "Nothing was published so far." if book is None else book.reason
        st.info(
            f"{why} Forecasts are made each hour by the schedule `capacity`, or now by `aurora capacity train`; "
            "they need five days of usage. `aurora twin history --build` brings a simulated brokerage's.",
            icon=":material/info:",
        )
        return
    headline(_sentence(book), pin, data_to=book.data_to.date() if book.data_to else None)
    target = _choose(book)
    _now(target)
    _acts(pin, target)
    _forecast(target)
    _simulation(pin, target)
    _evidence(pin, book)
    with st.expander("How this works", icon=":material/help:"):
        st.markdown(_HOW)


def _sentence(book: CapacityBook) -> str:
    able = sum(one.evidence is not None and one.evidence.is_promoted for one in book.targets)
    of = plural(len(book.targets), "assistant or language model", "assistants and language models")
    if not able:
        return f"Planning ahead has not paid for any of {of}; the autoscaler plans."
    return f"Planning ahead has paid for {able} of {of}; the autoscaler plans the rest."


def _choose(book: CapacityBook) -> TargetCapacity:
    by_id = {one.target_id: one for one in book.targets}
    first = next((one for one in book.targets if one.evidence and one.evidence.is_promoted), book.targets[0])
    names = list(by_id)
    chosen = st.selectbox(
        "Assistant or language model", names, index=names.index(first.target_id), key="target", width=420
    )
    return by_id[chosen]


def _now(target: TargetCapacity) -> None:
    plan = target.plan(now=target.history.ends_at)
    section("Plan", f"For the ten minutes from {gulf_time(target.history.ends_at)}, the end of the data.")
    ahead = target.forecast.values if target.forecast else ()
    levels = target.forecast.levels if target.forecast else ()
    upper = max((quantile_of(levels, row, 0.95) for row in ahead), default=None)
    with tiles():
        tile("Replicas planned", count(plan.replicas), explained=plan.reason)
        tile("Autoscaler", count(plan.reactive_replicas), explained="What it would ask for: demand of late alone")
        tile("Forecast", count(plan.forecast_replicas), explained="Replicas for the forecast's planned quantile")
        tile(
            "Next hour, at most",
            NOTHING if upper is None else f"{upper * 60:,.3g} a min",
            explained="Requests a minute: the 95 % quantile of the busiest ten minutes",
        )
        tile(
            "One replica serves",
            f"{target.limits.replica_rate * 60:,.2g} a min",
            explained="Requests a minute. Taken so that the busiest 1 % of windows need as many replicas as the pack "
            "allows the assistant, 20 where it says nothing",
        )
    st.caption(f"Decided by {_DECIDED[plan.decided_by]}. {plan.reason}")


def _acts(pin: Pin, target: TargetCapacity) -> None:
    """What acting decisions had done to the target; for a language model, that nobody can."""
    section(
        "Carried out", "Commands that acting decisions of the kinds scale and rebalance sent, and what came of them."
    )
    if target.kind == "llm":
        st.caption("A language model's replicas are its provider's: Aurora plans them, and commands nobody.")
        return
    show_table(
        acts_frame(pin.paths, target.target_id),
        title="Carried out",
        pin=pin,
        empty="Nothing yet: decisions advise until a person lets them act, see `aurora decision mode --help`.",
    )


def _forecast(target: TargetCapacity) -> None:
    section("Demand and forecast", "The line is what came; the band is what was forecast an hour before.")
    if target.hindsight is not None:
        demand_band(demand_frame(target.hindsight, target.forecast))


def _simulation(pin: Pin, target: TargetCapacity) -> None:
    played = target.simulation
    if played is None:
        return
    section(
        "Simulation",
        f"The same {len(played.demand) * played.window_s / 86_400:.0f} days under three ways to plan. The fixed fleet "
        "is the smallest that would have done, known only afterwards.",
    )
    replicas_by_way(replica_frame(played))
    show_table(way_frame(played), title="Ways to plan", pin=pin, empty="Nothing was simulated.")


def _evidence(pin: Pin, book: CapacityBook) -> None:
    section(
        "Evidence",
        f"An hour ahead, forecasts were wrong by {share(book.wape)} of demand, the best simple forecast by "
        f"{share(book.naive_wape)}"
        + (f"; the 95 % quantile held in {share(book.coverage_95)} of windows." if book.coverage_95 else "."),
    )
    show_table(evidence_frame(book.targets), title="The gate, by target", pin=pin, empty="Nothing was judged yet.")


page()
