"""One uvicorn on many ports of the loopback address, each of which can be closed and opened while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from twin.servers.ports import bound


class PortServer(uvicorn.Server):
    """uvicorn for an app that tells its ports apart. `on_up` is called once it listens."""

    def __init__(self, app: Any, on_up: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="on",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                log_level=logging.WARNING,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=3,
            )
        )
        self._on_up = on_up
        self.was_interrupted = False
        """Whether Ctrl-C ended it."""
        self._listeners: dict[int, asyncio.AbstractServer] = {}
        self._opening: set[int] = set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, which raises the signals again at the end: here the caller goes on and ends in order."""
        with super().capture_signals():
            yield
            self.was_interrupted = signal.SIGINT in self._captured_signals
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for sock, server in zip(sockets or [], self.servers, strict=True):
            self._listeners[sock.getsockname()[1]] = server
        gc.collect()
        gc.freeze()
        self._on_up()

    async def close_port(self, port: int) -> None:
        """Refuse new connections and cut those there are."""
        listener = self._listeners.pop(port, None)
        if listener is None:
            return
        listener.close()
        self.servers.remove(listener)  # type: ignore[arg-type]
        for connection in list(self.server_state.connections):
            if connection.transport.get_extra_info("sockname")[1] == port:
                connection.transport.abort()

    async def open_port(self, port: int) -> None:
        """Listen again. Errors: `OSError` when the port was taken meanwhile."""
        if port in self._listeners or port in self._opening:
            return

        def protocol() -> asyncio.Protocol:
            return self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )

        self._opening.add(port)
        try:
            server = await asyncio.get_running_loop().create_server(protocol, sock=bound(port), backlog=256)
        finally:
            self._opening.discard(port)
        self._listeners[port] = server
        self.servers.append(server)
