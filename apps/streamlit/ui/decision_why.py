"""Why not otherwise: what would have changed a decision, who was run beside it, and whether it replays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st
from msgspec import UNSET

from apps.streamlit.reads.decision_why import replayed, why_of
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.decision_details import Names, called
from apps.streamlit.ui.page import section
from apps.streamlit.ui.wording import aed, code_words, duration, money, plain, share
from aurora.decisions.replay import MEANINGS
from aurora.errors import AuroraError
from contracts.messages.decision_details import ShadowChoice
from contracts.messages.decisions import Decision

if TYPE_CHECKING:
    from ml.what_if.flips import Flip
    from ml.what_if.why import Barrier, Why

_MOST_NAMED: Final = 4
_FIGURES: Final = {
    "quality": "a confidence",
    "cost_usd": "an expected cost",
    "latency_ms": "an expected time",
    "load_share": "a share of its capacity in use",
    "utility": "an expected worth",
}


def show_why_not(decision: Decision, pin: Pin, names: Names) -> None:
    """What would have changed it: figures, rules, states; each with the turning point."""
    section("What would have changed it", "One thing at a time, worked out by the engine on what it decided from.")
    why = why_of(pin, decision)
    if isinstance(why, AuroraError):
        st.caption(f":material/help: Not known. {plain(why.message)} {plain(why.next_step)}")
        return
    lines = [*_floor(why, names), *_stand_in(why, names), *_flips(why, names), *_barriers(why, names)]
    if not lines:
        lines = ["Nothing by itself: no one change of a figure would have turned it."]
    st.markdown("\n".join(f"- {line}" for line in lines))
    if not why.is_exact:
        st.caption(":material/warning: The engine scores this otherwise today: replay it to see what drifted.")
    _rules(why)


def _floor(why: Why, names: Names) -> list[str]:
    if why.floor is None:
        return []
    one = why.floor
    asked = "more than it can promise" if one.asked > 1 else share(one.asked)
    who, had = plain(called(one.candidate_id, names)), share(one.confidence)
    return [f"**{who}** would have been chosen with a confidence of {asked}; it had {had}."]


def _stand_in(why: Why, names: Names) -> list[str]:
    if not why.stands_in or why.preferred is None:
        return []
    return [f"**{plain(called(why.preferred, names))}** stands in as a backup; scores did not decide."]


def _flips(why: Why, names: Names) -> list[str]:
    own = [one for one in why.flips if one.figure not in ("parameter", "min_quality")]
    rest = [one for one in why.flips if one.figure in ("parameter", "min_quality")]
    lines = [_candidate_line(one, names) for one in own]
    if why.alternative is not None and why.alternative not in {one.of for one in own} and not why.stands_in:
        who = plain(called(why.alternative, names))
        lines.insert(0, f"No single figure of **{who}**, the next best, would have been enough.")
    return [*lines, *(_policy_line(one, names) for one in rest)]


def _candidate_line(one: Flip, names: Names) -> str:
    verb = "at least" if one.after > one.before else "at most"
    return (
        f"**{plain(called(one.of, names))}** would be preferred with {_FIGURES[one.figure]} of {verb} "
        f"**{_said(one, one.after)}** in place of {_said(one, one.before)}."
    )


def _policy_line(one: Flip, names: Names) -> str:
    what = "the quality that the request insists on" if one.figure == "min_quality" else f"`{one.of}` of the policy"
    verb = "raised" if one.after > one.before else "lowered"
    return (
        f"With {what} {verb} to **{one.after:.4g}** from {one.before:.4g}, "
        f"**{plain(called(one.winner, names))}** would be preferred."
    )


def _said(one: Flip, value: float) -> str:
    match one.figure:
        case "quality" | "load_share":
            return f"{value * 100:.1f} %"
        case "cost_usd":
            return f"{aed(value)}"
        case "latency_ms":
            return duration(value)
        case _:
            return f"USD {money(value)}"


def _barriers(why: Why, names: Names) -> list[str]:
    told = [one for one in why.barriers if one.would_be_preferred is not None]
    told.sort(key=lambda one: not one.would_be_preferred)
    alike: dict[str, list[str]] = {}
    for one in why.barriers:
        if one.would_be_preferred is None:
            alike.setdefault(_by_what(one), []).append(plain(called(one.candidate_id, names)))
    return [*(_barrier_line(one, names) for one in told), *(_alike_line(what, who) for what, who in alike.items())]


def _alike_line(what: str, who: list[str]) -> str:
    rest = f" and {len(who) - _MOST_NAMED} more" if len(who) > _MOST_NAMED else ""
    verb = "was" if len(who) == 1 else "were"
    return f"{', '.join(f'**{name}**' for name in who[:_MOST_NAMED])}{rest} {verb} kept out by {what}."


def _by_what(one: Barrier) -> str:
    return " and ".join(
        f"the rule `{veto.rule_id}`" if veto.source == "rule" else f"“{plain(veto.reason.rstrip('.'))}”"
        for veto in one.vetoes
    )


def _barrier_line(one: Barrier, names: Names) -> str:
    verdict = "it would be preferred" if one.would_be_preferred else "it would not be preferred either"
    return f"**{plain(called(one.candidate_id, names))}** was kept out by {_by_what(one)}; without that {verdict}."


def _rules(why: Why) -> None:
    for rule in why.rules:
        with st.expander(f"{rule.title} (`{rule.rule_id}`)", icon=":material/gavel:"):
            st.markdown(
                f"{plain(rule.reason)}  \n:gray[{plain(rule.authority)}, {plain(rule.source)}, {plain(rule.article)}]"
            )
            st.markdown("Forbids whoever it is true of:")
            st.code(rule.violates_when, language="sql")
            st.caption(f"What helps: {plain(rule.remediation)}")


def show_beside(decision: Decision, names: Names) -> None:
    """What policies that ran beside it would have chosen."""
    if decision.shadows is UNSET:
        return
    section("Beside it", "Another policy was asked the same.")
    st.markdown("\n".join(f"- {_shadow_line(one, decision, names)}" for one in decision.shadows))


def _shadow_line(one: ShadowChoice, decision: Decision, names: Names) -> str:
    chose = "a person" if one.action is None else called(one.action, names)
    same = "the same, " if one.action == decision.action else ""
    role = "It only watches."
    if one.canary_share is not UNSET and one.canary_share:
        role = f"It answers {share(one.canary_share)} of such decisions."
    return f"`{code_words(one.policy_id)}` would have chosen {same}**{plain(chose)}**, {share(one.confidence)} sure. {role}"


def show_replay(decision: Decision, pin: Pin) -> None:
    """A button that makes the decision again from what was kept, and says what came of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        is_pressed = st.button("Replay", icon=":material/replay:", help="Decide again from what was kept, and compare")
        st.caption("Decides again from the archived rules, features and bundle, and compares byte for byte.")
    if not is_pressed:
        return
    try:
        one = replayed(pin, decision.decision_id)
    except AuroraError as error:
        st.error(f"{plain(error.message)} {plain(error.next_step)}", icon=":material/error:")
        return
    if one.verdict == "equal":
        st.success("It comes out the same, byte for byte.", icon=":material/check_circle:")
    else:
        st.warning(
            f"**{code_words(one.verdict).capitalize()}.** {MEANINGS[one.verdict]} {plain(one.reason)}",
            icon=":material/difference:",
        )
