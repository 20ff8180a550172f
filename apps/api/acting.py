"""Acts over HTTP that happen once: the caller's idempotency key held, a repeat answered as before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from fastapi.responses import Response

from apps.api.admission import Admitted
from apps.api.caller import header
from apps.api.idempotency import REPLAYED, Claim, claimed
from apps.api.problems import decode_error

T = TypeVar("T")


async def act_once(
    request: Request, caller: Admitted, *, act: str, body: bytes, do: Callable[[Claim | None], Awaitable[Response]]
) -> Response:
    """What `do` answers, or what it answered when the same request came before with the same key."""
    raw_key = header(request, b"idempotency-key")
    if raw_key is None:
        return await do(None)
    with claimed(caller, raw_key, act=act, body=body) as claim:
        if claim.stored is not None:
            replayed = {name.decode(): value.decode() for name, value in [REPLAYED]}
            return Response(claim.stored.response, claim.stored.status, replayed, media_type="application/json")
        return await do(claim)


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The message; an error that names the field."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise decode_error(error) from error


def documented_act(answers: dict[str, Any], parameter: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """The route's OpenAPI with its idempotency header and an example that works."""
    answers["openapi_extra"]["parameters"] = [parameter]
    answers["openapi_extra"]["requestBody"]["content"]["application/json"]["example"] = example
    return answers
