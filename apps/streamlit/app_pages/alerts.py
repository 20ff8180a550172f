"""Alerts: what is open and what to do about it, how right each rule was, where messages went."""

from __future__ import annotations

import datetime as dt
from typing import Final

import streamlit as st

from apps.streamlit import alert_acts
from apps.streamlit.reads.alerts import (
    AlertView,
    alert_view,
    channel_table,
    curve,
    delivery_table,
    precision_table,
    weekly,
)
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui import charts
from apps.streamlit.ui.access import Viewer, require
from apps.streamlit.ui.alert_cards import alert_card, show_flash, told
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, count, interval, plain, plural, share
from aurora.alerts.reads import Shown
from aurora.alerts.rules import Channel
from aurora.alerts.triage import MIN_LABELS, precision
from aurora.errors import DataError
from contracts.messages.alerts import AlertTier

_SHOWS: Final[dict[str, tuple[Shown, AlertTier | None]]] = {
    "Pages": ("open", "page"),
    "Digest": ("open", "digest"),
    "Acknowledged": ("acknowledged", None),
    "Over": ("resolved", None),
}
_CARDS: Final = 10


def page() -> None:
    """Headline and three tabs; only the open one is read."""
    viewer = require("viewer")
    pin = pin_or_first_start()
    view, now = alert_view(pin), dt.datetime.now(dt.UTC)
    headline(_sentence(view), pin)
    show_flash()
    names = ("Open", "Rules", "Deliveries")
    for name, tab in zip(names, st.tabs(names, key="tab", on_change="rerun", bind="query-params"), strict=True):
        if tab.open:
            with tab:
                _tab(name, view, pin, viewer, now)


def _tab(name: str, view: AlertView, pin: Pin, viewer: Viewer, now: dt.datetime) -> None:
    match name:
        case "Open":
            _alerts(view, pin, viewer)
        case "Rules":
            _rules(view, pin, viewer, now)
        case _:
            _deliveries(view, pin, viewer)


def _sentence(view: AlertView) -> str:
    pages, digest = len(view.alerts("open", "page")), len(view.alerts("open", "digest"))
    if not view.book.alerts:
        return "No rule has alerted yet."
    needs = f"{plural(pages, 'page')} need{'s' if pages == 1 else ''} you" if pages else "No page needs you"
    return f"{needs}; {plural(digest, 'alert')} may be worth a look." if digest else f"{needs}."


def _alerts(view: AlertView, pin: Pin, viewer: Viewer) -> None:
    show = st.pills("Show", list(_SHOWS), default="Pages", required=True, key="show", bind="query-params")
    state, tier = _SHOWS[show or "Pages"]
    found, titles = view.alerts(state, tier), view.titles()
    if not found:
        st.info(_empty(view, show or "Pages"), icon=":material/notifications:")
        return
    shown = int(st.session_state.get("alerts_shown", _CARDS))
    for alert in found[:shown]:
        alert_card(alert, titles.get(alert.rule_id, alert.rule_id), pin, viewer)
    if len(found) > shown:
        st.caption(f"{shown} of {plural(len(found), 'alert')}")
        st.button(f"Show {_CARDS} more", on_click=_more, args=(shown,), icon=":material/expand_more:")


def _more(shown: int) -> None:
    st.session_state["alerts_shown"] = shown + _CARDS


def _empty(view: AlertView, show: str) -> str:
    if not view.book.alerts:
        return (
            f"{plural(len(view.rules), 'rule')} watch budgets, states, accounts, clocks and oddities. While Aurora runs it "
            "judges them when figures change and each hour; `aurora alert run` does so now."
        )
    return {
        "Pages": "No page is open. What is less sure is under Digest.",
        "Digest": "Nothing waits for the digest.",
        "Acknowledged": "Nothing is acknowledged and still going on.",
        "Over": "No alert is over yet.",
    }[show]


def _rules(view: AlertView, pin: Pin, viewer: Viewer, now: dt.datetime) -> None:
    table = precision_table(view, now)
    said = [one.alert_label for one in view.book.alerts.values() if one.alert_label is not None]
    whole = precision(said.count("relevant"), said.count("noise"))
    with tiles():
        tile("Alerts raised", count(len(view.book.alerts)))
        tile("Labelled", count(whole.labelled_count), explained="One click each: relevant or noise")
        told_share = NOTHING if whole.share is None else f"{share(whole.share)}"
        tile(
            "Relevant",
            told_share,
            explained=f"95 % interval {interval(whole.low, whole.high, 'share')}, n = {whole.labelled_count}",
        )
        tile("Mute rules", count(table["mute"].drop_nulls().len()))
    show_table(
        table,
        title="Rules",
        pin=pin,
        empty="There is no rule.",
        note=f"Precision is the share of labelled alerts that were relevant, with its 95 % interval. From {MIN_LABELS} labels "
        "on, a rule that is mostly noise mutes itself, and a detecting rule pages from the threshold its labels give.",
        columns={
            "rule": st.column_config.TextColumn("Rule", width=260),
            "precision_share": st.column_config.NumberColumn("Precision", format="percent"),
            "low_share": st.column_config.NumberColumn("At least (95 %)", format="percent"),
            "high_share": st.column_config.NumberColumn("At most (95 %)", format="percent"),
            "page_from": st.column_config.NumberColumn("Pages from", format="%.2f", help="Consensus of the detectors"),
            "suggested_limit": st.column_config.NumberColumn("Suggested limit", format="%.4g", help="By its labels; set it in alerts.yaml"),
            "mute": st.column_config.TextColumn("Mute because", width="large"),
        },
        order=(
            "rule", "raised_count", "labelled_count", "precision_share", "low_share", "high_share", "page_from",
            "suggested_limit", "mute",
        ),
        height=560,
    )  # fmt: skip
    _lift(view, pin, viewer, now)
    history = weekly(view)
    if history.height:
        st.markdown("#### Alerts a week, and what was said of them")
        charts.alerts_by_week(history)
    _curves(view)


def _lift(view: AlertView, pin: Pin, viewer: Viewer, now: dt.datetime) -> None:
    active = [target for target in view.book.mutes if view.book.muted([target], now) is not None]
    if not active or not viewer.reaches("operator"):
        return
    titles = view.titles()
    for target in sorted(active):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name, reason = titles.get(target, target), view.book.mutes[target].reason
            st.markdown(f":material/notifications_off: **{plain(name)}**: {plain(reason)}", width="content")
            st.button(
                "Lift the mute",
                key=f"lift_{target}",
                on_click=told,
                args=("It is heard again.", lambda target=target: _lifted(pin, target, viewer)),
            )


def _lifted(pin: Pin, target: str, viewer: Viewer) -> None:
    alert_acts.mute(pin, target, reason="Lifted on the page", hours=None, viewer=viewer, lift=True)


def _curves(view: AlertView) -> None:
    titles = view.titles()
    scored = {rule.rule_id: view.book.scores_of(rule.rule_id) for rule in view.rules if rule.detects}
    known = {rule_id: found for rule_id, found in scored.items() if found}
    if not known:
        return
    st.markdown("#### Precision by threshold, from your labels")
    chosen = st.selectbox("Rule", list(known), format_func=lambda rule_id: titles[rule_id])
    charts.precision_curve(curve(known[chosen]))


def _deliveries(view: AlertView, pin: Pin, viewer: Viewer) -> None:
    show_table(
        channel_table(view),
        title="Channels",
        pin=pin,
        empty="No channel is set up: alerts are on this page alone. Write one into alerts.yaml of the tenant's folder: a webhook, "
        "Slack, e-mail or a file.",
        note="Pages go out at once, the digest once a period.",
        columns={
            "last_taken_at": st.column_config.DatetimeColumn(
                "Last took one", format="D MMM YYYY, HH:mm", timezone="Asia/Dubai"
            )
        },
    )
    if viewer.reaches("operator"):
        with st.container(horizontal=True, gap="xsmall"):
            for channel in view.own.channels:
                st.button(
                    f"Test {channel.name}",
                    key=f"test_{channel.name}",
                    icon=":material/send:",
                    on_click=told,
                    args=(
                        f"{channel.name} took the test message.",
                        lambda channel=channel: _tested(pin, channel, viewer),
                    ),
                )
    show_table(
        delivery_table(view),
        title="Deliveries",
        pin=pin,
        empty="Nothing was sent yet.",
        note="The newest 200. What failed is tried again with the next round.",
        columns={
            "alert_count": st.column_config.NumberColumn("Alerts"),
            "attempt_count": st.column_config.NumberColumn("Tries"),
        },
        height=480,
    )


def _tested(pin: Pin, channel: Channel, viewer: Viewer) -> None:
    outcome = alert_acts.try_channel(pin, channel, viewer=viewer)
    if not outcome.is_delivered:
        raise DataError(
            f"{channel.name} did not take it: {outcome.problem}",
            field=channel.name,
            rule="delivered",
            next_step="Correct it in the tenant's alerts.yaml.",
        )


page()
