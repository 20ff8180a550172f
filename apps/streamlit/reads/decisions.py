"""Decisions for the list: those of the mart, and on top of them what the journal holds and the mart does not yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import BOOL, INT, REAL, TEXT, TIME, Question, ask
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths, tenant_paths
from contracts.messages.decisions import Decision, Outcome, Override

LIST_LIMIT = 500
"""Most decisions in the list; filters narrow it, the export holds what the list holds."""
_FRESH_LIMIT = 300
_JOURNAL_SECONDS = 3

DECISIONS = msgspec.json.Decoder(Decision)
OUTCOMES = msgspec.json.Decoder(Outcome)
OVERRIDES = msgspec.json.Decoder(Override)
Following = TypeVar("Following", Outcome, Override)

DecisionShow = Literal["all", "waiting", "chosen", "abstained", "overridden", "failed"]

SHAPE = {
    "decision_id": TEXT, "decision_kind": TEXT, "decision_status": TEXT, "action": TEXT, "decided_at": TIME,
    "actor_id": TEXT, "confidence": REAL, "policy_id": TEXT, "reason": TEXT, "expected_cost_usd": REAL,
    "baseline_cost_usd": REAL, "is_success": BOOL, "is_overridden": BOOL, "override_action": TEXT, "needs_human": BOOL,
    "decide_us": INT,
}  # fmt: skip
_FRESH_SHAPE = {**SHAPE, "asked_mode": TEXT}
_ASKED_MODE = """($mode = '' OR decision_id IN (
    SELECT decision_id FROM raw.decision WHERE json_extract_string(context, '$.mode') = $mode
))"""
_CONDITIONS: dict[DecisionShow, str] = {
    "all": "true",
    "waiting": "needs_human",
    "chosen": "decision_status = 'chosen'",
    "abstained": "decision_status = 'abstained'",
    "overridden": "is_overridden",
    "failed": "is_success = false",
}
_CONTAINS = """($text = '' OR contains(
    lower(concat_ws(' ', decision_id, action, override_action, actor_id, reason)), lower($text)
))"""


_SHOWN: dict[DecisionShow, pl.Expr] = {
    "all": pl.lit(value=True),
    "waiting": pl.col("needs_human"),
    "chosen": pl.col("decision_status") == "chosen",
    "abstained": pl.col("decision_status") == "abstained",
    "overridden": pl.col("is_overridden"),
    "failed": pl.col("is_success").eq(other=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilter:
    """What the list shows."""

    show: DecisionShow = "all"
    kind: str | None = None
    mode: str | None = None
    """How far the asker wanted it to go: advise, shadow or act."""
    text: str = ""


def list_decisions(pin: Pin, wanted: DecisionFilter) -> pl.DataFrame:
    """Newest first, at most `LIST_LIMIT`, the journal's word over the mart's."""
    fresh = _fresh(pin.data_dir, pin.tenant)
    if wanted.mode is not None:
        fresh = fresh.filter(pl.col("asked_mode") == wanted.mode)
    fresh = fresh.drop("asked_mode")
    overrides = _recent_overrides(pin.data_dir, pin.tenant)
    stored = _stored(pin, wanted, tuple(overrides["decision_id"].to_list()))
    merged = pl.concat([fresh, stored.join(fresh, on="decision_id", how="anti")])
    changed = merged.join(overrides, on="decision_id", how="left", suffix="_journal").with_columns(
        is_overridden=pl.col("is_overridden") | pl.col("override_action_journal").is_not_null(),
        override_action=pl.coalesce("override_action_journal", "override_action"),
        needs_human=pl.col("needs_human") & pl.col("override_action_journal").is_null(),
    )
    return _matching(changed.select(*SHAPE), wanted).sort("decided_at", descending=True).head(LIST_LIMIT)


@st.cache_data(ttl=600, max_entries=64, show_spinner="Reading the lake")
def _stored(pin: Pin, wanted: DecisionFilter, changed: tuple[str, ...]) -> pl.DataFrame:
    """The mart's rows that fit, and those that a person changed since, for they may fit now."""
    question = Question(
        marts=("decisions",),
        shape=SHAPE,
        sql=f"""
            SELECT * FROM mart.decisions
            WHERE ({_CONDITIONS[wanted.show]} OR list_contains($changed, decision_id))
                AND ($kind = '' OR decision_kind = $kind) AND {_ASKED_MODE} AND {_CONTAINS}
            ORDER BY decided_at DESC LIMIT {LIST_LIMIT}
        """,
    )
    asked = {"kind": wanted.kind or "", "mode": wanted.mode or "", "text": wanted.text, "changed": list(changed)}
    with lake_at(pin) as lake:
        return ask(lake, pin, question, asked)


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def assistant_names(pin: Pin) -> dict[str, str]:
    """What people call each assistant."""
    question = Question(
        marts=("assistants",),
        shape={"assistant_id": TEXT, "assistant_name": TEXT},
        sql="SELECT assistant_id, assistant_name FROM mart.assistants WHERE assistant_name IS NOT NULL LIMIT 1000",
    )
    with lake_at(pin) as lake:
        return dict(ask(lake, pin, question).iter_rows())


def _matching(frame: pl.DataFrame, wanted: DecisionFilter) -> pl.DataFrame:
    told = pl.concat_str(
        "decision_id", "action", "override_action", "actor_id", "reason", separator=" ", ignore_nulls=True
    )
    return frame.filter(
        _SHOWN[wanted.show],
        pl.lit(value=True) if wanted.kind is None else pl.col("decision_kind") == wanted.kind,
        told.str.to_lowercase().str.contains(wanted.text.lower(), literal=True),
    )


@st.cache_data(ttl=_JOURNAL_SECONDS, max_entries=16, show_spinner=False)
def _fresh(data_dir: str, tenant: str) -> pl.DataFrame:
    """The newest decisions of the journal, with what followed them."""
    paths = _paths(data_dir, tenant)
    if not paths.state.exists():
        return pl.DataFrame(schema=_FRESH_SHAPE)
    with StateReader(paths) as journal:
        decisions = [
            (DECISIONS.decode(entry.body), entry.elapsed_us) for entry in journal.page("decision", limit=_FRESH_LIMIT)
        ]
        outcomes = _last(OUTCOMES.decode(entry.body) for entry in journal.page("outcome", limit=_FRESH_LIMIT))
    return pl.DataFrame([_row(decision, outcomes, us) for decision, us in decisions], schema=_FRESH_SHAPE)


@st.cache_data(ttl=_JOURNAL_SECONDS, max_entries=16, show_spinner=False)
def _recent_overrides(data_dir: str, tenant: str) -> pl.DataFrame:
    """The last word of a person on each decision that was changed lately."""
    paths = _paths(data_dir, tenant)
    shape = {"decision_id": TEXT, "override_action": TEXT}
    if not paths.state.exists():
        return pl.DataFrame(schema=shape)
    with StateReader(paths) as journal:
        last = _last(OVERRIDES.decode(entry.body) for entry in journal.page("override", limit=_FRESH_LIMIT))
    return pl.DataFrame({"decision_id": list(last), "override_action": [o.action for o in last.values()]}, schema=shape)


def forget_journal() -> None:
    """Read the journal anew: something was just written to it."""
    _fresh.clear()
    _recent_overrides.clear()


def _paths(data_dir: str, tenant: str) -> TenantPaths:
    return tenant_paths(Path(data_dir), tenant)


def _last(newest_first: Iterable[Following]) -> dict[str, Following]:
    """The newest record about each decision."""
    found: dict[str, Following] = {}
    for record in newest_first:
        found.setdefault(record.decision_id, record)
    return found


def _row(decision: Decision, outcomes: dict[str, Outcome], elapsed_us: int | None) -> dict[str, object]:
    outcome = outcomes.get(decision.decision_id)
    return {
        "decision_id": decision.decision_id,
        "decision_kind": decision.kind,
        "decision_status": decision.status,
        "action": decision.action,
        "decided_at": decision.decided_at,
        "actor_id": decision.actor_id,
        "confidence": decision.confidence,
        "policy_id": decision.policy_id,
        "reason": decision.reason,
        "expected_cost_usd": None if decision.expected_cost_usd is None else float(decision.expected_cost_usd),
        "baseline_cost_usd": None if decision.baseline_cost_usd is None else float(decision.baseline_cost_usd),
        "is_success": None if outcome is None else outcome.is_success,
        "is_overridden": False,
        "override_action": None,
        "needs_human": decision.status == "abstained",
        "decide_us": elapsed_us,
        "asked_mode": decision.request.mode,
    }
