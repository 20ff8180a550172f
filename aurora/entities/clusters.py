"""From pairs to groups: what is one, unless something in the groups says that they are two.

Pairs are taken from the surest on. Before two groups become one, the whole groups are looked at: two values of
an identifier, or two records that a person parted, keep them apart however alike one pair of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Pair = tuple[int, int]


@dataclass(slots=True)
class Groups:
    """Records by number, in groups. `exclusive` holds, for each identifier, each record's value or None."""

    size: int
    exclusive: Mapping[str, Sequence[str | None]]
    parted: Iterable[Pair] = ()
    _parent: list[int] = field(init=False)
    _values: dict[str, dict[int, set[str]]] = field(init=False)
    _members: dict[int, list[int]] = field(init=False)
    _enemies: dict[int, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._parent = list(range(self.size))
        self._members = {}
        self._values = {
            name: {row: {value} for row, value in enumerate(values) if value is not None}
            for name, values in self.exclusive.items()
        }
        self._enemies = {}
        for left, right in self.parted:
            self._enemies.setdefault(left, set()).add(right)
            self._enemies.setdefault(right, set()).add(left)

    def group_of(self, row: int) -> int:
        """The record that stands for the group."""
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def unite(self, left: int, right: int) -> str | None:
        """Make their groups one. If that may not be, nothing happens and the answer says what stands against it."""
        one, other = sorted((self.group_of(left), self.group_of(right)))
        if one == other:
            return None
        for name, values in self._values.items():
            if len(values.get(one, set()) | values.get(other, set())) > 1:
                return f"different_{name.removesuffix('_token')}"
        if self.are_parted(one, other):
            return "parted_by_a_person"
        mine, theirs = self._of(one), self._of(other)
        self._parent[other] = one
        self._members[one] = mine + theirs
        self._members.pop(other, None)
        for values in self._values.values():
            if other in values:
                values.setdefault(one, set()).update(values.pop(other))
        return None

    def are_parted(self, left: int, right: int) -> bool:
        """Whether a person parted a record of one group from a record of the other."""
        if not self._enemies:
            return False
        theirs = set(self._of(self.group_of(right)))
        return any(self._enemies.get(row, set()) & theirs for row in self._of(self.group_of(left)))

    def _of(self, group: int) -> list[int]:
        return self._members.get(group, [group])
