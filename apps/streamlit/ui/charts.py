"""Charts of the pages: Altair, units in titles and tooltips, a text for those who do not see them.

Colours come from the theme (`chartCategoricalColors`), so that a brand and the dark theme follow.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from apps.streamlit.ui.wording import AED_PER_USD

REST = "All others"
VERDICTS = ("✓ Chosen", "○ Possible", "✗ Not able", "✗ Forbidden")
RESULTS = ("Stood as decided", "Left to a person", "Changed by a person")
_HEIGHT = 340
_LEGEND: dict[str, Any] = {
    "orient": "bottom",
    "columns": 2,
    "labelLimit": 320,
    "title": None,
    "offset": 6,
    "columnPadding": 10,
}
_TWO_BESIDE = 22
"""Letters of a label up to which two stand beside each other on a telephone."""
_DAY_LABELS = 14
_DAY_TOLD = alt.Tooltip("utcyearmonthdate(period_date):T", title="Day (UTC)", format="%-d %b %Y")


def _day(frame: pl.DataFrame) -> alt.X:
    """The days of the frame, labelled on some of them and on no other."""
    days = frame["period_date"].unique().sort()
    labelled = days.gather_every(max(1, -(-days.len() // _DAY_LABELS)))
    values = [alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True) for day in labelled]
    axis = alt.Axis(format="%-d %b", labelOverlap=True, grid=False, values=values)
    # The unit and the scale in UTC: a viewer in Dubai and one in New York see the same day.
    return alt.X("utcyearmonthdate(period_date):T", title="Day (UTC)", scale=alt.Scale(type="utc"), axis=axis)


def _columns(names: list[str]) -> int:
    """How many labels of a legend stand beside each other, so that none is cut off."""
    return 2 if max(map(len, names), default=0) <= _TWO_BESIDE else 1


def top_with_rest(frame: pl.DataFrame, dimension: str, measures: list[str], by: str, *, keep: int = 6) -> pl.DataFrame:
    """Days by `dimension`, all but the `keep` largest values joined to one."""
    largest = (
        frame.group_by(dimension).agg(pl.col(by).sum()).sort(by, dimension, descending=[True, False]).head(keep)
    )[dimension]
    kept = pl.col(dimension).is_in(largest.implode(), nulls_equal=True)
    return (
        frame.with_columns(pl.when(kept).then(pl.col(dimension)).otherwise(pl.lit(REST)).alias(dimension))
        .group_by("period_date", dimension)
        .agg(pl.col(name).sum() for name in measures)
        .sort("period_date", dimension)
    )


def spend_by_day(frame: pl.DataFrame, dimension: str, title: str) -> None:
    """Stacked spend a day in dirhams; `frame` has period_date, the dimension, cost_usd, operation_count."""
    money = frame.with_columns(cost_aed=pl.col("cost_usd") * AED_PER_USD)
    order: list[str] = (
        money.group_by(dimension).agg(pl.col("cost_usd").sum()).sort("cost_usd", descending=True)[dimension].to_list()
    )
    columns = _columns(order)
    tallest = float(money.group_by("period_date").agg(pl.col("cost_aed").sum())["cost_aed"].max() or 0)  # type: ignore[arg-type]
    digits = "~s" if tallest >= 1 else ".2~g"  # below 1 the SI prefix would be a lone m
    chart = (
        alt.Chart(money)
        .mark_bar()
        .encode(
            x=_day(money),
            y=alt.Y("cost_aed:Q", title="AED a day", axis=alt.Axis(format=digits, tickCount=5)),
            color=alt.Color(f"{dimension}:N", legend=alt.Legend(**_LEGEND | {"columns": columns}), sort=order),
            tooltip=[
                _DAY_TOLD,
                alt.Tooltip(f"{dimension}:N", title=title),
                alt.Tooltip("cost_aed:Q", title="Spend (AED)", format=",.2f"),
                alt.Tooltip("cost_usd:Q", title="Spend (USD)", format=",.2f"),
                alt.Tooltip("operation_count:Q", title="Calls", format=","),
            ],
        )
        .properties(height=_HEIGHT + 18 * (len(order) // columns - 1))
    )
    st.altair_chart(chart, alt=f"Spend a day in AED by {title.lower()}, {money.height} values")


def latency_by_day(frame: pl.DataFrame) -> None:
    """p50, p95 and p99 a day; lines differ by dash as well as by colour."""
    names = {"duration_p50_ms": "p50", "duration_p95_ms": "p95", "duration_p99_ms": "p99"}
    long = (
        frame.unpivot(on=list(names), index="period_date", variable_name="percentile", value_name="duration_ms")
        .with_columns(pl.col("percentile").replace(names))
        .drop_nulls()
    )
    legend = alt.Legend(**_LEGEND | {"columns": 3, "symbolType": "stroke", "symbolSize": 300})
    dash = alt.Scale(domain=list(names.values()), range=[[1, 0], [6, 3], [2, 2]])
    chart = (
        alt.Chart(long)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18))
        .encode(
            x=_day(long),
            y=alt.Y("duration_ms:Q", title="Response time (ms)", axis=alt.Axis(format="~s", tickCount=5)),
            color=alt.Color("percentile:N", legend=legend),
            strokeDash=alt.StrokeDash("percentile:N", scale=dash, legend=legend),
            tooltip=[
                _DAY_TOLD,
                alt.Tooltip("percentile:N", title="Percentile"),
                alt.Tooltip("duration_ms:Q", title="Response time (ms)", format=",.0f"),
            ],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(chart, alt="Response time a day in milliseconds: 50th, 95th and 99th percentile")


def errors_by_day(frame: pl.DataFrame) -> None:
    """Failed share a day; `frame` has period_date, error_share, error_count, operation_count."""
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=_day(frame),
            y=alt.Y("error_share:Q", title="Failed calls (share)", axis=alt.Axis(format=".1~%", tickCount=5)),
            tooltip=[
                _DAY_TOLD,
                alt.Tooltip("error_share:Q", title="Failed (share)", format=".2%"),
                alt.Tooltip("error_count:Q", title="Failed (calls)", format=","),
                alt.Tooltip("operation_count:Q", title="Calls", format=","),
            ],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(chart, alt="Share of failed calls a day")


def decisions_by_day(frame: pl.DataFrame) -> None:
    """Decisions a day by result; `frame` has period_date, result, decision_count."""
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=_day(frame),
            y=alt.Y("decision_count:Q", title="Decisions a day", axis=alt.Axis(format="~s", tickCount=5)),
            color=alt.Color("result:N", sort=list(RESULTS), legend=alt.Legend(**_LEGEND)),
            tooltip=[
                _DAY_TOLD,
                alt.Tooltip("result:N", title="Result"),
                alt.Tooltip("decision_count:Q", title="Decisions", format=","),
            ],
        )
        .properties(height=300)
    )
    st.altair_chart(chart, alt="Decisions a day by result")


def scores(frame: pl.DataFrame) -> None:
    """Score of each candidate, best first; `frame` has candidate_id, score, verdict."""
    scored = frame.drop_nulls("score")
    known = [verdict for verdict in VERDICTS if verdict in scored["verdict"].to_list()]
    chart = (
        alt.Chart(scored)
        .mark_bar()
        .encode(
            y=alt.Y("candidate_id:N", sort="-x", title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)),
            x=alt.X("score:Q", title="Score (higher is better)", axis=alt.Axis(tickCount=5)),
            color=alt.Color("verdict:N", scale=alt.Scale(domain=known), legend=alt.Legend(**_LEGEND)),
            tooltip=[
                alt.Tooltip("candidate_id:N", title="Candidate"),
                alt.Tooltip("score:Q", title="Score", format=".4f"),
                alt.Tooltip("verdict:N", title="Verdict"),
            ],
        )
        .properties(height=26 * scored.height + 130)
    )
    st.altair_chart(chart, alt="Score of each candidate")


def trust_by_day(frame: pl.DataFrame) -> None:
    """Trust a day and provider; `frame` has period_date, provider_name, trust_share, difference_usd."""
    providers = frame["provider_name"].unique().sort().to_list()
    legend = alt.Legend(**_LEGEND | {"columns": _columns(providers), "symbolType": "stroke", "symbolSize": 300})
    low = min(0.9, float(frame["trust_share"].min() or 0))  # type: ignore[arg-type]
    chart = (
        alt.Chart(frame)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=24))
        .encode(
            x=_day(frame),
            y=alt.Y(
                "trust_share:Q",
                title="Trust (share)",
                scale=alt.Scale(domain=[low, 1], clamp=True),
                axis=alt.Axis(format=".0%", tickCount=5),
            ),
            color=alt.Color("provider_name:N", legend=legend),
            strokeDash=alt.StrokeDash("provider_name:N", legend=legend),
            tooltip=[
                _DAY_TOLD,
                alt.Tooltip("provider_name:N", title="Provider"),
                alt.Tooltip("trust_share:Q", title="Trust", format=".2%"),
                alt.Tooltip("difference_usd:Q", title="Bill less our log (USD)", format=",.4f"),
            ],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(chart, alt="Trust in spend a day, by provider")


def states_by_time(frame: pl.DataFrame, order: list[str]) -> None:
    """States over time, a row a state; `frame` has state, started_at, until_at, held_text."""
    days = int(frame.select((pl.col("until_at").max() - pl.col("started_at").min()).dt.total_days()).item())
    when = "%-d %b" if days > 3 else "%-d %b, %H:%M"
    chart = (
        alt.Chart(frame)
        .mark_bar(height=16, strokeWidth=1.5)
        .encode(
            x=alt.X(
                "started_at:T",
                title="Time (UTC)",
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format=when, tickCount=8, labelOverlap=True),
            ),
            x2="until_at:T",
            y=alt.Y("state:N", title=None, sort=order, scale=alt.Scale(domain=order)),
            color=alt.Color("state:N", legend=None, scale=alt.Scale(domain=order)),
            stroke=alt.Stroke("state:N", legend=None, scale=alt.Scale(domain=order)),
            tooltip=[
                alt.Tooltip("state:N", title="State"),
                alt.Tooltip("started_at:T", title="From (UTC)", format="%-d %b, %H:%M"),
                alt.Tooltip("until_at:T", title="Until (UTC)", format="%-d %b, %H:%M"),
                alt.Tooltip("held_text:N", title="For"),
            ],
        )
        .properties(height=36 * len(order) + 60)
    )
    st.altair_chart(chart, alt="States of the assistant over time")


def share_by_day(frame: pl.DataFrame, dimension: str, measure: str, title: str, *, target: float | None = None) -> None:
    """A share a day, a line a value of `dimension`; `frame` has period_date, the dimension, the measure."""
    names = frame[dimension].unique().sort().to_list()
    legend = alt.Legend(**_LEGEND | {"columns": _columns(names), "symbolType": "stroke", "symbolSize": 300})
    lines = (
        alt.Chart(frame.drop_nulls(measure))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=24))
        .encode(
            x=_day(frame),
            y=alt.Y(
                f"{measure}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=".1~%", tickCount=5)
            ),
            color=alt.Color(f"{dimension}:N", legend=legend),
            strokeDash=alt.StrokeDash(f"{dimension}:N", legend=legend),
            tooltip=[
                _DAY_TOLD,
                alt.Tooltip(f"{dimension}:N", title="Assistant"),
                alt.Tooltip(f"{measure}:Q", title=title, format=".2%"),
            ],
        )
    )
    layers: list[Any] = [lines]
    if target is not None:
        rule = alt.Chart(pl.DataFrame({"target": [target]})).mark_rule(strokeDash=[4, 4], opacity=0.7)
        layers.append(rule.encode(y="target:Q", tooltip=[alt.Tooltip("target:Q", title="Target", format=".1%")]))
    chart = alt.layer(*layers).properties(height=_HEIGHT + 18 * ((len(names) - 1) // _columns(names)))
    st.altair_chart(chart, alt=f"{title} a day")


def alerts_by_week(frame: pl.DataFrame) -> None:
    """Alerts a week by what people said of them; `frame` has period_date (Mondays), verdict, alert_count."""
    order = ["Relevant", "Noise", "Not labelled"]
    chart = (
        alt.Chart(frame)
        .mark_bar(size=18)
        .encode(
            x=_day(frame).title("Week from (UTC)"),
            y=alt.Y("alert_count:Q", title="Alerts a week", axis=alt.Axis(format="d", tickMinStep=1)),
            color=alt.Color("verdict:N", sort=order, scale=alt.Scale(domain=order), legend=alt.Legend(**_LEGEND)),
            tooltip=[
                _DAY_TOLD,
                alt.Tooltip("verdict:N", title="Said to be"),
                alt.Tooltip("alert_count:Q", title="Alerts", format=","),
            ],
        )
        .properties(height=_HEIGHT - 80)
    )
    st.altair_chart(chart, alt="Alerts a week: relevant, noise, not labelled")


def precision_curve(frame: pl.DataFrame) -> None:
    """Precision by threshold with its 95 % interval; `frame` has threshold, precision, low, high, n."""
    x = alt.X("threshold:Q", title="Pages from this consensus on")
    told = [
        alt.Tooltip("threshold:Q", title="Threshold", format=".2f"),
        alt.Tooltip("precision:Q", title="Precision", format=".0%"),
        alt.Tooltip("low:Q", title="At least (95 %)", format=".0%"),
        alt.Tooltip("high:Q", title="At most (95 %)", format=".0%"),
        alt.Tooltip("n:Q", title="Labelled alerts", format=","),
    ]
    scale = alt.Scale(domain=[0, 1])
    band = alt.Chart(frame).mark_area(opacity=0.25).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = (
        alt.Chart(frame)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=24))
        .encode(x=x, y=alt.Y("precision:Q", title="Precision", scale=scale, axis=alt.Axis(format=".0%")), tooltip=told)
    )
    st.altair_chart(
        alt.layer(band, line).properties(height=_HEIGHT - 80), alt="Precision by threshold with its 95 % interval"
    )
