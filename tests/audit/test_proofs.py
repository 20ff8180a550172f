"""Proofs: those that are made hold, against an independent library too, and every forged part is refused."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from pymerkle import InmemoryTree

from aurora.audit.proofs import prove_consistency, prove_inclusion, verify_consistency, verify_inclusion
from aurora.errors import NotFoundError, UsageError
from aurora.store.journal import JournalRecord, StateReader, sealed_entry
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.sealing import load_verifier_key, open_note
from aurora.store.state import StateStore

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
SIZE = 1_100


def _record(number: int) -> JournalRecord:
    return JournalRecord(
        record_id=f"dec_{number}",
        kind="decision",
        subject_id=f"dec_{number}",
        actor_id="person:amal",
        recorded_at=NOW,
        body=b'{"n":%d}' % number,
    )


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    made = create_tenant(tmp_path_factory.mktemp("log"), "demo", "ae-dubai")
    with StateStore.open(made, clock=lambda: NOW) as store:
        for number in range(0, SIZE, 100):
            store.append([_record(one) for one in range(number, number + 100)]).result()
    return made


@pytest.fixture(scope="module")
def oracle() -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for number in range(SIZE):
        tree.append(sealed_entry(_record(number)))
    return tree


def test_roots_are_those_of_an_independent_library(paths, oracle):
    key = load_verifier_key(paths)
    with StateReader(paths) as state:
        for size, note in state.checkpoints():
            assert open_note(note, key).root == oracle.get_state(size)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 511, 512, 1023, 1024, SIZE - 1])
def test_a_records_proof_leads_to_the_signed_root(paths, number):
    with StateReader(paths) as state:
        proof = prove_inclusion(state, f"dec_{number}")
    signed = open_note(proof.checkpoint, load_verifier_key(paths))
    assert (proof.leaf_index, proof.tree_size, signed.size) == (number, SIZE, SIZE)
    assert verify_inclusion(proof.leaf, leaf_index=number, tree_size=SIZE, path=proof.path, root=signed.root)


def test_every_forged_part_of_a_proof_is_refused(paths):
    with StateReader(paths) as state:
        proof = prove_inclusion(state, "dec_700")
    root = open_note(proof.checkpoint, load_verifier_key(paths)).root
    good = {"leaf_index": 700, "tree_size": SIZE, "path": proof.path, "root": root}
    flipped = tuple(bytes([one[0] ^ 1]) + one[1:] for one in proof.path[:1]) + proof.path[1:]
    forged = [
        {"leaf_index": 701},
        {"leaf_index": -1},
        {"leaf_index": SIZE},
        {"tree_size": 64},
        {"tree_size": 0},
        {"path": proof.path[:-1]},
        {"path": (*proof.path, proof.path[0])},
        {"path": flipped},
        {"path": proof.path[::-1]},
        {"path": (proof.path[0][:31], *proof.path[1:])},
        {"root": bytes(32)},
    ]
    assert verify_inclusion(proof.leaf, **good)
    assert not verify_inclusion(bytes(32), **good)
    assert [one for one in forged if verify_inclusion(proof.leaf, **(good | one))] == []


def test_a_log_only_grew(paths, oracle):
    draw = random.Random(7)
    with StateReader(paths) as state:
        for first in [1, 2, 256, 512, 1024, SIZE, *draw.sample(range(1, SIZE), 20)]:
            size, path = prove_consistency(state, first)
            roots = {"first_root": oracle.get_state(first), "second_root": oracle.get_state(SIZE)}
            assert verify_consistency(first_size=first, second_size=size, path=path, **roots)
            assert not verify_consistency(
                first_size=first, second_size=size, path=path, **(roots | {"first_root": bytes(32)})
            )
            if path:
                assert not verify_consistency(first_size=first, second_size=size, path=path[:-1], **roots)


def test_what_is_not_there_has_no_proof(paths):
    with StateReader(paths) as state:
        with pytest.raises(NotFoundError):
            prove_inclusion(state, "dec_x")
        with pytest.raises(UsageError, match="no earlier size"):
            prove_consistency(state, SIZE + 1)
