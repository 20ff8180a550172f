"""Charts of policies: whether what is expected is what comes."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

_HEIGHT = 320


def calibration(frame: pl.DataFrame) -> None:
    """Observed over predicted quality, the diagonal being perfect; `frame` has predicted, observed, count."""
    axis = alt.Axis(format=".0%", tickCount=5)
    scale = alt.Scale(domain=[0, 1])
    perfect = (
        alt.Chart(pl.DataFrame({"predicted": [0.0, 1.0], "observed": [0.0, 1.0]}))
        .mark_line(strokeDash=[4, 4], opacity=0.6)
        .encode(x=alt.X("predicted:Q", scale=scale), y=alt.Y("observed:Q", scale=scale))
    )
    base = alt.Chart(frame).encode(
        x=alt.X("predicted:Q", title="Expected to be good", axis=axis, scale=scale),
        y=alt.Y("observed:Q", title="Was good", axis=axis, scale=scale),
        tooltip=[
            alt.Tooltip("predicted:Q", title="Expected", format=".1%"),
            alt.Tooltip("observed:Q", title="Was good", format=".1%"),
            alt.Tooltip("count:Q", title="Answers", format=","),
        ],
    )
    points = base.mark_point(filled=True, size=70)
    chart = (perfect + base.mark_line() + points).properties(height=_HEIGHT)
    st.altair_chart(chart, alt=f"Calibration: observed over expected quality in {frame.height} steps")
