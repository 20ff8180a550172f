"""Deriving the whole audit log again: every leaf from its record, every root, every signature.

Nothing that is stored is believed: leaves come from the records' bytes, roots from the leaves, and each
checkpoint must carry that root under the tenant's key. All is read at one snapshot of the state database,
so that it holds while others write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

from aurora.errors import DataError
from aurora.store.journal import JournalEntry, StateReader, sealed_entry
from aurora.store.paths import TenantPaths
from aurora.store.sealing import Edge, Subtree, leaf_hash, load_verifier_key, open_note

_PAGE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What verification found. `bad_seq` is the first record that does not fit; None when all do."""

    tenant: str
    record_count: int
    checkpoint_count: int
    root: str
    problem: str | None = None
    bad_seq: int | None = None

    @property
    def is_valid(self) -> bool:
        """Whether every leaf, root and signature was derived again."""
        return self.problem is None

    @property
    def summary(self) -> str:
        """One line for a person."""
        if self.problem is not None:
            at = "" if self.bad_seq is None else f" at record {self.bad_seq:,}"
            return f"The log of {self.tenant} does not hold{at}: {self.problem}."
        return (
            f"{self.record_count:,} records and {self.checkpoint_count:,} signed checkpoints of {self.tenant} "
            f"were derived again; root {self.root[:16]}."
        )

    def as_dict(self) -> dict[str, object]:
        """Every figure by name."""
        return {**asdict(self), "is_valid": self.is_valid}


class _Mismatch(Exception):  # noqa: N818 - a finding, not an error
    """The first thing that does not fit, and the record where it shows."""

    def __init__(self, problem: str, seq: int | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.seq = seq


def verify(paths: TenantPaths) -> AuditReport:
    """Verify a tenant's log. `NotReadyError` before the first start; what does not fit is in the report."""
    verifier_key = load_verifier_key(paths)
    edge, signed = Edge(), 0
    problem: _Mismatch | None = None
    with StateReader(paths) as state, state.snapshot():
        try:
            signed = _derive(state, edge, verifier_key)
        except _Mismatch as found:
            problem = found
    return AuditReport(
        tenant=paths.tenant,
        record_count=edge.size,
        checkpoint_count=signed,
        root=edge.root().hex(),
        problem=None if problem is None else problem.problem,
        bad_seq=None if problem is None else problem.seq,
    )


def _derive(state: StateReader, edge: Edge, verifier_key: str) -> int:
    """Grow `edge` over the whole journal, comparing on the way; how many checkpoints were verified."""
    kept = {(level, position): digest for level, position, digest in state.subtrees()}
    notes = dict(state.checkpoints())
    if edge.size in notes:
        raise _Mismatch("a checkpoint is about an empty log", None)
    verified = 0
    for entry in _entries(state):
        for subtree in edge.append(_leaf(entry, edge.size + 1)):
            _compare_subtree(subtree, kept, entry.seq)
        note = notes.pop(edge.size, None)
        if note is not None:
            _compare_root(note, verifier_key, edge)
            verified += 1
    _compare_ends(state, edge, is_sealed=note is not None if edge.size else True)
    if notes:
        raise _Mismatch(f"a checkpoint is about {min(notes):,} records, which are not there", None)
    if kept:
        raise _Mismatch("the tree holds a hash of records that are not there", None)
    return verified


def _entries(state: StateReader) -> Iterator[JournalEntry]:
    seq = 0
    while page := state.after(seq, _PAGE):
        yield from page
        seq = page[-1].seq


def _leaf(entry: JournalEntry, expected_seq: int) -> bytes:
    if entry.seq != expected_seq:
        raise _Mismatch(f"record {expected_seq:,} is missing", expected_seq)
    derived = leaf_hash(sealed_entry(entry))
    if derived != entry.leaf:
        raise _Mismatch("its bytes do not give the leaf that was sealed", entry.seq)
    return derived


def _compare_subtree(subtree: Subtree, kept: dict[tuple[int, int], bytes], seq: int) -> None:
    if kept.pop((subtree.level, subtree.position), None) != subtree.hash:
        raise _Mismatch(f"the kept hash of level {subtree.level} at {subtree.position} is another", seq)


def _compare_root(note: bytes, verifier_key: str, edge: Edge) -> None:
    try:
        checkpoint = open_note(note, verifier_key)
    except DataError as error:
        raise _Mismatch(
            f"the checkpoint of {edge.size:,} records is not to be trusted: {error.message}", edge.size
        ) from None
    if checkpoint.size != edge.size or checkpoint.root != edge.root():
        raise _Mismatch(f"the checkpoint of {edge.size:,} records was signed over another log", edge.size)


def _compare_ends(state: StateReader, edge: Edge, *, is_sealed: bool) -> None:
    size, packed = state.tree()
    if size != edge.size:
        raise _Mismatch(
            f"the tree counts {size:,} records and the journal holds {edge.size:,}", min(size, edge.size) + 1
        )
    if packed != edge.pack():
        raise _Mismatch("the tree's edge is another", None)
    if not is_sealed:
        raise _Mismatch("its newest records carry no signed checkpoint", edge.size)
