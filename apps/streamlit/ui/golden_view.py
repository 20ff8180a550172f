"""One golden record on the page, and the forms by which a person joins and parts."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.golden_acts import join, keep_apart, part
from apps.streamlit.reads.golden import detail
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.table import label, show_table
from apps.streamlit.ui.wording import code_words, gulf_time, plain, plural
from aurora.entities.policy import EntityKind
from aurora.errors import AuroraError
from contracts.messages.entities import RecordName

_SAID = "golden_said"
_AFTER = "It is in the audit log and matched anew; the figures follow with the next build."
_VERDICTS = {
    "same": (":material/link:", "are one"),
    "review": (":material/help:", "may be one: a person says"),
    "refused": (":material/link_off:", "look alike and are two"),
}


def told() -> None:
    """What the last act did, said once."""
    if _SAID in st.session_state:
        st.success(st.session_state.pop(_SAID), icon=":material/check:")


def golden_record(pin: Pin, kind: EntityKind, entity_id: str, viewer: Viewer, *, are_personal_shown: bool) -> None:
    """Its values with where each is from, why its records are one, what persons said, and the form to part it."""
    facts = detail(pin, kind, entity_id, are_personal_shown=are_personal_shown)
    with st.container(border=True):
        st.markdown(f"#### Golden {kind} `{facts['entity_id']}`")
        systems = sorted({one["source"] for one in facts["records"]})
        st.caption(f"{plural(len(facts['records']), 'record')} of {', '.join(map(code_words, systems))}")
        _values(pin, facts)
        _evidence(facts)
        for said in facts["decisions"]:
            verb = "joined" if said["verdict"] == "merge" else "parted"
            st.markdown(
                f":material/gavel: **{plain(said['actor_id'])}** {verb} {_records(said['left'])} and "
                f"{_records(said['right'])} on {gulf_time(said['occurred_at'])}: {plain(said['reason'])}"
            )
        if viewer.reaches("operator") and len(facts["records"]) > 1:
            _part_form(pin, kind, facts, viewer)


def _values(pin: Pin, facts: dict[str, Any]) -> None:
    rows = [
        {
            "column": label(row["column"]),
            "value": row["value"],
            "from": f"{row['source']}:{row['record_id']}",
            "survives": row["is_survivor"],
            "agrees": row["is_same"],
            "because": code_words(row["strategy"]) if row["is_survivor"] else "",
            "updated_at": row["updated_at"],
        }
        for row in facts["values"]
    ]
    frame = pl.DataFrame(rows, schema_overrides={"value": pl.String()}) if rows else pl.DataFrame()
    show_table(
        frame,
        title="What each record holds",
        pin=pin,
        empty="The marts do not hold it yet. `aurora build` brings them up to it.",
        note="The value that survives stands first; what agrees says the same, however it is written.",
        height=420,
    )


def _evidence(facts: dict[str, Any]) -> None:
    with st.expander(f"Why: {plural(len(facts['matches']), 'pair')} of records", icon=":material/rule:"):
        for match in facts["matches"]:
            icon, words = _VERDICTS[match["verdict"]]
            evidence = match["evidence"]
            agree = ", ".join(_column(name) for name in evidence.get("agree", [])) or "nothing"
            differ = ", ".join(_column(name) for name in evidence.get("differ", []))
            st.markdown(
                f"{icon} {_records([match['left']])} and {_records([match['right']])} {words}, by "
                f"**{code_words(match['rule'])}** ({match['share']:.0%}). Agree: {agree}."
                + (f" Differ: {differ}." if differ else "")
            )


def _column(name: str) -> str:
    return code_words(name.removesuffix("_token"))


def _records(records: list[dict[str, str]]) -> str:
    return ", ".join(f"`{one['source']}:{one['record_id']}`" for one in records)


def _part_form(pin: Pin, kind: EntityKind, facts: dict[str, Any], viewer: Viewer) -> None:
    names = [f"{one['source']}:{one['record_id']}" for one in facts["records"]]
    with st.form("part", border=False):
        leaving = st.multiselect("Records that do not belong here", names)
        reason = st.text_input("Why", max_chars=2000, key="part_reason")
        if st.form_submit_button("Take them out", icon=":material/call_split:"):
            records = [RecordName(source=name.partition(":")[0], record_id=name.partition(":")[2]) for name in leaving]
            _done(lambda: part(pin, kind, facts["entity_id"], records, reason=reason, viewer=viewer), "They left.")


def judge(pin: Pin, kind: EntityKind, pair: dict[str, Any], viewer: Viewer) -> None:
    """One doubtful pair, and the two things that a person may say of it."""
    left, right = pair["left_entity_id"], pair["right_entity_id"]
    with st.container(border=True):
        st.markdown(f"#### Are `{pair['left_record']}` and `{pair['right_record']}` one {kind}?")
        st.markdown(
            f"The evidence makes it {pair['match_share']:.0%} likely. They agree on {pair['agree'] or 'nothing'}"
            + (f" and differ on {pair['differ']}." if pair["differ"] else ".")
        )
        if not viewer.reaches("operator"):
            st.caption("An operator may say.")
            return
        with st.form("judge", border=False):
            reason = st.text_input("Why", max_chars=2000, key="judge_reason")
            with st.container(horizontal=True):
                are_one = st.form_submit_button("They are one", icon=":material/link:", type="primary")
                are_two = st.form_submit_button("They are two", icon=":material/link_off:")
        if are_one:
            _done(lambda: join(pin, kind, left, right, reason=reason, viewer=viewer), "They are one.")
        if are_two:
            _done(lambda: keep_apart(pin, kind, left, right, reason=reason, viewer=viewer), "They stay two.")


def _done(act: Any, said: str) -> None:
    try:
        act()
    except AuroraError as error:
        st.error(f"{error.message}\n\n**Next step:** {error.next_step}", icon=":material/error:")
        return
    st.session_state[_SAID] = f"{said} {_AFTER}"
    st.rerun()
