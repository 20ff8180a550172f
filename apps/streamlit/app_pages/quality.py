"""How good what comes in is: each source's health, why rows are refused, and how they are mended."""

from __future__ import annotations

import datetime as dt

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.quality import SHOWN_ROWS, TREND_DAYS, health, quality_days, reasons, refused, states, trends
from apps.streamlit.ui.access import Viewer, require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, status_line, tile, tiles
from apps.streamlit.ui.refused_view import refused_row
from apps.streamlit.ui.table import EXPORT_LIMIT, show_table
from apps.streamlit.ui.wording import age, code_words, count, plural, share
from aurora.ingest.freshness import Amount, Silence, SourceHealth

_SILENCE = {"fresh": "✓ Fresh", "stale": "✗ Silent", "quiet": "– Quiet day", "learning": "… Learning"}
_VOLUME = {
    "normal": "✓ Normal", "low": "✗ Too few", "high": "✗ Too many", "none": "✗ None", "quiet": "– Quiet day",
    "learning": "… Learning",
}  # fmt: skip
_STATES = {
    "open": "Waiting", "still_failing": "Tried in vain", "repaired": "Repaired", "released": "Released",
    "discarded": "Given up",
}  # fmt: skip


def page() -> None:
    """Headline and three tabs; only the open one is read."""
    viewer = require("analyst")
    pin = pin_or_first_start()
    now = dt.datetime.now(dt.UTC)
    found = health(pin, (now + dt.timedelta(minutes=1)).replace(second=0, microsecond=0))
    counted = states(pin)
    headline(_sentence(found, counted), pin)
    names = ("Sources", "Refused rows", "Days")
    opened = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
    for name, tab in zip(names, opened, strict=True):
        if tab.open:
            with tab:
                _tab(name, pin, found, counted, viewer, now)


def _tab(
    name: str, pin: Pin, found: list[SourceHealth], counted: dict[str, int], viewer: Viewer, now: dt.datetime
) -> None:
    match name:
        case "Sources":
            _sources(pin, found, counted, now)
        case "Refused rows":
            _refused(pin, counted, viewer)
        case _:
            _days(pin)


def _waiting(counted: dict[str, int]) -> int:
    return counted["open"] + counted["still_failing"]


def _sentence(found: list[SourceHealth], counted: dict[str, int]) -> str:
    odd = sum(one.is_odd for one in found)
    sources = plural(len({one.source for one in found}), "source")
    looked = f"{odd} {'needs' if odd == 1 else 'need'} a look" if odd else "none needs a look"
    waiting = _waiting(counted)
    rows = (
        f"{plural(waiting, 'refused row')} {'waits' if waiting == 1 else 'wait'}" if waiting else "no refused row waits"
    )
    return f"{sources} sent rows; {looked}; {rows}."


def _sources(pin: Pin, found: list[SourceHealth], counted: dict[str, int], now: dt.datetime) -> None:
    days = quality_days(pin)
    rows, bad = int(days["row_count"].sum()), int(days["bad_count"].sum())
    with tiles():
        tile("Sources", count(len({one.source for one in found})))
        tile(
            "Need a look",
            count(sum(one.is_odd for one in found)),
            explained="Silent for too long, or an odd number of rows",
        )
        tile(
            "Refused", share(bad / rows) if rows else "–", explained=f"{plural(bad, 'row')} of {count(rows)} that came"
        )
        tile("Waiting", count(_waiting(counted)), explained="Refused rows that nobody mended or gave up")
        tile(
            "Late",
            count(int(days["late_count"].sum())),
            explained="Rows about days longer ago than their source's tolerance",
        )
    for one in found:
        if one.is_odd:
            status_line("act", f"{one.source}, {one.contract}", _trouble(one))
    table = _health_table(found, days, now)
    table = table.join(trends(pin, now.date()), on=["source", "contract"], how="left", maintain_order="left")
    show_table(
        table,
        title="Sources",
        pin=pin,
        empty="No source has sent anything yet. Drop exports into the landing folder and run `aurora ingest`.",
        note="Silence and volume are judged by each source's own history, or by what sources.yaml declares. "
        "Learning: history is too short to judge by.",
        columns={
            "silence": st.column_config.TextColumn("Silence"),
            "silent_for": st.column_config.TextColumn("Last batch"),
            "volume": st.column_config.TextColumn("Volume"),
            "newest_day": st.column_config.TextColumn("Newest whole day", help="Its rows, and the bounds they were expected in"),
            "bad_share": st.column_config.NumberColumn("Refused", format="percent"),
            "trend": st.column_config.BarChartColumn(f"Rows a day, last {TREND_DAYS} days", width="medium"),
        },
        order=(
            "source", "contract", "silence", "volume", "trend", "silent_for", "newest_day", "row_count", "bad_share",
            "open_count", "late_count",
        ),
        height=560,
    )  # fmt: skip
    _reasons(pin)


def _trouble(one: SourceHealth) -> str:
    told = []
    if one.silence.verdict == "stale":
        told.append(f"Silent for {one.silence.silent_h:,.1f} h; {one.silence.limit_h or 0:,.1f} h are usual.")
    if one.amount is not None and one.amount.verdict in ("low", "high", "none"):
        told.append(
            f"{plural(one.amount.rows, 'row')} on {one.amount.day:%-d %b}; {_bounds(one.amount)} were expected."
        )
    return " ".join(told)


def _bounds(amount: Amount) -> str:
    if amount.low is None and amount.high is None:
        return "any number"
    high = "more" if amount.high is None else f"{amount.high:,.0f}"
    return f"{amount.low or 0:,.0f} to {high}"


def _health_table(found: list[SourceHealth], days: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    shape = {
        "source": pl.String, "contract": pl.String, "silence": pl.String, "silent_for": pl.String, "volume": pl.String,
        "newest_day": pl.String,
    }  # fmt: skip
    rows = [
        {
            "source": one.source,
            "contract": one.contract,
            "silence": _said(one.silence),
            "silent_for": age(one.silence.last_arrival_at, now),
            "volume": "… Learning" if one.amount is None else _VOLUME[one.amount.verdict],
            "newest_day": "–" if one.amount is None else _newest(one.amount),
        }
        for one in sorted(found, key=lambda one: (not one.is_odd, one.source, one.contract))
    ]
    sums = days.group_by("source", "contract").agg(pl.col("row_count", "bad_count", "late_count", "open_count").sum())
    joined = pl.DataFrame(rows, schema=shape).join(sums, on=["source", "contract"], how="left", maintain_order="left")
    return joined.with_columns(bad_share=pl.col("bad_count") / pl.col("row_count")).select(
        *shape, "row_count", "bad_share", "open_count", "late_count"
    )


def _said(silence: Silence) -> str:
    return _SILENCE[silence.verdict]


def _newest(amount: Amount) -> str:
    bounds = "" if amount.low is None and amount.high is None else f" of {_bounds(amount)}"
    return f"{amount.rows:,}{bounds} ({amount.day:%-d %b})"


def _reasons(pin: Pin) -> None:
    ranked = reasons(pin)
    show_table(
        ranked,
        title="Why rows are refused",
        pin=pin,
        empty="No row was refused.",
        note="The reason that most rows wait for stands first; a row that fails two checks counts under both."
        if ranked.height
        else None,
        columns={
            "open_count": st.column_config.NumberColumn("Waiting", format="localized"),
            "row_count": st.column_config.NumberColumn("Refused in all", format="localized"),
        },
        height=320,
    )


def _refused(pin: Pin, counted: dict[str, int], viewer: Viewer) -> None:
    with tiles():
        for name, said in _STATES.items():
            tile(said, count(counted[name]))
    ranked = reasons(pin)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        state = st.selectbox(
            "State", [*_STATES, None], format_func=lambda s: _STATES[s] if s else "All states", key="state", width=180
        )
        sources = sorted(set(ranked["source"].to_list()))
        source = st.selectbox(
            "Source", [None, *sources], format_func=lambda s: s or "All sources", key="source", width=220
        )
        rules = sorted(set(ranked["rule"].to_list()))
        rule = st.selectbox(
            "Check", [None, *rules], format_func=lambda r: code_words(r) if r else "All checks", key="rule", width=200
        )
    is_repairer = viewer.reaches("operator")
    rows = refused(pin, state=state, source=source, rule=rule)
    picked = show_table(
        _covered(rows, is_repairer=is_repairer),
        title="Refused rows",
        pin=pin,
        empty="No refused row is in this state.",
        note=f"The newest {SHOWN_ROWS} are shown; the export holds all. Choose a row to see and mend it."
        if rows.height >= SHOWN_ROWS
        else "Choose a row to see and mend it.",
        full=lambda: _covered(
            refused(pin, state=state, source=source, rule=rule, limit=EXPORT_LIMIT), is_repairer=is_repairer
        ),
        order=("state", "reason", "source", "contract", "file_name", "row_number", "column_name", "rule", "refused_at"),
        columns={
            "row_number": st.column_config.NumberColumn("Row in file", format="localized"),
            "reason": st.column_config.TextColumn("Reason", width="large"),
        },
        on_select=True,
        height=420,
    )
    if picked is not None and picked < rows.height:
        refused_row(pin, str(rows["quarantine_id"][picked]), viewer)


def _covered(rows: pl.DataFrame, *, is_repairer: bool) -> pl.DataFrame:
    """A reason may quote the one value that is wrong: who repairs needs it, nobody else."""
    said = rows.with_columns(pl.col("state").replace(_STATES))
    return said if is_repairer else said.with_columns(reason=pl.lit("•••"))


def _days(pin: Pin) -> None:
    days = quality_days(pin)
    section(
        "What came, day by day", "Rows in = landed + refused + seen before; refused = waiting + repaired + given up."
    )
    pairs = days.select("source", "contract").unique().sort("source", "contract").rows()
    chosen = st.selectbox(
        "Source",
        [None, *pairs],
        format_func=lambda p: f"{p[0]}, {p[1]}" if p else "All sources",
        key="day_source",
        width=320,
    )
    if chosen:
        days = days.filter((pl.col("source") == chosen[0]) & (pl.col("contract") == chosen[1]))
    show_table(
        days,
        title="Quality a day",
        pin=pin,
        empty="Nothing has come yet, or the marts are not built: `aurora build` makes them.",
        columns={"period_date": st.column_config.DateColumn("Day of ingest (UTC)", format="D MMM YYYY")},
        height=560,
    )


page()
