"""Policies: who decides each kind, who is tried, how far it may act, on what evidence, and what another would have done."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.reads.policies import BUNDLED, PoliciesNow, at_work, policies_now, steps_frame
from apps.streamlit.ui.access import require
from apps.streamlit.ui.decision_details import QUESTIONS
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline
from apps.streamlit.ui.policy_view import show_evidence, show_mode, show_standing, show_stop
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.what_if_view import show_what_if
from apps.streamlit.ui.wording import plural
from contracts.messages.decisions import DecisionKind


def page() -> None:
    """Headline and switch; then one kind of decision at a time."""
    viewer = require("viewer")
    pin = pin_or_first_start()
    now = policies_now(pin)
    headline(_sentence(now), pin, has_money=True)
    show_stop(now, pin, viewer)
    kind = _choose(now)
    show_standing(now, kind)
    show_mode(now, kind, pin, viewer)
    if kind == BUNDLED:
        show_evidence(now, pin, viewer)
    show_what_if(now, kind, pin)
    show_table(
        at_work(pin, kind),
        title="At work",
        pin=pin,
        empty="No decision of this kind is in the lake yet. `POST /api/v1/decisions` makes one; the next build brings it here.",
        note="What each policy decided, and what came of it. Policies that decided other work are not compared by this; "
        "the what-if is.",
        columns={
            "policy_id": st.column_config.TextColumn("Policy"),
            "judged_count": st.column_config.NumberColumn("With an outcome"),
            "success_share": st.column_config.NumberColumn("Went well", format="percent"),
            "overridden_count": st.column_config.NumberColumn("Changed by a person"),
        },
    )
    show_table(
        steps_frame(now, kind),
        title="History",
        pin=pin,
        empty="Nobody changed anything: it is as policies.yaml and the first training have it.",
        note="Every step of the learning loop and every change by a person, as sealed in the audit log.",
    )


def _sentence(now: PoliciesNow) -> str:
    if now.modes.is_stopped:
        return "Decisions are stopped: all of them advise."
    acting = sum(one.act_share > 0 for one in now.modes.kinds)
    tried = sum(one.shadow_policy is not None for one in now.modes.kinds) + ("challenger" in now.bundles)
    beside = f"{plural(tried, 'other runs', 'others run')} beside them" if tried else "no other runs beside them"
    return f"Policies of {acting} of {plural(len(now.modes.kinds), 'kind')} of decisions may act; {beside}."


def _choose(now: PoliciesNow) -> DecisionKind:
    known = {one.kind for one in now.modes.kinds}
    kinds: list[DecisionKind] = [kind for kind in QUESTIONS if kind in known]
    named = st.query_params.get("kind")
    first = next((kind for kind in kinds if kind == named), BUNDLED if BUNDLED in kinds else kinds[0])
    chosen = st.pills(
        "Question", kinds, default=first, required=True, format_func=lambda kind: QUESTIONS[kind], key="policy_kind"
    )
    st.query_params["kind"] = chosen
    return chosen


page()
