"""Proofs that need neither the log nor Aurora: a record is in it, and a log only grew (RFC 6962, RFC 9162).

A proof is a few hashes. Whoever holds a signed checkpoint checks it with `verify_inclusion` or
`verify_consistency`, which take bytes and open nothing. Every part of a proof is checked: a path that is
too long, too short or about another place is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aurora.errors import NotFoundError, UsageError
from aurora.store.journal import StateReader, sealed_entry
from aurora.store.sealing import TILE_LEVELS, leaf_hash, node_hash

_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That the record with this leaf stands at `leaf_index` (from 0) in the log of `tree_size` records.

    `checkpoint` is the signed note over that log; `entry` the bytes whose hash is the leaf.
    """

    leaf_index: int
    tree_size: int
    entry: bytes
    path: tuple[bytes, ...]
    checkpoint: bytes

    @property
    def leaf(self) -> bytes:
        """The leaf's hash, from the entry's bytes."""
        return leaf_hash(self.entry)


def prove_inclusion(state: StateReader, record_id: str) -> InclusionProof:
    """The proof of one record under the newest checkpoint. `NotFoundError` when the log has no such record."""
    with state.snapshot():
        entry, note = state.get(record_id), state.checkpoint()
        size, _ = state.tree()
        if entry is None or note is None:
            raise NotFoundError(
                f"The log holds no record {record_id[:64]!r}.",
                field="record_id",
                next_step="Check the id; GET /api/v1/decisions lists the decisions of your tenant.",
            )
        index = entry.seq - 1
        return InclusionProof(
            leaf_index=index,
            tree_size=size,
            entry=sealed_entry(entry),
            path=tuple(_path(state, index, 0, size)),
            checkpoint=note,
        )


def prove_consistency(state: StateReader, first_size: int) -> tuple[int, tuple[bytes, ...]]:
    """Size of the newest log, and the proof that it begins with the log of `first_size` records."""
    with state.snapshot():
        size, _ = state.tree()
        if not 0 < first_size <= size:
            raise UsageError(
                f"The log has {size} records; {first_size} is no earlier size of it.",
                field="first_size",
                rule="at_most",
                next_step=f"Give a size from 1 to {size}: the one of a checkpoint you kept.",
            )
        return size, tuple(_consistency(state, first_size, 0, size, is_whole=True))


def verify_inclusion(leaf: bytes, *, leaf_index: int, tree_size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf at that place to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= leaf_index < tree_size or not _are_hashes([leaf, root, *path]):
        return False
    place, last, found = leaf_index, tree_size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(
    *, first_size: int, first_root: bytes, second_size: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the log of `second_size` begins with the one of `first_size` (RFC 9162, 2.1.4.2)."""
    if not 0 < first_size <= second_size or not _are_hashes([first_root, second_root, *path]):
        return False
    if first_size == second_size:
        return not path and first_root == second_root
    steps = list(path) if first_size & (first_size - 1) else [first_root, *path]
    if not steps:
        return False
    place, last = first_size - 1, second_size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        place >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root


def _are_hashes(found: Sequence[bytes]) -> bool:
    return all(len(one) == _HASH_BYTES for one in found)


def _path(state: StateReader, index: int, start: int, end: int) -> list[bytes]:
    """Siblings of the leaf at `index` within the leaves start .. end - 1, from the leaf upwards."""
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(state, index, start, middle), _range_hash(state, middle, end)]
    return [*_path(state, index, middle, end), _range_hash(state, start, middle)]


def _consistency(state: StateReader, first: int, start: int, end: int, *, is_whole: bool) -> list[bytes]:
    if first == end - start:
        return [] if is_whole else [_range_hash(state, start, end)]
    middle = start + _split(end - start)
    if first <= middle - start:
        return [
            *_consistency(state, first, start, middle, is_whole=is_whole),
            _range_hash(state, middle, end),
        ]
    rest = _consistency(state, first - (middle - start), middle, end, is_whole=False)
    return [*rest, _range_hash(state, start, middle)]


def _split(count: int) -> int:
    """Largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _range_hash(state: StateReader, start: int, end: int) -> bytes:
    """Hash over the leaves start .. end - 1; kept subtrees are used where there are any."""
    count = end - start
    level = count.bit_length() - 1
    if count == 1 << level and level and level % TILE_LEVELS == 0:
        kept = state.subtree(level, start >> level)
        if kept is not None:
            return kept
    if count <= 1 << TILE_LEVELS:
        return _fold(state.leaves(start, end))
    middle = start + _split(count)
    return node_hash(_range_hash(state, start, middle), _range_hash(state, middle, end))


def _fold(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return node_hash(_fold(leaves[:middle]), _fold(leaves[middle:]))
