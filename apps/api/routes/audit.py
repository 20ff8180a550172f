"""The audit log's newest signed head, and the proof that a decision stands in it."""

from __future__ import annotations

import asyncio
from base64 import b64encode

from fastapi import APIRouter
from fastapi.responses import Response

from apps.api.caller import Reader, documented, reply
from apps.api.messages import AuditCheckpoint, AuditProof
from aurora.audit.proofs import prove_inclusion
from aurora.audit.records import read_decision
from aurora.errors import NotFoundError
from aurora.store.journal import StateReader

router = APIRouter(tags=["audit"])


@router.get("/api/v1/audit/checkpoint", **documented(AuditCheckpoint, scope="read"))
async def show_checkpoint(caller: Reader) -> Response:
    """The newest signed tree head. Who keeps one can show later that the log was not rewritten."""
    note = await asyncio.to_thread(caller.runtime.store.checkpoint)
    if note is None:
        raise NotFoundError(
            "The audit log holds no record yet.", field="checkpoint", next_step="Make a decision first."
        )
    return reply(AuditCheckpoint(tree_size=int(note.split(b"\n", 2)[1]), note=note.decode()))


@router.get("/api/v1/audit/proof/{decision_id}", **documented(AuditProof, scope="read"))
async def show_proof(caller: Reader, decision_id: str) -> Response:
    """The decision's sealed bytes and the path from them to the newest checkpoint's root."""
    return reply(await asyncio.to_thread(_proof, caller.runtime.store, decision_id))


def _proof(store: StateReader, decision_id: str) -> AuditProof:
    read_decision(store, decision_id)
    proof = prove_inclusion(store, decision_id)
    return AuditProof(
        decision_id=decision_id,
        leaf_index=proof.leaf_index,
        tree_size=proof.tree_size,
        entry=b64encode(proof.entry).decode(),
        path=[b64encode(one).decode() for one in proof.path],
        checkpoint=proof.checkpoint.decode(),
    )
