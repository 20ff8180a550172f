"""API keys: made, listed and ended by whoever holds a key with the scope admin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import Administrator, Parts, documented, header, json_body, reply
from apps.api.idempotency import REPLAYED, Claim, claimed
from apps.api.messages import KeyCreated, KeyInfo, KeyList, KeyRequest, encode
from apps.api.problems import decode_error
from aurora.identity.keys import NewKey, create_key, revoke_key
from aurora.store.journal import ApiKeyRow, IdempotencyKey
from aurora.store.state import Clock

router = APIRouter(tags=["keys"])
_REQUESTS = msgspec.json.Decoder(KeyRequest)


@router.get("/api/v1/keys", **documented(KeyList, scope="admin"))
async def list_keys(caller: Administrator) -> Response:
    """Every key of the tenant, ended ones too; secrets are not kept and cannot be shown."""
    rows = await asyncio.to_thread(caller.runtime.store.api_keys)
    return reply(KeyList(keys=[_info(row) for row in rows]))


@router.post("/api/v1/keys", **documented(KeyCreated, scope="admin", status=201, takes=KeyRequest))
async def make_key(caller: Administrator, parts: Parts, request: Request) -> Response:
    """Make a key for an assistant or a person; its secret is in this answer and nowhere else."""
    body = await json_body(request)
    wanted = _decoded(body)
    raw_key = header(request, b"idempotency-key")
    if raw_key is None:
        return _created(await asyncio.to_thread(_make, caller, wanted, parts.clock))
    with claimed(caller, raw_key, act="create_key", body=body) as claim:
        if claim.stored is not None:
            replayed = {name.decode(): value.decode() for name, value in [REPLAYED]}
            return Response(claim.stored.response, claim.stored.status, replayed, media_type="application/json")
        return _created(await asyncio.to_thread(_make, caller, wanted, parts.clock, _answer(claim)))


@router.delete("/api/v1/keys/{prefix}", **documented(None, scope="admin", status=204, meaning="The key is ended."))
async def end_key(caller: Administrator, parts: Parts, prefix: str) -> Response:
    """End a key now; other processes refuse it within two seconds. 409 when it was ended before."""
    actor_id, now = caller.identity.actor_id, parts.clock()
    await asyncio.to_thread(revoke_key, caller.runtime.store, prefix, revoked_by=actor_id, now=now)
    parts.tenants.refresh_keys(caller.runtime)
    return Response(status_code=204)


def _make(
    caller: Admitted,
    wanted: KeyRequest,
    clock: Clock,
    answered: Callable[[ApiKeyRow], IdempotencyKey] | None = None,
) -> NewKey:
    return create_key(
        caller.runtime.store,
        actor_id=wanted.actor_id,
        label=wanted.label,
        scopes=wanted.scopes,
        created_by=caller.identity.actor_id,
        now=clock(),
        rate_per_s=wanted.rate_per_s,
        answered=answered,
    )


def _answer(claim: Claim) -> Callable[[ApiKeyRow], IdempotencyKey]:
    """What is stored for a repeat: everything but the secret, which is never written down."""
    return lambda row: claim.answered(201, encode(KeyCreated(key=None, info=_info(row))))


def _created(new: NewKey) -> Response:
    message = KeyCreated(key=new.token, info=_info(new.row))
    headers = {"location": f"/api/v1/keys/{new.row.prefix}", "cache-control": "no-store"}
    return reply(message, status=201, headers=headers)


def _decoded(body: bytes) -> KeyRequest:
    try:
        return _REQUESTS.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error


def _info(row: ApiKeyRow) -> KeyInfo:
    return KeyInfo(
        prefix=row.prefix,
        actor_id=row.actor_id,
        label=row.label,
        scopes=row.scopes.split(),
        rate_per_s=row.rate_per_s,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
