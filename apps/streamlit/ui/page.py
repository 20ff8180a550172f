"""The parts every page is made of: its headline, its sections, its first-start state."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.samples import holds_samples
from apps.streamlit.ui.wording import AED_PER_USD, gulf_time

Tone = Literal["good", "look", "act", "quiet"]

_TILE_WIDTH = 168
_TONES: dict[Tone, tuple[Literal["green", "orange", "red", "gray"], str, str]] = {
    "good": ("green", ":material/check_circle:", "Good"),
    "look": ("orange", ":material/visibility:", "Look"),
    "act": ("red", ":material/priority_high:", "Act"),
    "quiet": ("gray", ":material/remove:", "No data"),
}


def headline(sentence: str, pin: Pin, *, data_to: dt.date | None = None, has_money: bool = False) -> None:
    """The page in one sentence, and below it what the sentence was read from."""
    st.title(sentence, anchor=False)
    parts = [f"Company **{pin.tenant}**"]
    if data_to:
        parts.append(f"data to {data_to:%-d %b %Y}")
    parts.append(f"read {gulf_time(dt.datetime.now(dt.UTC))}")
    parts.append(f"snapshot {pin.mart_snapshot}")
    if has_money:
        parts.append(f"AED at {AED_PER_USD} a dollar")
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption(" · ".join(parts), width="content")
        if holds_samples(pin):
            st.badge("Sample data", icon=":material/science:", color="violet")


def section(title: str, caption: str | None = None) -> None:
    """A heading with one line of explanation."""
    st.subheader(title, anchor=False)
    if caption:
        st.caption(caption)


def status_line(tone: Tone, title: str, detail: str) -> None:
    """One fact with its judgement in a word, an icon and a colour: never in the colour alone."""
    color, icon, word = _TONES[tone]
    with st.container(horizontal=True, vertical_alignment="top", gap="small", wrap=False):
        st.badge(word, icon=icon, color=color, width=84)
        st.markdown(f"**{title}**  \n{detail}")


def tile(label: str, value: str, *, explained: str | None = None) -> None:
    """One figure, narrow enough for two beside each other on a telephone. Goes into `tiles()`."""
    st.metric(label, value, help=explained, border=True, width=_TILE_WIDTH)


def target_tile(label: str, value: str, target: str, tone: Tone, word: str) -> None:
    """A figure with its target and whether it is met: in a word, an icon and a colour. Goes into `tiles()`."""
    color, icon, _ = _TONES[tone]
    with st.container(border=True, width=_TILE_WIDTH, height="stretch", gap="xxsmall"):
        st.caption(label)
        st.markdown(f"### {value}")
        st.badge(word, icon=icon, color=color)
        st.caption(target)


def tiles() -> st.delta_generator.DeltaGenerator:
    """A row of figures that wraps."""
    return st.container(horizontal=True, gap="small")
