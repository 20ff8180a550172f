"""The outermost ASGI app: raw routes first, then the framework's, then the pages; one lifespan for all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from apps.api.exchange import Exchange, Receive, Scope, Send
from apps.api.hot_routes import HotRoutes
from apps.api.problems import PayloadTooLargeError, method_not_allowed

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

DECISIONS = "/api/v1/decisions"
_ONE_DECISION = DECISIONS + "/"
_BATCH = DECISIONS + ":batch"
_FRAMEWORK_PATHS = frozenset({"/docs", "/openapi.json", "/livez", "/readyz", "/healthz", "/v1/traces"})
_FRAMEWORK_PREFIXES = ("/api/", "/problems/")
_STREAMED = ("/api/v1/ingest/", "/v1/traces")
"""Routes that hold their own limit: they never have a body in memory."""
_logger = logging.getLogger("aurora.api")


class Dispatcher:
    """Sends each request to who answers it."""

    def __init__(
        self,
        *,
        hot: HotRoutes,
        framework: ASGIApp,
        pages: ASGIApp | None,
        lifespan: Callable[[], AbstractAsyncContextManager[None]],
        max_upload_bytes: int,
    ) -> None:
        self._hot = hot
        self.lane = hot.lane
        self._framework = framework
        self._pages = pages
        self._lifespan = lifespan
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's message exchange."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(scope, receive, send)
            return
        path: str = scope["path"]
        if kind == "http" and path.startswith(DECISIONS) and await self._hot_route(path, scope, receive, send):
            return
        is_ours = path in _FRAMEWORK_PATHS or path.startswith(_FRAMEWORK_PREFIXES)
        if self._pages is not None and not is_ours:
            await self._pages(scope, receive, send)
        elif kind == "http":
            await self._in_framework(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _hot_route(self, path: str, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a raw route; False when it is not one."""
        method = scope["method"]
        if path == DECISIONS:
            if method == "GET":
                return False
            exchange = Exchange(scope, receive, send)
            if method == "POST":
                await self._hot.decide(exchange)
            else:
                await exchange.refuse(method_not_allowed(method, "GET, POST"))
            return True
        if path == _BATCH:
            exchange = Exchange(scope, receive, send)
            if method == "POST":
                await self._hot.decide_batch(exchange)
            else:
                await exchange.refuse(method_not_allowed(method, "POST"))
            return True
        if not path.startswith(_ONE_DECISION):
            return False
        decision_id, _, rest = path.removeprefix(_ONE_DECISION).partition("/")
        if rest not in {"", "outcomes", "overrides"} or not decision_id:
            return False
        exchange = Exchange(scope, receive, send)
        if method != ("POST" if rest else "GET"):
            await exchange.refuse(method_not_allowed(method, "POST" if rest else "GET"))
        elif rest == "outcomes":
            await self._hot.report_outcome(exchange, decision_id)
        elif rest == "overrides":
            await self._hot.override(exchange, decision_id)
        else:
            await self._hot.read(exchange, decision_id)
        return True

    async def _in_framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_streamed = scope["path"].startswith(_STREAMED)
        for name, value in () if is_streamed else scope["headers"]:
            if name == b"content-length" and int(value) > self._max_upload_bytes:
                await Exchange(scope, receive, send).refuse(_too_large(self._max_upload_bytes))
                return
        await self._framework(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start ourselves, then the pages; end in the other order. A failed start says why."""
        await receive()
        is_started = False
        try:
            async with self._lifespan(), PagesLifespan(self._pages, scope):
                is_started = True
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            _logger.exception("The API could not %s", "end in order" if is_started else "start")
            kind = "lifespan.shutdown.failed" if is_started else "lifespan.startup.failed"
            await send({"type": kind, "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})


class PagesLifespan:
    """Plays the server's part of the lifespan protocol for the mounted pages."""

    def __init__(self, app: ASGIApp | None, scope: Scope) -> None:
        self._app = app
        self._scope = scope
        self._to_app: asyncio.Queue[Scope] = asyncio.Queue()
        self._from_app: asyncio.Queue[Scope] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        if self._app is not None:
            self._task = asyncio.create_task(self._run(self._app))
            await self._say("lifespan.startup")

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await self._say("lifespan.shutdown")
            await self._task

    async def _run(self, app: ASGIApp) -> None:
        try:
            await app(dict(self._scope), self._to_app.get, self._from_app.put)
        except Exception as error:  # noqa: BLE001 - an app without a lifespan raises at the first message, as ASGI allows
            _logger.info("The pages have no lifespan: %r", error)
        finally:
            await self._from_app.put({"type": "lifespan.ended"})

    async def _say(self, message: str) -> None:
        await self._to_app.put({"type": message})
        reply = await self._from_app.get()
        if reply["type"] == f"{message}.failed":
            raise RuntimeError(f"The pages failed in {message}: {reply.get('message', '')}")


def _too_large(limit: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The body is larger than {limit} bytes.",
        field="Content-Length",
        rule="at_most",
        next_step="Send less at once, or raise AURORA_MAX_UPLOAD_MB.",
        headers=[(b"connection", b"close")],
    )
