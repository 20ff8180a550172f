"""The twin's control channel: one loopback port with a token of its own, where trouble is made on purpose."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec

from aurora.errors import AuroraError, NotFoundError
from twin.servers.chaos import ChaosRequest
from twin.servers.problems import CONTENT_TYPE, MethodError, UnauthorizedError, decode_error, encode_problem

if TYPE_CHECKING:
    from twin.servers.fleet_servers import FleetServers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_DECODER: Final = msgspec.json.Decoder(ChaosRequest)


@dataclass(frozen=True, slots=True)
class Admin:
    """`GET /assistants` says what is wrong with whom, `POST /chaos` takes a `ChaosRequest`."""

    token: str
    fleet: FleetServers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange."""
        status, kind = HTTPStatus.OK, b"application/json"
        try:
            body = msgspec.json.encode(await self._answer(scope, receive))
        except AuroraError as error:
            status, kind, body = HTTPStatus(error.status), CONTENT_TYPE, encode_problem(error)
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if not hmac.compare_digest(given, b"Bearer " + self.token.encode()):
            raise UnauthorizedError(
                "The control channel wants its token.",
                field="authorization",
                rule="bearer",
                next_step="`aurora chaos` reads it from the tenant's folder `twin`.",
            )
        match scope["path"], scope["method"]:
            case "/assistants", "GET":
                return {"assistants": self.states(), "is_simulated": True}
            case "/chaos", "POST":
                try:
                    wanted = _DECODER.decode((await receive()).get("body", b""))
                except (msgspec.DecodeError, UnicodeError) as error:
                    raise decode_error(error) from None
                words = await self.fleet.trouble(wanted)
                return {"assistant_id": wanted.assistant_id, "trouble": words, "is_simulated": True}
            case (("/assistants" | "/chaos"), method):
                raise MethodError(
                    f"{method[:32]} is not a method of this path.",
                    field="method",
                    rule="one_of",
                    next_step="GET /assistants, POST /chaos.",
                )
        raise NotFoundError("No such path.", field="path", next_step="There are /assistants and /chaos.")

    def states(self) -> list[dict[str, Any]]:
        """Each assistant with its address and what is wrong with it."""
        return [
            {"assistant_id": name, "url": self.fleet.url(name), "trouble": app.trouble.words}
            for name, app in self.fleet.apps.items()
        ]
