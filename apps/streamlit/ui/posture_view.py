"""Where the company stands: a card an authority, a line an assistant, and what is due when."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import polars as pl
import streamlit as st

from apps.streamlit.reads.compliance import Standing, clocks
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.page import section
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import code_words, count, gulf_time, plural
from contracts.messages.compliance import BreachCase
from contracts.messages.filings import Filing

POSTURES: Final[dict[str, tuple[str, str, Any]]] = {
    "compliant": ("Compliant", ":material/check_circle:", "green"),
    "pending_review": ("To review", ":material/visibility:", "orange"),
    "non_compliant": ("Not compliant", ":material/error:", "red"),
}
SIGNS: Final = {"compliant": "✓", "pending_review": "?", "non_compliant": "✗"}
_ORDER: Final = {"non_compliant": 0, "pending_review": 1, "compliant": 2}
_NAMES: Final = {
    "aml": "Anti-money-laundering", "uae_pdpl": "UAE PDPL", "gdpr": "GDPR", "hipaa": "HIPAA", "pci_dss": "PCI DSS",
    "soc2": "SOC 2", "dld": "Land Department", "rera": "RERA", "rera_ads": "Advertising permits", "difc": "DIFC",
    "adgm": "ADGM", "basic": "House rules", "residency": "Residency", "tenancy": "Tenancy", "automotive": "Automotive",
}  # fmt: skip
_CARD: Final = 312


def regime_name(regime: str) -> str:
    """A regime as a person calls it."""
    return _NAMES.get(regime, code_words(regime).capitalize())


def show_posture(found: Standing, pin: Pin) -> None:
    """Authorities, the worst first, then assistants."""
    section(
        "By authority",
        "Derived from open findings and their clocks, never typed in. To review: something is open and not late, no "
        "record says enough, or the rules were not held against their sources for seven days.",
    )
    with st.container(horizontal=True, gap="small"):
        for row in sorted(
            found.regimes, key=lambda one: (_ORDER[one["posture"]], one["next_due_at"] or _far(), one["regime"])
        ):
            _card(row)
    section("By assistant", "From findings about an assistant's own records.")
    rows = sorted(found.assistants, key=lambda one: (_ORDER[one["posture"]], -one["open_count"], one["assistant_id"]))
    frame = pl.DataFrame(
        [
            {
                "assistant_id": one["assistant_id"],
                "posture": f"{SIGNS[one['posture']]} {POSTURES[one['posture']][0]}",
                "open_count": one["open_count"],
                "critical_count": one["critical_count"],
                "overdue_count": one["overdue_count"],
                "next_due_at": one["next_due_at"],
            }
            for one in rows
        ],
        schema={
            "assistant_id": pl.String(), "posture": pl.String(), "open_count": pl.Int64(), "critical_count": pl.Int64(),
            "overdue_count": pl.Int64(), "next_due_at": pl.Datetime("us", "UTC"),
        },
    )  # fmt: skip
    show_table(frame, title="Assistants", pin=pin, empty="No assistant is known yet. `aurora build` brings the fleet in.", height=420)  # fmt: skip


def _card(row: dict[str, Any]) -> None:
    word, icon, color = POSTURES[row["posture"]]
    with st.container(border=True, width=_CARD, height="stretch", gap="xxsmall"):
        st.badge(word, icon=icon, color=color)
        st.markdown(f"**{regime_name(row['regime'])}**")
        st.caption("; ".join(dict.fromkeys(row["authority"].split("; "))))
        st.markdown(
            f"{count(row['open_count'])} open · {count(row['critical_count'])} critical · "
            f"{count(row['overdue_count'])} overdue"
        )
        due = "nothing due" if row["next_due_at"] is None else f"next due {gulf_time(row['next_due_at'])}"
        st.caption(f"{plural(row['rule_count'], 'rule')}, {plural(row['judged_count'], 'verdict')}; {due}")
        if row["is_stale"]:
            st.badge("Rules are stale", icon=":material/update:", color="orange")
            st.caption("No breach by itself: nobody held them against the law this week. `aurora rules reviewed`")


def show_clocks(found: Standing, filings: list[Filing], cases: list[BreachCase], pin: Pin) -> None:
    """What is due, the most urgent first."""
    frame = clocks(found, filings, cases)
    left = [_left(due, found.now) for due in frame["due_at"]]
    shown = frame.with_columns(pl.Series("time_left", left, dtype=pl.String)).select(
        "due_at", "time_left", "what", "rule_id", "record", "severity", "owner_role"
    )
    show_table(
        shown,
        title="Clocks",
        pin=pin,
        empty="Nothing is due. `aurora rules sweep` looks for findings.",
        note="Findings, reports that are not filed, and people or authorities to be told; business days are counted by the UAE calendar.",
        columns={
            "time_left": st.column_config.TextColumn("Time left"),
            "what": st.column_config.TextColumn("What", width=300),
            "rule_id": st.column_config.TextColumn("By"),
            "owner_role": st.column_config.TextColumn("Owner"),
        },
        height=620,
    )


def _left(due: dt.datetime, now: dt.datetime) -> str:
    hours = (due - now).total_seconds() / 3600
    size = abs(hours)
    said = plural(round(size), "hour") if size < 48 else plural(round(size / 24), "day")
    return f"✗ late by {said}" if hours < 0 else f"in {said}"


def _far() -> dt.datetime:
    return dt.datetime.max.replace(tzinfo=dt.UTC)
