"""The blast radius of a change of a contract: what stops, what changes, and who must follow.

- `stops`: it can no longer be built or read.
- `may stop`: it computes with a column of another type, or is made from what does.
- `changes`: it still works, and what it says is made from something that means something else now.
- `must follow`: it sends or receives rows of the contract and may be refused until it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from aurora.catalogue.dbt_sql import KPI_TABLE, RAW
from aurora.catalogue.lineage import Column, Lineage, raw_columns
from aurora.catalogue.uses import User, Writer
from contracts.evolution import Change, ChangeKind, State

Effect = Literal["stops", "may stop", "changes", "must follow"]
EFFECTS: Final[tuple[Effect, ...]] = ("stops", "may stop", "must follow", "changes")
"""What a change does to a part, the strongest first."""
PartKind = Literal[
    "staging", "intermediate", "mart", "kpi", "feature", "policy", "rule", "page", "code", "format", "assistant"
]

PART_KINDS: Final[tuple[PartKind, ...]] = (
    "mart", "kpi", "rule", "feature", "policy", "page", "assistant", "format", "staging", "intermediate", "code",
)  # fmt: skip

_SHAPE: Final[frozenset[ChangeKind]] = frozenset({"table_removed", "column_removed", "ingested"})
"""Changes after which SQL may not compile."""
_MEANING: Final[frozenset[ChangeKind]] = frozenset({"type", "unit", "protection", "token"})
"""Changes of what a column's values are."""
_GRAIN: Final[frozenset[ChangeKind]] = frozenset({"key", "states"})
"""Changes of what a row is."""
_WRITING: Final[frozenset[ChangeKind]] = frozenset(
    {*_SHAPE, *_MEANING, *_GRAIN, "required", "check_tightened", "column_added", "residency"}
)
"""Changes after which rows that were good may be refused, or mean something else."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Part:
    """One thing that a change reaches."""

    kind: PartKind
    name: str
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Blast:
    """Everything that changes reach, and how many things there are that they could have reached."""

    parts: tuple[Part, ...]

    def names(self, kind: PartKind, *effects: Effect) -> list[str]:
        """Names of one kind, with one of the effects, or any."""
        return [part.name for part in self.parts if part.kind == kind and (not effects or part.effect in effects)]

    @property
    def stopped(self) -> frozenset[tuple[PartKind, str]]:
        """What can no longer be built or read."""
        return frozenset((part.kind, part.name) for part in self.parts if part.effect == "stops")

    @property
    def reached(self) -> frozenset[tuple[PartKind, str]]:
        """All of it, whatever the effect."""
        return frozenset((part.kind, part.name) for part in self.parts)


def blast_of(
    made: Sequence[Change], *, new: State, lineage: Lineage, users: Iterable[User], writers: Iterable[Writer]
) -> Blast:
    """What the breaking ones among `made` reach. `lineage` is of the state before, `new` the state after."""
    breaking = [change for change in made if change.is_breaking]
    stopped = _stopped(breaking, new, lineage)
    affected, unfitting = lineage.affected(_touched(breaking, lineage)), _unfitting(breaking, lineage)
    parts = {_dbt_part(lineage, name, "changes") for name in affected}
    parts |= {_dbt_part(lineage, name, "may stop") for name in unfitting}
    parts |= {_dbt_part(lineage, name, "stops") for name in stopped}
    gone = {f"raw.{c.table}" for c in breaking if c.kind == "table_removed"}
    lost = {(f"raw.{c.table}", str(c.column)) for c in breaking if c.kind == "column_removed"}
    changed = {(_shown(relation), column) for relation, column in _touched(breaking, lineage)} | {
        (_shown(relation), column) for relation, columns in {**affected, **unfitting}.items() for column in columns
    }
    for user in users:
        effect = _effect(user, {*gone, *(f"mart.{name}" for name in stopped)}, lost, changed)
        if effect:
            parts.add(Part(kind=user.kind, name=user.name, effect=effect))
    parts |= {
        Part(kind=_writer_kind(writer), name=writer.name, effect="must follow")
        for writer in writers
        if any(_must_follow(writer, change) for change in breaking)
    }
    return Blast(parts=tuple(sorted(_strongest(parts))))


def _stopped(breaking: Sequence[Change], new: State, lineage: Lineage) -> list[str]:
    tables = {change.table for change in breaking if change.kind in _SHAPE}
    if not tables:
        return []
    after = raw_columns(new)
    raw = {
        relation: columns
        for relation, columns in lineage.columns.items()
        if relation.startswith(RAW) and relation.removeprefix(RAW) not in tables
    }
    raw |= {RAW + table: after[RAW + table] for table in tables if RAW + table in after}
    return lineage.stopped(raw)


def _unfitting(breaking: Sequence[Change], lineage: Lineage) -> dict[str, frozenset[str]]:
    """Dbt models that may not fit a column of another type, and everything made from them, with all columns."""
    retyped = {(RAW + c.table, str(c.column)) for c in breaking if c.kind == "type"}
    if not retyped:
        return {}
    at_risk = lineage.worked_with(lineage.affected(retyped), retyped)
    return {name: frozenset(lineage.columns[name]) for name in [*at_risk, *lineage.below(at_risk)]}


def _touched(breaking: Sequence[Change], lineage: Lineage) -> set[Column]:
    """Columns whose values or rows mean something else now."""
    found: set[Column] = set()
    for change in breaking:
        relation = RAW + change.table
        if change.kind in _MEANING and change.column:
            found.add((relation, change.column))
        elif change.kind in _GRAIN:
            found |= {(relation, column) for column in lineage.columns.get(relation, ())}
    return found


def _shown(relation: str) -> str:
    return f"raw.{relation.removeprefix(RAW)}" if relation.startswith(RAW) else f"mart.{relation}"


def _dbt_part(lineage: Lineage, name: str, effect: Effect) -> Part:
    return Part(kind=dbt_kind(lineage, name), name=name, effect=effect)


def dbt_kind(lineage: Lineage, name: str) -> PartKind:
    """What kind of part a dbt model is."""
    model = lineage.models[name]
    if model.is_kpi:
        return "kpi"
    kinds: dict[str, PartKind] = {"staging": "staging", "intermediate": "intermediate"}
    return kinds.get(model.layer, "mart")


def _effect(user: User, gone: set[str], lost: set[Column], changed: set[Column]) -> Effect | None:
    kpis = any(name.startswith("mart.kpi_") for name in gone)
    if user.tables & gone or user.columns & lost or (kpis and f"mart.{KPI_TABLE}" in user.tables):
        return "stops"
    if user.columns & changed or (
        f"mart.{KPI_TABLE}" in user.tables and any(t.startswith("mart.kpi_") for t, _ in changed)
    ):
        return "changes"
    return None


def _writer_kind(writer: Writer) -> PartKind:
    return "assistant" if writer.kind == "assistant" else "format"


def _must_follow(writer: Writer, change: Change) -> bool:
    """Whether rows that the writer brings may be refused or misread after the change."""
    if change.table not in writer.contracts or change.kind not in _WRITING:
        return False
    if change.column is None or writer.names is None or change.kind in ("required", "column_added"):
        return True
    return change.column in writer.names


def _strongest(parts: Iterable[Part]) -> list[Part]:
    """One part a kind and name: stopping is more than changing."""
    order: dict[Effect, int] = {effect: place for place, effect in enumerate(EFFECTS)}
    found: dict[tuple[str, str], Part] = {}
    for part in parts:
        held = found.get((part.kind, part.name))
        if held is None or order[part.effect] < order[held.effect]:
            found[part.kind, part.name] = part
    return list(found.values())


def part_counts(lineage: Lineage, users: Iterable[User], writers: Iterable[Writer]) -> dict[PartKind, int]:
    """How many parts of each kind there are."""
    names = {(dbt_kind(lineage, name), name) for name in lineage.models}
    names |= {(user.kind, user.name) for user in users}
    names |= {(_writer_kind(writer), writer.name) for writer in writers}
    return {kind: sum(1 for one, _ in names if one == kind) for kind in PART_KINDS}
