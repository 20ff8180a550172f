"""Champion and challenger, how far a kind may act, the evidence, and a person's word on all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from apps.streamlit.policy_acts import Act, change_champion, set_mode, set_stopped
from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.policies import BUNDLED, BundleFacts, PoliciesNow, evidence_so_far
from apps.streamlit.ui import policy_charts
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.page import section, status_line, tile, tiles
from apps.streamlit.ui.wording import code_words, count, gulf_time, plain, plural, share
from aurora.errors import AuroraError
from contracts.messages.decisions import DecisionKind
from contracts.messages.modes import KindMode

_SAID: Final = "policy_said"
_NOBODY: Final = "nobody"


def show_standing(now: PoliciesNow, kind: DecisionKind) -> None:
    """Two cards: who decides, and who is tried."""
    mode = now.kind(kind)
    ours, theirs = st.columns(2)
    champion = now.bundles.get("champion") if kind == BUNDLED else None
    challenger = now.bundles.get("challenger") if kind == BUNDLED else None
    with ours.container(border=True, height="stretch"):
        st.caption("CHAMPION")
        policy_id = _at_work(now, kind, champion)
        st.markdown(f"#### {code_words(policy_id).capitalize()}")
        _settings(now, policy_id)
        _bundle(champion, kind)
    with theirs.container(border=True, height="stretch"):
        st.caption("CHALLENGER")
        beside = challenger.policy_id if challenger is not None else mode.shadow_policy
        if beside is None:
            st.markdown("#### Nobody")
            st.markdown(_none_tried(kind))
            return
        st.markdown(f"#### {code_words(beside).capitalize()}")
        st.markdown(
            f"It answers **{share(mode.canary_share)}** of decisions, to show what it is worth."
            if mode.canary_share
            else "It only watches: its choice is written down and never answered."
        )
        _settings(now, beside)
        _bundle(challenger, kind)


def _at_work(now: PoliciesNow, kind: DecisionKind, champion: BundleFacts | None) -> str:
    """The policy that decides: where one goes by bundles, the one its champion was judged with, else the fallback."""
    declared = now.kind(kind).policy
    known = now.policies.get(declared)
    if kind != BUNDLED or known is None or not known.policy.needs_bundle:
        return declared
    if champion is None:
        return now.pack.policies.kinds[kind].fallback or declared
    return champion.policy_id if champion.policy_id in now.policies else declared


def _none_tried(kind: DecisionKind) -> str:
    if kind == BUNDLED:
        return "The learning loop puts one up once enough outcomes have matured; `aurora policy learn` asks it now."
    return "Choose a policy to run beside it below."


def _settings(now: PoliciesNow, policy_id: str) -> None:
    one = now.policies.get(policy_id)
    if one is None:
        return
    facts = [
        f"explores **{share(one.settings.epsilon)}**",
        f"asks for **{share(one.settings.min_confidence)}** confidence",
    ]
    if one.settings.max_wrong_share is not None:
        facts.append(f"at most **{share(one.settings.max_wrong_share)}** wrong")
    st.markdown(f"It {', '.join(facts)}.")
    if one.parameters:
        st.caption(" · ".join(f"{code_words(name)} {value:g}" for name, value in one.parameters.items()))


def _bundle(one: BundleFacts | None, kind: DecisionKind) -> None:
    if one is None:
        if kind == BUNDLED:
            st.caption("No bundle.")
        return
    learned = (
        f"its training set and {plural(one.learned_count, 'decision')} of yours"
        if one.learned_count
        else ("its training set alone, no decision of yours yet")
    )
    st.markdown(
        f"Bundle `{one.bundle_hash[:12]}`, since {gulf_time(one.in_role_since)}, by **{plain(one.by)}**.  \n"
        f"Learned from {learned}."
    )
    if one.is_sample:
        st.badge("Sample data", icon=":material/science:", color="violet")


def show_mode(now: PoliciesNow, kind: DecisionKind, pin: Pin, viewer: Viewer) -> None:
    """How far the kind may act, and the form that changes it."""
    mode = now.kind(kind)
    section("How far it may act", _changed_line(now))
    with tiles():
        tile("Acts on", share(mode.act_share), explained="Share of the work that may be acted on; the rest is advice")
        tile("Beside it", _beside(now, mode), explained="Run in shadow: asked the same, answered only as a canary")
        tile(
            "Canary",
            share(mode.canary_share),
            explained="Share of decisions that a challenger answers, while one stands",
        )
    if mode.assistant_shares:
        own = ", ".join(f"{plain(name)} {share(value)}" for name, value in mode.assistant_shares.items())
        st.caption(f"Of their own: {own}")
    if not viewer.reaches("operator"):
        st.caption(f":material/lock: Changing it is for the role operator; yours is {viewer.role}.")
        return
    _mode_form(now, mode, pin, viewer)


def _beside(now: PoliciesNow, mode: KindMode) -> str:
    if mode.kind == BUNDLED and "challenger" in now.bundles:
        return "Challenger"
    return code_words(mode.shadow_policy).capitalize() if mode.shadow_policy else "Nobody"


def _changed_line(now: PoliciesNow) -> str:
    modes = now.modes
    if modes.changed_at is None:
        return "As policies.yaml says; nobody changed it."
    return f"Last changed {gulf_time(modes.changed_at)} by {plain(str(modes.changed_by))}: {plain(str(modes.reason))}"


def _mode_form(now: PoliciesNow, mode: KindMode, pin: Pin, viewer: Viewer) -> None:
    kind = mode.kind
    beside = [_NOBODY, *(name for name in now.able(kind) if name != mode.policy)]
    everyone = [None, *sorted(one.assistant_id for one in now.pack.assistants)]
    with st.expander("Change it", icon=":material/tune:"), st.form(f"mode_{kind}", border=False):
        with st.container(horizontal=True):
            who = st.selectbox(
                "Of", everyone, format_func=lambda name: name or "The whole kind", width=200, key=f"who_{kind}"
            )
            acts = st.slider("Acts on (%)", 0, 100, round(mode.act_share * 100), width=220, key=f"act_{kind}")
            shadow = st.selectbox(
                "Beside it",
                beside,
                index=beside.index(mode.shadow_policy) if mode.shadow_policy in beside else 0,
                format_func=lambda name: code_words(name).capitalize(),
                width=200,
                key=f"shadow_{kind}",
            )
            canary = st.slider("Canary (%)", 0, 100, round(mode.canary_share * 100), width=220, key=f"canary_{kind}")
        reason = st.text_input("Why", key=f"mode_reason_{kind}", max_chars=2000, placeholder="Kept in the audit log")
        is_sent = st.form_submit_button("Change it", icon=":material/check:", type="primary")
    if is_sent:
        _act(
            lambda: set_mode(
                pin,
                kind,
                reason=reason,
                act_share=acts / 100,
                shadow=None if shadow == _NOBODY else shadow,
                canary_share=canary / 100,
                assistant_id=who,
                viewer=viewer,
            ),
            "Changed; a running Aurora goes by it within a second.",
        )


def show_stop(now: PoliciesNow, pin: Pin, viewer: Viewer) -> None:
    """The banner while decisions are stopped, and the switch."""
    if _SAID in st.session_state:
        st.success(st.session_state.pop(_SAID), icon=":material/check_circle:")
    is_stopped = now.modes.is_stopped
    if is_stopped:
        st.warning(f"**Decisions are stopped: all of them advise.** {_changed_line(now)}", icon=":material/front_hand:")
    if not viewer.reaches("operator"):
        return
    verb = "Let decisions act again" if is_stopped else "Stop all acting"
    with st.expander(verb, icon=":material/front_hand:"), st.form("stop", border=False):
        reason = st.text_input("Why", key="stop_reason", max_chars=2000, placeholder="Kept in the audit log")
        is_sent = st.form_submit_button(verb, type="secondary" if is_stopped else "primary")
    if is_sent:
        _act(
            lambda: set_stopped(pin, is_stopped=not is_stopped, reason=reason, viewer=viewer),
            "Decisions act again as far as was granted."
            if is_stopped
            else "Stopped: every decision advises from now on.",
        )


def show_evidence(now: PoliciesNow, pin: Pin, viewer: Viewer) -> None:
    """What the gate knows of the challenger, calibration, and a person's word on the champion."""
    challenger = now.bundles.get("challenger")
    section("Evidence", "What a challenger must show before it decides alone.")
    if challenger is None or not _so_far(challenger, pin):
        _last_judged(now)
    _calibration(now.bundles.get("champion"))
    _champion_acts(now, pin, viewer)


def _so_far(challenger: BundleFacts, pin: Pin) -> bool:
    """The challenger's bars as they stand; false while nothing speaks of it."""
    evidence = evidence_so_far(pin, challenger)
    if evidence is None:
        return False
    st.caption(f"The challenger `{challenger.bundle_hash[:12]}` so far, by decisions whose outcomes have matured:")
    _bars(evidence)
    return True


def _last_judged(now: PoliciesNow) -> None:
    judged = next((one for one in now.steps if "gain" in one.evidence), None)
    if judged is None:
        st.info(
            "No challenger has been judged yet. It is, once it has answered decisions as a canary and their outcomes have "
            "matured. The what-if below shows what is known already.",
            icon=":material/info:",
        )
        return
    step = judged.step.replace("_", " ").capitalize()
    st.caption(f"{step} {gulf_time(judged.happened_at)}: `{judged.bundle_hash[:12]}`")
    _bars(judged.evidence)


def _calibration(champion: BundleFacts | None) -> None:
    if champion is None or not champion.curve.height:
        return
    error, own = champion.calibration_error, champion.outcome_error
    said = "Of what the champion expected, what came, on questions of its training set that it had not seen"
    measured = "" if error is None else f" (error {error:.3f})"
    yours = "" if own is None else f" On outcomes of yours, before it learned them, the error was {own:.3f}."
    section("Calibration", f"{said}{measured}; the dashed line would be perfect.{yours}")
    policy_charts.calibration(champion.curve)


def _bars(evidence: Mapping[str, Any]) -> None:
    """Each bar of the gate, whether it is reached."""
    low, high = evidence.get("gain_low"), evidence.get("gain_high")
    between = f", between {low:+.4f} and {high:+.4f}" if low is not None and high is not None else ""
    _bar(
        evidence.get("gain_lower_95", 0.0) > 0,
        "Better than the champion",
        f"{evidence['gain']:+.4f} a decision{between}; at least {evidence.get('gain_lower_95', 0.0):+.4f} at 95 %, over 0 asked",
    )
    worth, asked = evidence.get("effective_count", 0.0), evidence.get("min_effective_count", 0.0)
    _bar(
        worth >= asked,
        "Enough decisions",
        f"{count(evidence.get('decision_count'))} decisions, worth {count(worth)} for it; {count(asked)} asked",
    )
    _measured(evidence, "calibration_error", "max_calibration_error", "Calibrated", ".3f")
    broken = evidence.get("violation_count")
    _bar(broken == 0, "No rule broken", "Not measured" if broken is None else f"{count(broken)} times; 0 asked")
    _measured(evidence, "p99_ms", "max_p99_ms", "Fast enough, ms", ".2f")


def _measured(evidence: Mapping[str, Any], name: str, bar: str, title: str, digits: str) -> None:
    value, most = evidence.get(name), evidence.get(bar)
    if value is None or most is None:
        _bar(False, title, "Not measured")  # noqa: FBT003 - not reached
        return
    _bar(value <= most, title, f"{value:{digits}}; at most {most:g} asked")


def _bar(is_reached: bool, title: str, detail: str) -> None:  # noqa: FBT001 - the judgement of the line
    status_line("good" if is_reached else "look", title, detail)


def _champion_acts(now: PoliciesNow, pin: Pin, viewer: Viewer) -> None:
    section("Change the champion", "By your word, whatever the gate says. A running Aurora follows within a second.")
    if not viewer.reaches("owner"):
        st.caption(f":material/lock: This is for the role owner; yours is {viewer.role}.")
        return
    reason = st.text_input("Why", key="champion_reason", max_chars=2000, placeholder="Kept in the audit log")
    with st.container(horizontal=True):
        _champion_button(now, "challenger", "promoted", "Promote the challenger", reason, pin, viewer)
        _champion_button(now, "previous", "rolled_back", "Roll back", reason, pin, viewer)


def _champion_button(now: PoliciesNow, role: Any, act: Act, verb: str, reason: str, pin: Pin, viewer: Viewer) -> None:
    one = now.bundles.get(role)
    is_pressed = st.button(
        verb,
        key=act,
        icon=":material/upgrade:" if act == "promoted" else ":material/undo:",
        disabled=one is None,
        help=f"To {one.bundle_hash[:12]}" if one is not None else f"There is no {role} bundle.",
    )
    if is_pressed:
        with st.spinner("Changing the champion"):
            _act(lambda: change_champion(pin, act, reason=reason, viewer=viewer), f"Done: {verb.lower()}.")


def _act(act: Any, said: str) -> None:
    try:
        act()
    except AuroraError as error:
        st.error(f"{plain(error.message)} {plain(error.next_step)}", icon=":material/error:")
        return
    st.session_state[_SAID] = said
    st.rerun()
