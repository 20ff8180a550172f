"""The training set: matured decisions of one kind with what came of them and what people changed.

A decision is matured when its attribution window is over: taking younger ones that already have an outcome would
learn from the quick ones, which are not like the others. An outcome within the window counts, the newest report of it;
later ones do not. Where a person changed the action, the outcome is the person's choice's, not the policy's.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import msgspec
import polars as pl

from aurora.errors import DataError
from aurora.store.lake import LakeReader
from contracts.messages.decisions import DecisionKind

WINDOWS: Final[Mapping[DecisionKind, dt.timedelta]] = MappingProxyType(
    {"route_llm": dt.timedelta(days=1), "route_task": dt.timedelta(days=3), "resolve_conflict": dt.timedelta(days=7)}
)
"""How long after a decision its outcome may come and still be its own."""
_SQL: Final = """
    WITH outcomes AS (
        SELECT o.decision_id, o.is_success, o.quality, o.cost_usd, o.duration_ms, o.occurred_at,
            row_number() OVER (PARTITION BY o.decision_id ORDER BY o.journal_seq DESC) AS recency
        FROM raw.outcome AS o
        INNER JOIN raw.decision AS d ON d.decision_id = o.decision_id
        WHERE o.occurred_at <= d.decided_at + to_microseconds($window_us)
    ),
    changes AS (
        SELECT decision_id, override_action, actor_id, occurred_at,
            row_number() OVER (PARTITION BY decision_id ORDER BY journal_seq DESC) AS recency
        FROM raw.override
    )
    SELECT
        d.decision_id, d.decided_at, d.decision_status, d.action, d.propensity, d.policy_id, d.bundle_hash, d.feature_hash,
        d.context, d.candidates, o.is_success, o.quality, o.cost_usd, o.duration_ms,
        v.override_action, v.actor_id AS overrider_id
    FROM raw.decision AS d
    LEFT JOIN outcomes AS o ON o.decision_id = d.decision_id AND o.recency = 1
    LEFT JOIN changes AS v ON v.decision_id = d.decision_id AND v.recency = 1
    WHERE d.decision_kind = $kind AND d.decided_at <= $matured_at AND d.decided_at > $since
    ORDER BY d.journal_seq
"""


class _Seen(msgspec.Struct, frozen=True):
    """What a receipt says of one candidate."""

    candidate_id: str
    is_eligible: bool
    quality: float | None = None
    cost_usd: str | None = None
    propensity: float = 0.0


_CANDIDATES: Final = msgspec.json.Decoder(list[_Seen])


@dataclass(frozen=True, slots=True, kw_only=True)
class Matured:
    """One matured decision. `reward` is None where no outcome came within the window."""

    decision_id: str
    decided_at: dt.datetime
    request: Mapping[str, Any]
    policy_id: str
    bundle_hash: str | None
    feature_hash: str | None
    action: str | None
    propensity: float | None
    quality: Mapping[str, float]
    """Expected of each admissible candidate when it was decided."""
    cost_usd: Mapping[str, float]
    chances: Mapping[str, float]
    """Probability with which each admissible candidate would have been taken."""
    reward: float | None
    spent_usd: float | None
    override_action: str | None
    overrider_id: str | None

    @property
    def acted(self) -> str | None:
        """What was done in the end: the person's choice before the policy's."""
        return self.override_action or self.action

    @property
    def is_logged(self) -> bool:
        """Whether it speaks of the policy: it chose, nobody changed that, and the outcome is known."""
        return self.action is not None and self.override_action is None and self.reward is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Matured decisions of one kind, oldest first, and how many of which sort there are."""

    kind: DecisionKind
    matured_at: dt.datetime
    rows: tuple[Matured, ...]
    raw_snapshot_id: int

    @property
    def counts(self) -> dict[str, int]:
        """Rows by what can be learned from them."""
        return dict(sorted(Counter(_sort_of(row) for row in self.rows).items()))

    @property
    def logged(self) -> tuple[Matured, ...]:
        """The rows that off-policy estimates may use."""
        return tuple(row for row in self.rows if row.is_logged)


def _sort_of(row: Matured) -> str:
    if row.override_action is not None:
        return "changed_by_a_person"
    if row.action is None:
        return "left_to_a_person"
    return "without_outcome" if row.reward is None else "with_outcome"


def read_training_set(
    lake: LakeReader, kind: DecisionKind, *, now: dt.datetime, since: dt.datetime | None = None
) -> TrainingSet:
    """Decisions of `kind` that are matured at `now`, made after `since`.

    The reward is the outcome's quality where it was reported, else 1 or 0 for success.
    """
    window = WINDOWS.get(kind)
    if window is None:
        raise DataError(
            f"Nothing is learned from outcomes of {kind}.",
            field="kind",
            rule="one of " + ", ".join(WINDOWS),
            next_step="Name one of these kinds.",
        )
    frame = lake.query(
        _SQL,
        {
            "kind": kind,
            "window_us": window // dt.timedelta(microseconds=1),
            "matured_at": now - window,
            "since": since or dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        },
    )
    return TrainingSet(
        kind=kind, matured_at=now - window, rows=tuple(_rows(frame)), raw_snapshot_id=lake.snapshot_id("raw")
    )


def _rows(frame: pl.DataFrame) -> Sequence[Matured]:
    return [_matured(row) for row in frame.iter_rows(named=True)]


def _matured(row: Mapping[str, Any]) -> Matured:
    seen = [one for one in _CANDIDATES.decode(row["candidates"]) if one.is_eligible]
    quality, success = row["quality"], row["is_success"]
    return Matured(
        decision_id=row["decision_id"],
        decided_at=row["decided_at"],
        request=msgspec.json.decode(row["context"]),
        policy_id=row["policy_id"],
        bundle_hash=row["bundle_hash"],
        feature_hash=row["feature_hash"],
        action=row["action"] if row["decision_status"] == "chosen" else None,
        propensity=row["propensity"],
        quality={one.candidate_id: one.quality for one in seen if one.quality is not None},
        cost_usd={one.candidate_id: float(one.cost_usd) for one in seen if one.cost_usd is not None},
        chances={one.candidate_id: one.propensity for one in seen},
        reward=float(quality) if quality is not None else (None if success is None else float(success)),
        spent_usd=None if row["cost_usd"] is None else float(row["cost_usd"]),
        override_action=row["override_action"],
        overrider_id=row["overrider_id"],
    )
