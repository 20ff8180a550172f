"""Charts of the scaling page: demand under its forecast band, replicas of each way to plan."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

_TIME = alt.Axis(format="%-d %b %H:%M", labelOverlap=True, tickCount=6, grid=False)
_TOLD = alt.Tooltip("window_at:T", title="Window (UTC)", format="%-d %b %H:%M")


def demand_band(frame: pl.DataFrame) -> None:
    """Requests a minute; `frame` has window_at, demand, median, low, high."""
    x = alt.X("window_at:T", title="Time (UTC)", scale=alt.Scale(type="utc"), axis=_TIME)
    base = alt.Chart(frame)
    band = base.mark_area(opacity=0.25).encode(
        x=x,
        y=alt.Y("low:Q", title="Requests a minute"),
        y2="high:Q",
        tooltip=[
            _TOLD,
            alt.Tooltip("low:Q", title="5 % quantile", format=".3~g"),
            alt.Tooltip("median:Q", title="Forecast", format=".3~g"),
            alt.Tooltip("high:Q", title="95 % quantile", format=".3~g"),
            alt.Tooltip("demand:Q", title="Came", format=".3~g"),
        ],
    )
    median = base.mark_line(strokeDash=[5, 3], strokeWidth=1.5).encode(x=x, y="median:Q")
    came = (
        base.transform_filter("isValid(datum.demand)")
        .mark_line(strokeWidth=1.5, color="#c0392b")
        .encode(x=x, y="demand:Q")
    )
    st.altair_chart(
        (band + median + came).properties(height=320),
        alt="Demand of the last two days in requests a minute, under the band that was forecast an hour before",
    )
    st.caption("Solid: what came. Dashed: the forecast. Band: 5 % to 95 % quantile; the last hour has not come yet.")


def replicas_by_way(frame: pl.DataFrame) -> None:
    """Replicas over time; `frame` has window_at, replicas, way."""
    legend = alt.Legend(orient="bottom", columns=3, title=None, symbolType="stroke", symbolSize=300)
    chart = (
        alt.Chart(frame)
        .mark_line(interpolate="step-after", strokeWidth=1.5)
        .encode(
            x=alt.X("window_at:T", title="Time (UTC)", scale=alt.Scale(type="utc"), axis=_TIME),
            y=alt.Y("replicas:Q", title="Replicas", axis=alt.Axis(tickCount=5, tickMinStep=1)),
            color=alt.Color("way:N", legend=legend),
            strokeDash=alt.StrokeDash("way:N", legend=legend),
            tooltip=[_TOLD, alt.Tooltip("way:N", title="Way to plan"), alt.Tooltip("replicas:Q", title="Replicas")],
        )
        .properties(height=320)
    )
    st.altair_chart(chart, alt="Replicas over the simulated days: plan, autoscaler and fixed fleet")
