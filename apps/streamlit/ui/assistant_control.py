"""What a person may do with an assistant: switch it off, tell it what its control level lets through, see what came of it."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.fleet_acts import command, put_back, switch
from apps.streamlit.reads.assistant import recent_commands, settings_made
from apps.streamlit.reads.fleet import FleetNow, fleet_now, fleet_pack
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.fleet_words import THRESHOLDS, control_words
from apps.streamlit.ui.page import section
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import code_words, gulf_time, plain, plural
from aurora.assistants.control import SETTING_NAMES
from aurora.errors import AuroraError
from aurora.packs.assistants import Assistant
from contracts.messages.assistants import COMMAND_MEANINGS, CONTROL, CommandKind

_SAID = "fleet_said"
_ORDER: tuple[CommandKind, ...] = (
    "ping", "notify", "run_task", "cancel_task", "hold", "release", "pause", "resume", "tune", "set_threshold", "sync",
)  # fmt: skip


def show_control(pin: Pin, assistant: Assistant, viewer: Viewer) -> None:
    """Kill switch, command, parameters, recent commands."""
    if _SAID in st.session_state:
        st.success(st.session_state.pop(_SAID), icon=":material/check:")
    now = fleet_now(pin)
    if viewer.reaches("operator"):
        _kill_switch(pin, assistant, now, viewer)
        _send(pin, assistant, now, viewer)
        _put_back(pin, assistant, viewer)
    else:
        st.info(
            f"Commands and the kill switch are for the role operator; yours is {viewer.role}.", icon=":material/lock:"
        )
    _parameters(pin, assistant, now)
    _commands(pin, assistant)


def _kill_switch(pin: Pin, assistant: Assistant, now: FleetNow, viewer: Viewer) -> None:
    name, said = assistant.assistant_id, assistant.assistant_name
    is_off = name in now.off
    section(
        "Kill switch",
        f"{said} is switched off: no decision chooses it and no command reaches it."
        if is_off
        else "Off means: no decision chooses it, no command reaches it, and commands that wait are refused.",
    )
    with st.container(border=True):
        verb = "Switch on" if is_off else "Switch off"
        key = f"switch_{'on' if is_off else 'off'}_{name}"  # the other way asks for its own reason and yes
        reason = st.text_input("Why", key=f"{key}_reason", max_chars=2000, placeholder="Kept in the audit log")
        is_sure = st.checkbox(f"Yes, {verb.lower()} {said}", key=f"{key}_sure")
        is_pressed = st.button(
            f"{verb} {said}",
            key=key,
            icon=":material/power_settings_new:",
            type="secondary" if is_off else "primary",
            disabled=not (is_sure and len(reason.strip()) >= 3),
            help="Say why and confirm first.",
        )
    if not is_pressed:
        return
    try:
        done = switch(pin, name, is_off=not is_off, reason=reason, viewer=viewer)
    except AuroraError as error:
        _refused(error)
        return
    more = f" {plural(done.refused_count, 'waiting command')} refused." if done.refused_count else ""
    _say(f"{said} is switched {'off' if done.is_disabled else 'on'}; it is in the audit log.{more}")


def _send(pin: Pin, assistant: Assistant, now: FleetNow, viewer: Viewer) -> None:
    section("Send a command", f"What the control level “{control_words(assistant.control_level)}” lets through.")
    allowed = [kind for kind in _ORDER if kind in CONTROL[assistant.control_level]]
    with st.container(border=True):
        kind = st.selectbox(
            "Command",
            allowed,
            format_func=lambda kind: code_words(kind).capitalize(),
            key=f"kind_{assistant.assistant_id}",
        )
        st.caption(COMMAND_MEANINGS[kind])
        arguments = _arguments(kind, assistant, now)
        is_pressed = st.button("Send", key=f"send_{assistant.assistant_id}", icon=":material/send:")
    if not is_pressed:
        return
    try:
        sent = command(pin, assistant.assistant_id, kind, arguments, viewer=viewer)
    except AuroraError as error:
        _refused(error)
        return
    _say(f"Sent as {sent.command_id}. What comes of it stands under recent commands.")


def _put_back(pin: Pin, assistant: Assistant, viewer: Viewer) -> None:
    """The settings that were changed, each with a button back to what it was."""
    made = settings_made(pin, assistant.assistant_id)
    if not made:
        return
    with st.expander(f"Put back what was set ({len(made)})", icon=":material/undo:"):
        for one in made:
            name, value = str(one.arguments[SETTING_NAMES[one.command_kind]]), one.arguments["value"]
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.markdown(
                    f"**{plain(_parameter_words(name))}** was {one.previous_value:g}, is {value:g}: set by "
                    f"{plain(one.actor_id)}, {gulf_time(one.issued_at)}",
                    width="content",
                )
                is_pressed = st.button(f"Back to {one.previous_value:g}", key=f"back_{one.command_id}")
            if is_pressed:
                try:
                    sent = put_back(pin, one.command_id, viewer=viewer)
                except AuroraError as error:
                    _refused(error)
                    return
                _say(f"Sent as {sent.command_id}: {code_words(name)} goes back to {one.previous_value:g}.")


def _arguments(kind: CommandKind, assistant: Assistant, now: FleetNow) -> dict[str, Any]:
    """Fields for the arguments of the kind."""
    key = f"{kind}_{assistant.assistant_id}"
    match kind:
        case "notify":
            return {"text": st.text_input("Message", key=f"{key}_text", max_chars=2000)}
        case "run_task":
            return {
                "task_type": st.selectbox(
                    "Task type",
                    _task_types(assistant),
                    format_func=lambda name: code_words(name).capitalize(),
                    key=f"{key}_type",
                )
            }
        case "cancel_task":
            return {"task_id": st.text_input("Task", key=f"{key}_task", max_chars=200)}
        case "hold" | "release":
            return {"case_id": st.text_input("Case", key=f"{key}_case", max_chars=200)}
        case "sync":
            contract = st.text_input("Contract", key=f"{key}_contract", max_chars=64, placeholder="party")
            return {"contract": contract, "record_id": st.text_input("Record", key=f"{key}_record", max_chars=200)}
        case "tune":
            return _tuning(assistant, now, key)
        case "set_threshold":
            return _threshold(assistant, now, key)
        case _:
            return {}


def _task_types(assistant: Assistant) -> list[str]:
    types = fleet_pack().task_types
    is_reading = assistant.control_level == "read_only_alerts"
    return [skill for skill in assistant.skills if not (is_reading and types[skill].is_acting)]


def _tuning(assistant: Assistant, now: FleetNow, key: str) -> dict[str, Any]:
    if not assistant.parameters:
        st.info("The pack declares no parameter of it.", icon=":material/info:")
        return {}
    name = st.selectbox("Parameter", list(assistant.parameters), format_func=_parameter_words, key=f"{key}_name")
    declared, live = assistant.parameters[name], now.of(assistant.assistant_id)
    value = live.parameters.get(name, declared.value) if live else declared.value
    low, high = max(declared.minimum, value - declared.max_step), min(declared.maximum, value + declared.max_step)
    wanted = st.number_input(
        f"New value, {low:g} to {high:g}",
        min_value=float(low),
        max_value=float(high),
        value=float(value),
        step=float(declared.max_step) / 5,
        key=f"{key}_value_{name}",
        help=f"{declared.meaning} It may change by {declared.max_step:g} at once, within {declared.minimum:g} to {declared.maximum:g}.",
    )
    return {"parameter": name, "value": wanted}


def _parameter_words(name: str) -> str:
    """`follow_up_delay_h` -> `Follow up delay (h)`."""
    stem, _, unit = name.rpartition("_")
    return code_words(f"{stem} ({unit})" if unit in ("h", "s", "ms") else name).capitalize()


def _threshold(assistant: Assistant, now: FleetNow, key: str) -> dict[str, Any]:
    name = st.selectbox(
        "Threshold",
        list(THRESHOLDS),
        format_func=lambda name: " ".join(THRESHOLDS[name]).capitalize(),
        key=f"{key}_name",
    )
    live = now.of(assistant.assistant_id)
    value = (live.thresholds if live else {}).get(name, getattr(assistant.thresholds, name))
    is_share = name in {"min_uptime_share", "max_error_share"}
    wanted = st.number_input(
        "New value, in ms" if name.endswith("_ms") else "New value, a share of 1",
        min_value=0.0,
        max_value=1.0 if is_share else None,
        value=float(value),
        format="%.0f" if name.endswith("_ms") else "%.3f",
        key=f"{key}_value_{name}",
    )
    return {"threshold": name, "value": wanted}


def _parameters(pin: Pin, assistant: Assistant, now: FleetNow) -> None:
    live = now.of(assistant.assistant_id)
    values = live.parameters if live else {}
    rows = pl.DataFrame(
        [
            {
                "parameter": _parameter_words(name),
                "value": values.get(name),
                "declared": one.value,
                "minimum": one.minimum,
                "maximum": one.maximum,
                "max_step": one.max_step,
                "meaning": one.meaning,
            }
            for name, one in assistant.parameters.items()
        ],
        schema_overrides=dict.fromkeys(("value", "declared", "minimum", "maximum", "max_step"), pl.Float64()),
    )
    number = {
        name: st.column_config.NumberColumn(said, format="%.4g")
        for name, said in (
            ("value", "Now"), ("declared", "In the pack"), ("minimum", "From"), ("maximum", "To"), ("max_step", "Most at once"),
        )
    }  # fmt: skip
    show_table(
        rows,
        title="Parameters that may be tuned",
        pin=pin,
        empty="The pack declares no parameter of it.",
        note="“Now” is what it reports itself.",
        columns=number,
    )


@st.fragment(run_every=3)
def _commands(pin: Pin, assistant: Assistant) -> None:
    show_table(
        recent_commands(pin, assistant.assistant_id),
        title="Recent commands",
        pin=pin,
        empty="Nobody has commanded it yet.",
        note="The newest first, refused ones too.",
        height=420,
    )


def _say(text: str) -> None:
    st.session_state[_SAID] = text
    st.rerun()


def _refused(error: AuroraError) -> None:
    st.error(f"{error.message}\n\n**Next step:** {error.next_step}", icon=":material/block:")
