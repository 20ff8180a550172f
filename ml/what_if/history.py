"""The what-if: decisions of the lake, their receipts from the journal, made again by a proposal."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from aurora.errors import AuroraError, DataError
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Decision
from ml.learning.training_set import WINDOWS, read_training_set
from ml.what_if.effect import Effect, Pair, effect
from ml.what_if.imagined import Imagined
from ml.what_if.proposal import Asked, Proposal, propose

LIMIT: Final = 5000
"""Decisions that are replayed, the newest, unless more are asked for."""
_DECISIONS: Final = msgspec.json.Decoder(Decision)
_SQL: Final = """
    SELECT decision_id, journal_seq FROM raw.decision
    WHERE decision_kind = $kind AND decided_at > $since AND decided_at <= $until
    ORDER BY journal_seq DESC LIMIT $count
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A proposal's effect over history, and what of the history could not be asked."""

    proposal: Proposal
    since: dt.datetime
    until: dt.datetime
    effect: Effect
    left_out: Counter[str]
    """Decisions that could not be made again, by why."""

    def as_dict(self) -> dict[str, Any]:
        """The whole as JSON."""
        return {
            "proposal": self.proposal.as_dict(),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "left_out": dict(sorted(self.left_out.items())),
            **self.effect.as_dict(),
        }


def what_if(
    asked: Asked,
    paths: TenantPaths,
    settings: Settings,
    *,
    now: dt.datetime,
    since: dt.datetime | None = None,
    limit: int = LIMIT,
) -> WhatIf:
    """Replay what is asked over the newest `limit` decisions of its kind made after `since`.

    `UsageError` or `DataError` names what of the proposal does not exist; `DataError` with the rule `history` when no
    decision can be made again.
    """
    proposal = propose(asked, load_pack(settings.packs_dir, settings.pack), paths)
    begin = since or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    left_out: Counter[str] = Counter()
    with read_lake(paths) as lake:
        wanted = {"kind": proposal.kind, "since": begin, "until": now, "count": limit}
        found = list(lake.query(_SQL, wanted).iter_rows())[::-1]
        rewards = _rewards(lake, proposal, now=now, since=begin)
        imagined = Imagined.of(proposal, paths, settings, lake)
        with StateReader(paths) as state:
            made = list(_receipts(state, found, left_out))
        pairs = list(_pairs(made, imagined, proposal, rewards, left_out))
    if not pairs:
        raise _no_history(proposal, left_out)
    return WhatIf(
        proposal=proposal,
        since=pairs[0].made.decided_at,
        until=pairs[-1].made.decided_at,
        effect=effect(pairs, policy_id=proposal.policy_id),
        left_out=left_out,
    )


def _rewards(lake: LakeReader, proposal: Proposal, *, now: dt.datetime, since: dt.datetime) -> dict[str, float]:
    """Outcomes of matured decisions that nobody changed, by decision."""
    if proposal.kind not in WINDOWS:
        return {}
    matured = read_training_set(lake, proposal.kind, now=now, since=since)
    return {row.decision_id: row.reward for row in matured.logged if row.reward is not None}


def _receipts(state: StateReader, found: list[tuple[Any, ...]], left_out: Counter[str]) -> Iterator[Decision]:
    for decision_id, seq in found:
        entry = state.entry_at(seq)
        if entry is None or entry.record_id != decision_id:
            left_out["receipt_missing"] += 1
        else:
            yield _DECISIONS.decode(entry.body)


def _pairs(
    made: list[Decision],
    imagined: Imagined,
    proposal: Proposal,
    rewards: dict[str, float],
    left_out: Counter[str],
) -> Iterator[Pair]:
    for one in made:
        again = imagined.decided(one, policy_id=proposal.policy_id)
        if isinstance(again, AuroraError):
            left_out[again.rule or again.code] += 1
        else:
            yield Pair(made=one, again=again, reward=rewards.get(one.decision_id))


def _no_history(proposal: Proposal, left_out: Counter[str]) -> DataError:
    why = ", ".join(f"{count} {rule}" for rule, count in sorted(left_out.items()))
    return DataError(
        f"No decision of {proposal.kind} can be made again"
        + (f": {why}." if why else ": none is in the lake since then."),
        field="since",
        rule="history",
        next_step="Decide first (`aurora decide`), build (`aurora build`), or begin earlier with --since.",
    )
