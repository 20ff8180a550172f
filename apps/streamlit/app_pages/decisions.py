"""What was decided, why, what came of it, and a person's change of it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps.streamlit.reads.decision_detail import decision_detail
from apps.streamlit.reads.decisions import LIST_LIMIT, DecisionFilter, DecisionShow, assistant_names, list_decisions
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import require
from apps.streamlit.ui.decision_details import QUESTIONS
from apps.streamlit.ui.decision_view import show_decision
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, aed, count, plural, share, usd
from aurora.audit.records import HUMAN
from contracts.vocabulary import DECISION_KINDS

_SHOWS: dict[str, DecisionShow] = {
    "All": "all",
    "Waiting for you": "waiting",
    "Chosen": "chosen",
    "Left to a person": "abstained",
    "Changed": "overridden",
    "Failed": "failed",
}
_PARAMETER = "decision"
_MODES = {"advise": "Advice", "shadow": "Only watched", "act": "To be acted on"}


def page() -> None:
    """One decision when the address names it, else the list."""
    viewer = require("viewer")
    pin = pin_or_first_start()
    decision_id = st.query_params.get(_PARAMETER)
    if decision_id is None:
        _list(pin)
        return
    if st.button("All decisions", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params[_PARAMETER]
        st.rerun()
    detail = decision_detail(pin, decision_id)
    if detail is None:
        st.title("There is no such decision", anchor=False)
        st.info(
            f"The journal of {pin.tenant} holds no decision {decision_id[:64]!r}. Go back and choose one from the list.",
            icon=":material/search_off:",
        )
        return
    show_decision(detail, pin, viewer, assistant_names(pin))


def _list(pin: Pin) -> None:
    head = st.container()
    wanted = _filter()
    found = list_decisions(pin, wanted)
    with head:
        headline(_sentence(found, wanted), pin, has_money=found.height > 0)
        if wanted == DecisionFilter():
            _tiles(found)
    shown = found.select(
        "decided_at",
        _result(assistant_names(pin)).alias("result"),
        pl.col("decision_kind").replace(QUESTIONS).alias("question"),
        "confidence",
        pl.when(pl.col("is_success")).then(pl.lit("✓ Good")).when(pl.col("is_success").not_()).then(pl.lit("✗ Bad"))
        .otherwise(pl.lit(NOTHING)).alias("outcome"),
        "reason",
        "expected_cost_usd", "baseline_cost_usd", "actor_id", "decision_id",
    )  # fmt: skip
    picked = show_table(
        shown,
        title="Decisions",
        pin=pin,
        empty="No decision fits. Widen the filter; or make one: `/docs` has a call of `POST /api/v1/decisions` that works.",
        note=f"Choose a row to see why. The newest {LIST_LIMIT} that fit; narrow the filter for older ones.",
        full=lambda: found,
        columns={"reason": st.column_config.TextColumn("Why", width=300)},
        on_select=True,
        height=min(640, 80 + 35 * max(1, shown.height)),
    )
    if picked is not None:
        st.query_params[_PARAMETER] = found["decision_id"][picked]
        st.rerun()


def _filter() -> DecisionFilter:
    show = st.pills("Show", list(_SHOWS), default="All", required=True, key="show", bind="query-params")
    with st.container(horizontal=True, vertical_alignment="top"):
        kind = st.selectbox(
            "Question",
            [None, *DECISION_KINDS],
            format_func=lambda k: "All questions" if k is None else QUESTIONS[k],
            width=250,
        )
        mode = st.selectbox(
            "Asked as",
            [None, *_MODES],
            format_func=lambda m: "Any" if m is None else _MODES[m],
            width=160,
            help="What the asker wanted: advice, only a record, or a decision to act on",
        )
        text = st.text_input("Search", placeholder="id, action, who, why", max_chars=100, width=220)
    return DecisionFilter(show=_SHOWS[show or "All"], kind=kind, mode=mode, text=text.strip())


def _sentence(found: pl.DataFrame, wanted: DecisionFilter) -> str:
    waiting = found.filter(pl.col("needs_human")).height
    needs = (
        f"{plural(waiting, 'decision')} wait{'s' if waiting == 1 else ''} for you"
        if waiting
        else "No decision waits for you"
    )
    if wanted == DecisionFilter():
        if not found.height:
            return "No decision has been made yet."
        return f"{needs}. The engine decided {'at least ' if found.height == LIST_LIMIT else ''}{plural(found.height, 'time')}."
    if wanted == DecisionFilter(show="waiting"):
        return f"{needs}."
    return f"{plural(found.height, 'decision fits', 'decisions fit')} the filter."


def _tiles(found: pl.DataFrame) -> None:
    if not found.height:
        return
    chosen = found.filter(pl.col("decision_status") == "chosen")
    saved = float((chosen["baseline_cost_usd"] - chosen["expected_cost_usd"]).drop_nulls().sum())
    judged = found["is_success"].drop_nulls()
    good = int(judged.sum())
    with tiles():
        tile("Chosen", share(chosen.height / found.height), explained=f"{count(chosen.height)} of those listed")
        tile(
            "Went well",
            share(good / judged.len()) if judged.len() else NOTHING,
            explained=f"Of {count(judged.len())} with an outcome",
        )
        tile("Changed", count(found.filter("is_overridden").height), explained="By a person, with a reason")
        tile("Expected saving", aed(saved), explained=f"{usd(saved)} against the best single choice each time")


def _result(names: dict[str, str]) -> pl.Expr:
    action, override_action = (
        pl.col(column).replace({**names, HUMAN: "a person"}).fill_null("?") for column in ("action", "override_action")
    )
    return (
        pl.when("is_overridden")
        .then(pl.concat_str(pl.lit("✎ Changed to "), override_action))
        .when(pl.col("needs_human"))
        .then(pl.lit("! Waits for you"))
        .when(pl.col("decision_status") == "abstained")
        .then(pl.lit("○ Left to a person"))
        .otherwise(pl.concat_str(pl.lit("✓ "), action))
    )


page()
