"""The HTTP face of one live assistant: raw ASGI, no framework, as contracts/messages/assistants.py declares it."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from aurora.errors import AuroraError, NotFoundError, UsageError
from aurora.ingest.envelope import ndjson_line, new_envelope
from contracts.messages.assistants import AGENT_CARD_PATH, ExecuteRequest
from twin.servers import a2a
from twin.servers.chaos import Trouble
from twin.servers.clock import moment
from twin.servers.commands import CommandDesk
from twin.servers.problems import (
    CONTENT_TYPE,
    Header,
    MethodError,
    TooLargeError,
    UnauthorizedError,
    decode_error,
    encode_problem,
    headers_of,
)
from twin.servers.worker import Worker

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY: Final = 1024 * 1024
DEFAULT_LIMIT: Final = 1_000
MAX_LIMIT: Final = 10_000
MAX_WAIT_S: Final = 25.0
"""Longest that `message:send` waits for its task."""
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_JSON: Final = b"application/json"
_NDJSON: Final = b"application/x-ndjson"
_A2A: Final = b"application/a2a+json"
_EXECUTE: Final = msgspec.json.Decoder(ExecuteRequest)
_SEND: Final = msgspec.json.Decoder(a2a.SendMessageRequest)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered."""

    status: int
    body: bytes
    content_type: bytes = _JSON
    headers: tuple[Header, ...] = ()


@dataclass(slots=True, kw_only=True)
class AssistantApp:
    """One assistant on its port."""

    worker: Worker
    desk: CommandDesk
    trouble: Trouble
    token: str | None = None
    card: bytes = b""
    etag: bytes = b""
    _base: str = field(init=False)

    def __post_init__(self) -> None:
        self._base = f"/api/{self.worker.assistant.assistant_id}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange."""
        path = scope["path"]
        is_a2a = path.startswith(("/message:", "/tasks"))
        try:
            reply = await self._answer(scope, path, receive)
        except AuroraError as error:
            body = a2a.encode_error(error) if is_a2a else encode_problem(error)
            kind = _A2A if is_a2a else CONTENT_TYPE
            reply = Reply(error.status, body, kind, tuple(headers_of(error)))
        if self.trouble.delay_s:
            await asyncio.sleep(self.trouble.delay_s)
        body = self.trouble.spoil(reply.body) if self.trouble.is_corrupt else reply.body
        headers = [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(body)), *reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, path: str, receive: Receive) -> Reply:
        method, headers = scope["method"], scope["headers"]
        self.worker.advance(self.worker.clock.life())
        if path == AGENT_CARD_PATH:
            _only(method, "GET")
            return self._agent_card(headers)
        self._check_token(headers)
        if path.startswith(self._base):
            return await self._native(method, path[len(self._base) :], scope, receive)
        if path == "/message:send":
            _only(method, "POST")
            return await self._send_message(await _body(receive, headers))
        if path == "/tasks" or path.startswith("/tasks/"):
            return self._task(method, unquote(path[len("/tasks/") :]), scope)
        raise NotFoundError(
            f"{path[:200]} is no path of {self.worker.assistant.assistant_id}.",
            field="path",
            next_step=f"Its paths begin with {self._base}; the card is at {AGENT_CARD_PATH}.",
        )

    async def _native(self, method: str, rest: str, scope: Scope, receive: Receive) -> Reply:
        if rest == "status":
            _only(method, "GET")
            return Reply(HTTPStatus.OK, _ENCODER.encode(self.worker.status(self.worker.clock.life())))
        if rest == "execute":
            _only(method, "POST")
            return self._execute(await _body(receive, scope["headers"]))
        kind, _, name = rest.partition("/")
        if kind == "commands" and name:
            _only(method, "GET")
            return Reply(HTTPStatus.OK, _ENCODER.encode(self.desk.known(unquote(name))))
        if kind == "export" and name:
            _only(method, "GET")
            return self._export(unquote(name), scope)
        raise NotFoundError(
            f"{rest[:200]!r} is no path of the protocol.",
            field="path",
            next_step="There are status, execute, commands/{command_id} and export/{contract}.",
        )

    def _execute(self, body: bytes) -> Reply:
        try:
            request = _EXECUTE.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise decode_error(error) from None
        reply = self.desk.execute(request)
        status = HTTPStatus.ACCEPTED if reply.command_state == "accepted" else HTTPStatus.OK
        at = f"{self._base}commands/{quote(request.command_id, safe='')}".encode()
        return Reply(
            status, _ENCODER.encode(reply), headers=((b"location", at),) if status == HTTPStatus.ACCEPTED else ()
        )

    def _export(self, contract: str, scope: Scope) -> Reply:
        log = self.worker.logs.get(contract)
        if log is None:
            raise NotFoundError(
                f"{self.worker.assistant.assistant_name} exports no {contract[:80]!r}.",
                field="contract",
                next_step=f"It exports {', '.join(sorted(self.worker.logs))}.",
            )
        asked = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        cursor = asked.get("cursor")
        page = log.page(cursor, _limit(asked.get("limit"), DEFAULT_LIMIT, MAX_LIMIT))
        etag = b'"%s.%d"' % (page.cursor.encode() if page.cursor else b"none", len(page.rows))
        if _header(scope["headers"], b"if-none-match") == etag:
            return Reply(HTTPStatus.NOT_MODIFIED, b"", _NDJSON, ((b"etag", etag),))
        head = new_envelope(
            contract,
            assistant_id=self.worker.assistant.assistant_id,
            exported_at=moment(self.worker.clock.wall()),
            row_count=len(page.rows),
            cursor=page.cursor,
        )
        body = ndjson_line(head) + b"".join(row + b"\n" for row in page.rows)
        return Reply(HTTPStatus.OK, body, _NDJSON, ((b"etag", etag),))

    def _agent_card(self, headers: list[Header]) -> Reply:
        about = ((b"etag", self.etag), (b"cache-control", b"max-age=300"))
        if _header(headers, b"if-none-match") == self.etag:
            return Reply(HTTPStatus.NOT_MODIFIED, b"", headers=about)
        return Reply(HTTPStatus.OK, self.card, headers=about)

    async def _send_message(self, body: bytes) -> Reply:
        try:
            request = _SEND.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise decode_error(error) from None
        task_id = a2a.send(request, self.desk)
        worker, clock = self.worker, self.worker.clock
        work = a2a.find(worker, task_id)
        until = clock.wall() + MAX_WAIT_S
        while not request.configuration.return_immediately and not work.is_final and clock.wall() < until:
            wait = clock.wall_of(worker.next_event) - clock.wall()
            await asyncio.sleep(min(max(wait, 0.001), 0.25))
            worker.advance(clock.life())
        return Reply(HTTPStatus.OK, _ENCODER.encode({"task": a2a.task(work, worker)}), _A2A)

    def _task(self, method: str, rest: str, scope: Scope) -> Reply:
        if not rest:
            _only(method, "GET")
            asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            page = a2a.listed(
                self.worker,
                context_id=asked.get("contextId"),
                token=asked.get("pageToken", ""),
                size=_limit(asked.get("pageSize"), a2a.DEFAULT_PAGE, a2a.MAX_PAGE),
            )
            return Reply(HTTPStatus.OK, _ENCODER.encode(page), _A2A)
        if rest.endswith(":cancel"):
            _only(method, "POST")
            work = a2a.cancel(self.worker, rest.removesuffix(":cancel"))
        else:
            _only(method, "GET")
            work = a2a.find(self.worker, rest)
        return Reply(HTTPStatus.OK, _ENCODER.encode(a2a.task(work, self.worker)), _A2A)

    def _check_token(self, headers: list[Header]) -> None:
        if self.token is None:
            return
        given = _header(headers, b"authorization") or b""
        if not hmac.compare_digest(given, b"Bearer " + self.token.encode()):
            raise UnauthorizedError(
                "This assistant wants its token.",
                field="authorization",
                rule="bearer",
                next_step="Send `Authorization: Bearer ...` with the token it was started with.",
            )


async def _body(receive: Receive, headers: list[Header]) -> bytes:
    if int(_header(headers, b"content-length") or 0) > MAX_BODY:
        raise _too_large()
    parts, size, goes_on = [], 0, True
    while goes_on:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        goes_on = bool(message.get("more_body"))
        if size > MAX_BODY:
            raise _too_large()
    return b"".join(parts)


def _too_large() -> TooLargeError:
    return TooLargeError(
        f"The body has more than {MAX_BODY} bytes.", field="body", rule="at_most", next_step="Send less at once."
    )


def _header(headers: list[Header], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)


def _limit(text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    if not _WHOLE.fullmatch(text) or not int(text):
        raise UsageError(
            f"A limit of {text[:20]!r} is no number of rows.",
            field="limit",
            rule="at_least",
            next_step=f"Send a whole number from 1 to {most}, or none.",
        )
    return min(int(text), most)


def _only(method: str, allowed: str) -> None:
    if method != allowed:
        raise MethodError(
            f"{method[:32]} is not a method of this path.", field="method", rule="one_of", next_step=f"Use {allowed}."
        )
