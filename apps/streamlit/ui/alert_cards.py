"""An alert as a card: what changed, since when, likely cause, what to do, and one click each to act on it.

A click is done before the page is drawn again, so it costs one drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import streamlit as st

from apps.streamlit import alert_acts
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.wording import gulf_time, plain
from aurora.alerts.reads import state_of
from aurora.errors import AuroraError
from contracts.messages.alerts import Alert, AlertLabel, Severity

FLASH: Final = "alerts_flash"
_HOURS: Final[dict[str, float | None]] = {
    "1 hour": 1.0,
    "4 hours": 4.0,
    "1 day": 24.0,
    "1 week": 168.0,
    "For good": None,
}
_COLORS: Final[dict[Severity, Literal["red", "orange", "yellow", "gray", "blue"]]] = {
    "critical": "red", "high": "orange", "medium": "yellow", "low": "gray", "info": "blue",
}  # fmt: skip
_LABELS: Final[dict[AlertLabel, tuple[str, str]]] = {
    "relevant": ("Relevant", ":material/thumb_up:"),
    "noise": ("Noise", ":material/thumb_down:"),
}


def alert_card(alert: Alert, title: str, pin: Pin, viewer: Viewer) -> None:
    """One alert and what can be done about it."""
    with st.container(border=True, gap="xsmall"):
        _badges(alert, title)
        st.markdown(f"**{plain(alert.summary)}**")
        since = f"Since {gulf_time(alert.since)} · " if alert.since is not None else ""
        st.caption(f"{since}raised {gulf_time(alert.raised_at)}{_came_to(alert)}")
        st.markdown(
            f":gray[Likely cause:] {plain(alert.cause or 'not known')}  \n:gray[Do:] {plain(alert.suggested_action)}"
        )
        if viewer.reaches("operator"):
            _actions(alert, pin, viewer)


def _badges(alert: Alert, title: str) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        icon = ":material/notifications_active:" if alert.tier == "page" else ":material/inbox:"
        st.badge(alert.tier.capitalize(), icon=icon, color="red" if alert.tier == "page" else "gray")
        st.badge(alert.severity.capitalize(), color=_COLORS[alert.severity])
        if alert.is_simulated or alert.is_sample:
            st.badge("Simulated" if alert.is_simulated else "Sample data", icon=":material/science:", color="violet")
        st.caption(title, width="content")


def _came_to(alert: Alert) -> str:
    if alert.resolved_at is not None:
        return f" · over {gulf_time(alert.resolved_at)}"
    return (
        "" if alert.acknowledged_at is None else f" · {alert.actor_id} knows since {gulf_time(alert.acknowledged_at)}"
    )


def _actions(alert: Alert, pin: Pin, viewer: Viewer) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for said, (word, icon) in _LABELS.items():
            is_said = alert.alert_label == said
            st.button(
                word,
                icon=icon,
                key=f"{said}_{alert.alert_id}",
                type="primary" if is_said else "secondary",
                disabled=is_said,
                on_click=told,
                args=(
                    f"Noted: {word.lower()}.",
                    lambda said=said: alert_acts.label(pin, alert.alert_id, said, viewer=viewer),
                ),
            )
        if state_of(alert) == "open":
            st.button(
                "Acknowledge",
                icon=":material/check:",
                key=f"ack_{alert.alert_id}",
                help="You know. It is not raised again while it lasts.",
                on_click=told,
                args=("Acknowledged.", lambda: alert_acts.acknowledge(pin, alert.alert_id, viewer=viewer)),
            )
        if state_of(alert) != "resolved":
            _mute(alert, pin, viewer)


def _mute(alert: Alert, pin: Pin, viewer: Viewer) -> None:
    key = f"mute_{alert.alert_id}"
    with st.popover("Mute", icon=":material/notifications_off:"), st.form(key, border=False):
        what = st.radio("What", ("This subject", "The whole rule"), horizontal=True, key=f"{key}_what")
        hours = st.selectbox("For how long", list(_HOURS), key=f"{key}_hours")
        reason = st.text_input("Why", max_chars=200, key=f"{key}_why", placeholder="Maintenance until four")
        if st.form_submit_button("Mute", type="primary"):
            target = alert.dedupe_key if what == "This subject" else alert.rule_id
            told("Muted.", lambda: alert_acts.mute(pin, target, reason=reason, hours=_HOURS[hours], viewer=viewer))
            st.rerun()


def told(done: str, act: Callable[[], object]) -> None:
    """Do it, and leave word of how it went for the next drawing of the page."""
    try:
        act()
    except AuroraError as error:
        st.session_state[FLASH] = ("error", f"{error.message} {error.next_step}")
    else:
        st.session_state[FLASH] = ("done", done)


def show_flash() -> None:
    """How the last click went, once."""
    kind, text = st.session_state.pop(FLASH, ("", ""))
    if kind == "error":
        st.error(text, icon=":material/error:")
    elif kind:
        st.toast(text, icon=":material/check_circle:")
