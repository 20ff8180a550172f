"""One decision with all that followed it, from the journal: the freshest there is, and what was sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from apps.streamlit.reads.decisions import DECISIONS, OUTCOMES, OVERRIDES
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.wording import NOTHING
from aurora.store.journal import JournalEntry, StateReader
from contracts.messages.decisions import Candidate, Decision, Outcome, Override


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionDetail:
    """A decision, its place in the audit log, and what came of it."""

    decision: Decision
    receipt: bytes
    """The canonical JSON that was sealed."""
    seq: int
    leaf: str
    tree_size: int
    elapsed_us: int | None
    outcomes: tuple[Outcome, ...]
    overrides: tuple[Override, ...]

    @property
    def receipt_hash(self) -> str:
        """SHA-256 of the receipt, hex."""
        return hashlib.sha256(self.receipt).hexdigest()

    @property
    def standing_action(self) -> str | None:
        """What holds now: the last override, else what the engine chose."""
        return self.overrides[-1].action if self.overrides else self.decision.action


def decision_detail(pin: Pin, decision_id: str) -> DecisionDetail | None:
    """The decision of that id in this tenant, or None."""
    if not pin.paths.state.exists():
        return None
    with StateReader(pin.paths) as journal:
        entries = journal.about(decision_id)
        tree_size, _ = journal.tree()
    if not entries or entries[0].kind != "decision":
        return None
    return _detail(entries, tree_size)


def _detail(entries: list[JournalEntry], tree_size: int) -> DecisionDetail:
    first, *following = entries
    return DecisionDetail(
        decision=DECISIONS.decode(first.body),
        receipt=first.body,
        seq=first.seq,
        leaf=first.leaf.hex(),
        tree_size=tree_size,
        elapsed_us=first.elapsed_us,
        outcomes=tuple(OUTCOMES.decode(entry.body) for entry in following if entry.kind == "outcome"),
        overrides=tuple(OVERRIDES.decode(entry.body) for entry in following if entry.kind == "override"),
    )


def verdict(candidate: Candidate, decision: Decision) -> str:
    """What became of a candidate, in a word with its sign."""
    if candidate.candidate_id == decision.action:
        return "✓ Chosen"
    if any(veto.source == "rule" for veto in candidate.vetoes):
        return "✗ Forbidden"
    return "✗ Not able" if candidate.vetoes or not candidate.is_eligible else "○ Possible"


def candidates_frame(decision: Decision, names: Mapping[str, str]) -> pl.DataFrame:
    """The candidates as a table, best first, the vetoed last with why."""
    rows = [
        {
            "candidate_id": names.get(candidate.candidate_id, candidate.candidate_id),
            "verdict": verdict(candidate, decision),
            "score": candidate.score,
            "quality": candidate.quality,
            "expected_cost_usd": None if candidate.cost_usd is None else float(candidate.cost_usd),
            "latency_ms": candidate.latency_ms,
            "propensity": candidate.propensity,
            "why_not": "; ".join(veto.reason for veto in candidate.vetoes) or NOTHING,
        }
        for candidate in decision.candidates
    ]
    frame = pl.DataFrame(
        rows,
        schema={
            "candidate_id": pl.String, "verdict": pl.String, "score": pl.Float64, "quality": pl.Float64,
            "expected_cost_usd": pl.Float64, "latency_ms": pl.Float64, "propensity": pl.Float64, "why_not": pl.String,
        },
    )  # fmt: skip
    is_chosen = pl.col("verdict") == "✓ Chosen"
    return frame.sort(is_chosen, "score", "candidate_id", descending=[True, True, False], nulls_last=True)


def rules_frame(decision: Decision, names: Mapping[str, str]) -> pl.DataFrame:
    """Each rule that gave a verdict, and whom it forbade."""
    forbidden: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for candidate in decision.candidates:
        for veto in candidate.vetoes:
            if veto.source == "rule":
                forbidden.setdefault(veto.rule_id, []).append(names.get(candidate.candidate_id, candidate.candidate_id))
                reasons.setdefault(veto.rule_id, veto.reason)
    return pl.DataFrame(
        [
            {
                "rule": rule_id,
                "verdict": f"✗ Forbids {len(forbidden[rule_id])}" if rule_id in forbidden else "✓ Passes",
                "forbids": ", ".join(forbidden.get(rule_id, [])) or NOTHING,
                "because": reasons.get(rule_id, NOTHING),
            }
            for rule_id in sorted(set(decision.rules_checked) | set(forbidden), key=lambda r: (r not in forbidden, r))
        ],
        schema={"rule": pl.String, "verdict": pl.String, "forbids": pl.String, "because": pl.String},
    )
