"""The blast radius of the difference between two states of the contracts, over this source tree and these packs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aurora.catalogue.blast import Blast, PartKind, blast_of, part_counts
from aurora.catalogue.lineage import Lineage, raw_columns, read_lineage
from aurora.catalogue.uses import User, Writer, pack_users, source_users, writers
from aurora.packs import Pack
from contracts.evolution import Change, State


@dataclass(frozen=True, slots=True)
class House:
    """Everything that depends on the contracts."""

    lineage: Lineage
    users: tuple[User, ...]
    writers: tuple[Writer, ...]

    def blast(self, made: Sequence[Change], new: State) -> Blast:
        """What the breaking ones among these changes reach; `new` is the state after them."""
        return blast_of(made, new=new, lineage=self.lineage, users=self.users, writers=self.writers)

    @property
    def part_counts(self) -> dict[PartKind, int]:
        """How many parts of each kind there are: what a blast radius is small against."""
        return part_counts(self.lineage, self.users, self.writers)


def read_house(packs: Sequence[Pack], *states: State) -> House:
    """Read the dbt project, the pages, the engine and the packs. About a second; nothing is imported or run.

    The SQL may stand before a change or behind it, so it is read over the columns of all `states` together.
    """
    raw: dict[str, tuple[str, ...]] = {}
    for state in states:
        for relation, columns in raw_columns(state).items():
            raw[relation] = tuple(dict.fromkeys((*raw.get(relation, ()), *columns)))
    return House(
        lineage=read_lineage(raw),
        users=(*source_users(), *pack_users(packs)),
        writers=writers(packs),
    )
