"""How the API is put on a port: uvicorn with the fast parsers, no line of log a request."""

from __future__ import annotations

import contextlib
import gc
import logging
import resource
import socket
from typing import Any

import uvicorn

from apps.api.hot_lane import HotProtocol
from aurora.settings import Settings


def run(app: Any, settings: Settings) -> None:
    """Serve in this process until asked to stop; requests in flight are answered first."""
    _allow_connections()
    _Server(server_config(app, settings)).run()


def _allow_connections() -> None:
    """As many open files as the system lets this process have: each connection is one, and 1,024 is the custom."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # some systems say "unlimited" and mean less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Server(uvicorn.Server):
    """uvicorn with a garbage collector that leaves what was loaded at the start alone.

    Requests leave few cycles; looking for them after every 700 objects cost 8 % of a decision's CPU.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)


def server_config(app: Any, settings: Settings, *, is_quiet: bool = True) -> uvicorn.Config:
    """uvicorn's configuration for one process. `app` is an ASGI app or a factory's import path."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        factory=isinstance(app, str),
        loop="uvloop",
        http=HotProtocol,
        lifespan="on",
        access_log=False,
        proxy_headers=False,  # only pages care where a request came from, see apps/server.py
        server_header=False,
        date_header=False,
        log_level=logging.WARNING if is_quiet else logging.INFO,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        backlog=4096,
    )
