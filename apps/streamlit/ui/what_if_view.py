"""The what-if: a form that asks what another policy would have done, and its answer in words, figures and intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st

from apps.streamlit.reads.decisions import assistant_names
from apps.streamlit.reads.lake import Pin, current_settings
from apps.streamlit.reads.policies import BUNDLED, PoliciesNow
from apps.streamlit.ui.decision_details import called
from apps.streamlit.ui.page import section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import AED_PER_USD, NOTHING, aed, both, count, duration, money, plain, plural, share
from aurora.errors import AuroraError
from contracts.messages.decisions import DecisionKind

if TYPE_CHECKING:
    from ml.what_if.effect import Shift
    from ml.what_if.history import WhatIf

_MOST: Final = 2000
_THEN: Final = "as it was then"
_THOUSAND: Final = 1000
_NO_POINTS: Final = 0.0005
_NO_MS: Final = 0.5
_DAYS: Final = {"7 days": 7, "30 days": 30, "90 days": 90, "All": None}


def show_what_if(now: PoliciesNow, kind: DecisionKind, pin: Pin) -> None:
    """The form and, once it was sent, the answer. Nothing is changed by it."""
    section(
        "What if",
        f"Replays another policy over the newest {_MOST:,} decisions, on what each was made from. Nothing is changed.",
    )
    asked = _form(now, kind)
    key = f"what_if_{kind}"
    if asked is not None:
        st.session_state[key] = _run(asked, pin)
    found = st.session_state.get(key)
    if isinstance(found, AuroraError):
        st.warning(f"{plain(found.message)} {plain(found.next_step)}", icon=":material/help:")
    elif found is not None:
        _answer(found, pin)


def _form(now: PoliciesNow, kind: DecisionKind) -> dict[str, Any] | None:
    mode = now.kind(kind)
    able = now.able(kind)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            policy = st.selectbox(
                "Policy", able, index=able.index(mode.shadow_policy or mode.policy), key=f"try_{kind}", width=230
            )
            period = st.selectbox("Decisions of the last", list(_DAYS), index=1, key=f"days_{kind}", width=160)
            bundle = None
            if kind == BUNDLED and now.bundles:
                bundle = st.selectbox(
                    "Bundle",
                    [_THEN, *now.bundles],
                    format_func=lambda role: role.capitalize(),
                    key=f"bundle_{kind}",
                    width=180,
                )
        configured = now.policies[policy]
        with st.expander("Its settings", icon=":material/tune:"), st.container(horizontal=True):
            epsilon = _number("Exploration", configured.settings.epsilon, f"eps_{kind}_{policy}", most=0.5)
            floor = _number("Least confidence", configured.settings.min_confidence, f"floor_{kind}_{policy}", most=1.0)
            parameters = {
                name: _number(name.replace("_", " ").capitalize(), value, f"set_{kind}_{policy}_{name}")
                for name, value in configured.parameters.items()
            }
        is_sent = st.button("Replay it", icon=":material/history:", key=f"run_{kind}", type="primary")
    if not is_sent:
        return None
    changed = {name: value for name, value in parameters.items() if value != configured.parameters[name]}
    return {
        "kind": kind,
        "policy_id": policy,
        "bundle": None if bundle == _THEN else bundle,
        "epsilon": None if epsilon == configured.settings.epsilon else epsilon,
        "min_confidence": None if floor == configured.settings.min_confidence else floor,
        "parameters": changed,
        "days": _DAYS[period],
    }


def _number(label: str, value: float, key: str, *, most: float | None = None) -> float:
    return float(
        st.number_input(label, min_value=0.0, max_value=most, value=float(value), format="%.4g", key=key, width=150)
    )


def _run(asked: dict[str, Any], pin: Pin) -> WhatIf | AuroraError:
    from ml.what_if.history import what_if
    from ml.what_if.proposal import Asked

    now = dt.datetime.now(dt.UTC)
    days = asked.pop("days")
    since = None if days is None else now - dt.timedelta(days=days)
    try:
        with st.spinner("Deciding again"):
            return what_if(Asked(**asked), pin.paths, current_settings(), now=now, since=since, limit=_MOST)
    except AuroraError as error:
        return error


def _answer(found: WhatIf, pin: Pin) -> None:
    effect, tried = found.effect, found.proposal
    st.markdown(
        f"**`{tried.policy_id}` would have chosen otherwise in {share(effect.otherwise.after)} of "
        f"{plural(effect.count, 'decision')}.** {_cost_sentence(found)}"
    )
    _tiles(found)
    for refusal in effect.refusals:
        st.info(f"**Success is not told ({refusal.rule.replace('_', ' ')}).** {refusal.reason}", icon=":material/info:")
    show_table(
        _table(found),
        title="What it changes",
        pin=pin,
        empty="Nothing can be compared: one of the two left every decision to a person.",
        note=_note(found),
    )
    _moves(found, pin)


def _cost_sentence(found: WhatIf) -> str:
    effect = found.effect
    if effect.cost_usd is None or not effect.cost_change_usd:
        return "Expected cost stays as it was."
    verb = "less" if effect.cost_change_usd < 0 else "more"
    return f"Expected cost: {both(abs(effect.cost_change_usd))} {verb}, by the receipts."


def _tiles(found: WhatIf) -> None:
    effect = found.effect
    with tiles():
        _shift_tile("Success", effect.success, _points, "By outcomes, doubly robust; 95 % interval")
        _shift_tile("Cost of 1,000", effect.cost_usd, _aed_change, "Of 1,000 decisions, as the receipts expected it")
        _shift_tile("Time", effect.latency_ms, _ms_change, "As the receipts expected it")
        _shift_tile("Left to a person", effect.left_to_person, _points, "Share of decisions")
        tile(
            "Rules broken",
            count(effect.violation_count),
            explained="Times it would have taken what a rule forbade: it chooses only among those admitted",
        )


def _shift_tile(label: str, shift: Shift | None, told: Callable[[float], str], explained: str) -> None:
    if shift is None:
        tile(label, NOTHING, explained=f"Not told. {explained}")
        return
    tile(label, told(shift.change), explained=f"{explained}: {told(shift.low)} to {told(shift.high)}")


def _points(value: float) -> str:
    return f"{value * 100:+.1f} pts" if abs(value) >= _NO_POINTS else "0 pts"


def _ms_change(value: float) -> str:
    return f"{value:+,.0f} ms" if abs(value) >= _NO_MS else "0 ms"


def _aed_change(value: float) -> str:
    """Of a thousand decisions: one costs fractions of a fils."""
    if not value:
        return "AED 0"
    return f"{'-' if value < 0 else '+'}AED {money(abs(value) * AED_PER_USD * _THOUSAND)}"


def _table(found: WhatIf) -> pl.DataFrame:
    effect = found.effect
    lines: list[tuple[str, Shift | None, Callable[[float], str], Callable[[float], str]]] = [
        ("Success, by outcomes", effect.success, share, _points),
        ("Success, as expected", effect.expected_success, share, _points),
        ("Confidence", effect.confidence, share, _points),
        ("Cost of 1,000 decisions", effect.cost_usd, lambda value: aed(value * _THOUSAND), _aed_change),
        ("Time", effect.latency_ms, duration, _ms_change),
        ("Left to a person", effect.left_to_person, share, _points),
    ]
    rows = [
        {
            "what": name,
            "before": level(shift.before),
            "after": level(shift.after),
            "change": told(shift.change),
            "interval": f"{told(shift.low)} to {told(shift.high)}",
            "decisions": shift.count,
        }
        for name, shift, level, told in lines
        if shift is not None
    ]
    return pl.DataFrame(rows)


def _note(found: WhatIf) -> str:
    effect = found.effect
    worth = count(effect.effective_count)
    said = [
        "Intervals of 95 %, decision by decision.",
        f"{plural(effect.outcome_count, 'matured outcome')}, worth {worth} for this policy.",
    ]
    if effect.fallback_count:
        said.append(f"{plural(effect.fallback_count, 'decision was', 'decisions were')} made by the fallback.")
    if found.left_out:
        said.append(f"{plural(found.left_out.total(), 'decision')} could not be made again: inputs are not kept.")
    return " ".join(said)


def _who(action: str | None, names: Mapping[str, str]) -> str:
    return "A person" if action is None else called(action, names)


def _moves(found: WhatIf, pin: Pin) -> None:
    names = assistant_names(pin)
    rows = [
        {"from": _who(before, names), "to": _who(after, names), "decisions": times}
        for before, after, times in found.effect.moves
    ]
    if rows:
        show_table(pl.DataFrame(rows), title="Most frequent changes", pin=pin, empty="It never chooses otherwise.")
    if found.effect.examples:
        links = " · ".join(f"[{one[-8:]}](decisions?decision={one})" for one in found.effect.examples)
        st.caption(f"For example: {links}")
