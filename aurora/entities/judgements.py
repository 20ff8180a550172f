"""What persons said about golden records: kept in the journal, folded into pairs that are one or two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Final

import msgspec

from aurora.errors import DataError
from aurora.store.journal import JournalEntry, JournalRecord, StateReader
from contracts.messages.decisions import canonical
from contracts.messages.entities import EntityDecision, EntityKind, RecordName

KIND: Final = "entity_decision"
_DECODER: Final = msgspec.json.Decoder(EntityDecision)
_PAGE: Final = 500
NamedPair = tuple[RecordName, RecordName]


@dataclass(slots=True)
class Judgements:
    """Pairs that a person joined and pairs that a person parted; what was said last holds."""

    joined: set[NamedPair] = field(default_factory=set)
    parted: set[NamedPair] = field(default_factory=set)

    def take(self, decision: EntityDecision) -> None:
        """The next decision, in the order of the journal."""
        between = {_ordered(*pair) for pair in product(decision.left, decision.right)}
        if decision.verdict == "unmerge":
            self.joined -= between
            self.parted |= between
            return
        within = {_ordered(*pair) for pair in combinations({*decision.left, *decision.right}, 2)}
        self.parted -= within
        self.joined |= between


def _ordered(left: RecordName, right: RecordName) -> NamedPair:
    return (left, right) if left <= right else (right, left)


def entries_of(state: StateReader, kind: str) -> list[JournalEntry]:
    """Every record of one kind, oldest first."""
    return list(_backwards(state, kind))[::-1]


def _backwards(state: StateReader, kind: str) -> Iterator[JournalEntry]:
    before = None
    while entries := state.page(kind, before=before, limit=_PAGE):
        yield from entries
        before = entries[-1].seq
        if len(entries) < _PAGE:
            return


def read_decisions(state: StateReader, kind: EntityKind) -> list[EntityDecision]:
    """What persons decided about one kind of golden record, oldest first."""
    decided = (_DECODER.decode(entry.body) for entry in entries_of(state, KIND))
    return [decision for decision in decided if decision.entity_kind == kind]


def judgements(state: StateReader, kind: EntityKind) -> Judgements:
    """What holds now."""
    held = Judgements()
    for decision in read_decisions(state, kind):
        held.take(decision)
    return held


def decision_record(decision: EntityDecision) -> JournalRecord:
    """The journal record of a person's decision."""
    return JournalRecord(
        record_id=decision.entity_decision_id,
        kind=KIND,
        subject_id=decision.entity_id,
        actor_id=decision.actor_id,
        recorded_at=decision.occurred_at,
        body=canonical(decision),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who decides, when, where, and under which id it is kept."""

    actor_id: str
    now: dt.datetime
    region: str
    decision_id: str


def merge(
    kind: EntityKind,
    entity_id: str,
    left: Sequence[RecordName],
    right: Sequence[RecordName],
    *,
    reason: str,
    speaker: Speaker,
) -> EntityDecision:
    """Two golden records are one. What identifiers forbid is refused by `aurora.entities.resolve.check_merge`."""
    if set(left) == set(right):
        raise _wrong("other_entity_id", "The two are one golden record already.", "Name another golden record.")
    return _decision("merge", kind, entity_id, left, right, reason=reason, speaker=speaker)


def unmerge(
    kind: EntityKind,
    entity_id: str,
    members: Sequence[RecordName],
    leaving: Sequence[RecordName],
    *,
    reason: str,
    speaker: Speaker,
) -> EntityDecision:
    """Some records leave a golden record."""
    strangers = [one for one in leaving if one not in members]
    staying = [one for one in members if one not in leaving]
    if strangers:
        named = f"{strangers[0].source} {strangers[0].record_id}"
        raise _wrong("records", f"{named} does not belong to {entity_id}.", "Name records that it was made from.")
    if not leaving or not staying:
        raise _wrong(
            "records", "Some records must leave and some must stay.", "Name at least one of them, and not all."
        )
    return _decision("unmerge", kind, entity_id, staying, leaving, reason=reason, speaker=speaker)


def keep_apart(
    kind: EntityKind,
    entity_id: str,
    left: Sequence[RecordName],
    right: Sequence[RecordName],
    *,
    reason: str,
    speaker: Speaker,
) -> EntityDecision:
    """Two golden records that look alike are two."""
    if set(left) & set(right):
        raise _wrong("other_entity_id", "It is the same golden record.", "Name the records that leave instead.")
    return _decision("unmerge", kind, entity_id, left, right, reason=reason, speaker=speaker)


def _decision(
    verdict: str,
    kind: EntityKind,
    entity_id: str,
    left: Sequence[RecordName],
    right: Sequence[RecordName],
    *,
    reason: str,
    speaker: Speaker,
) -> EntityDecision:
    return EntityDecision(
        entity_decision_id=speaker.decision_id,
        verdict="merge" if verdict == "merge" else "unmerge",
        entity_kind=kind,
        entity_id=entity_id,
        left=tuple(sorted(left)),
        right=tuple(sorted(right)),
        actor_id=speaker.actor_id,
        occurred_at=speaker.now,
        reason=reason.strip(),
        region=speaker.region,
    )


def _wrong(field_name: str, message: str, next_step: str) -> DataError:
    return DataError(message, field=field_name, rule="golden", next_step=next_step)
