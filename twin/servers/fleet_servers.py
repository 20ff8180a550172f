"""All assistants of a pack as HTTP servers in one process: one uvicorn, one port each, one more for chaos.

One timer looks at whichever assistant has something to do next, so that an idle fleet costs next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from aurora.errors import ConflictError, NotFoundError
from aurora.packs import PROTOCOL_EXPORTS, Pack
from contracts.messages.assistants import CommandReply
from twin.servers.admin import Admin
from twin.servers.app import AssistantApp, Receive, Scope, Send
from twin.servers.callbacks import deliver
from twin.servers.card import agent_card, encoded_card
from twin.servers.chaos import FLAP_S, ChaosRequest, Trouble
from twin.servers.clock import TwinClock
from twin.servers.commands import CommandDesk
from twin.servers.demand import fleet_demand
from twin.servers.listening import PortServer
from twin.servers.ports import ADMIN, HOST
from twin.servers.row_log import RowLog
from twin.servers.skills import true_skills
from twin.servers.worker import Worker

_logger = logging.getLogger("twin.servers")
_LONGEST_NAP_S: Final = 1.0
_SHORTEST_NAP_S: Final = 0.002
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
_ALWAYS: Final = ("assistant_status", "conversation", "task", "usage")


@dataclass(slots=True, kw_only=True)
class FleetServers:
    """The live twin: assistants by id, each on its port of the loopback address."""

    pack: Pack
    clock: TwinClock
    seed: int
    ports: Mapping[str, int]
    """By assistant id, and `ADMIN` for the control channel."""
    admin_token: str
    token: str | None = None
    load: float = 1.0
    apps: dict[str, AssistantApp] = field(default_factory=dict)
    _admin: Admin = field(init=False)
    _by_port: dict[int, AssistantApp] = field(default_factory=dict)
    _server: PortServer | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._admin = Admin(self.admin_token, self)
        skills = true_skills(self.pack, seed=self.seed)
        demand = fleet_demand(self.pack, seed=self.seed, load=self.load)
        run_id = f"{self.seed}-{int(self.clock.life_start)}"
        for assistant in self.pack.assistants:
            contracts = {*PROTOCOL_EXPORTS, *_ALWAYS, *assistant.exports}
            worker = Worker(
                assistant=assistant,
                clock=self.clock,
                seed=self.seed,
                demand=demand[assistant.assistant_id],
                skills=skills[assistant.assistant_id],
                logs={name: RowLog(run_id) for name in sorted(contracts)},
            )
            acting = frozenset(name for name, one in self.pack.task_types.items() if one.is_acting)
            desk = CommandDesk(worker=worker, acting_types=acting, on_callback=self._call_back)
            card, etag = encoded_card(
                agent_card(
                    assistant,
                    self.pack,
                    url=self.url(assistant.assistant_id),
                    is_guarded=self.token is not None,
                )
            )
            app = AssistantApp(worker=worker, desk=desk, trouble=Trouble(), token=self.token, card=card, etag=etag)
            self.apps[assistant.assistant_id] = app
            self._by_port[self.ports[assistant.assistant_id]] = app

    def url(self, name: str) -> str:
        """Where an assistant, or `ADMIN`, is reached."""
        return f"http://{HOST}:{self.ports[name]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange of any port; the lifespan holds the timer."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        port = scope["server"][1]
        if port == self.ports[ADMIN]:
            await self._admin(scope, receive, send)
        else:
            await self._by_port[port](scope, receive, send)

    async def serve(self, sockets: Mapping[str, socket.socket], *, on_up: Callable[[], None] = lambda: None) -> bool:
        """Answer on the bound sockets, by name, until SIGTERM or SIGINT: then True. What is in flight is answered."""
        self._server = PortServer(self, on_up)
        await self._server.serve(list(sockets.values()))
        return self._server.was_interrupted

    def stop(self) -> None:
        """Have `serve` end."""
        if self._server is not None:
            self._server.should_exit = True

    async def trouble(self, wanted: ChaosRequest) -> str:
        """Do something to an assistant, for as long as the newest word on it says; what is wrong with it then.

        Errors: `NotFoundError`, `ConflictError` when its port was taken while it was stopped.
        """
        app = self.apps.get(wanted.assistant_id)
        if app is None:
            raise NotFoundError(
                f"There is no assistant {wanted.assistant_id[:80]!r} in this twin.",
                field="assistant_id",
                next_step=f"There are: {', '.join(self.apps)}.",
            )
        timer = self._timers.pop(wanted.assistant_id, None)
        if timer is not None:
            timer.cancel()
        match wanted.kind:
            case "stop":
                app.trouble.is_stopped = True
                await self._close(wanted.assistant_id)
            case "slow":
                app.trouble.delay_s = wanted.by_ms / 1000
            case "corrupt":
                app.trouble.is_corrupt = True
            case "flap" if not app.trouble.is_flapping:
                app.trouble.is_flapping = True
                self._spawn(self._flap(wanted.assistant_id))
            case "restore":
                await self._restore(wanted.assistant_id)
        if wanted.for_s is not None and wanted.kind != "restore":
            loop = asyncio.get_running_loop()
            self._timers[wanted.assistant_id] = loop.call_later(
                wanted.for_s, lambda: self._spawn(self._restore(wanted.assistant_id))
            )
        return app.trouble.words

    async def _restore(self, assistant_id: str) -> None:
        app = self.apps[assistant_id]
        app.trouble.is_flapping = False
        await self._open(assistant_id)
        app.trouble = Trouble()

    async def _flap(self, assistant_id: str) -> None:
        trouble = self.apps[assistant_id].trouble
        while trouble.is_flapping:
            await self._close(assistant_id)
            await asyncio.sleep(FLAP_S)
            if trouble.is_flapping and not trouble.is_stopped:
                await self._open(assistant_id)
            await asyncio.sleep(FLAP_S)

    async def _close(self, assistant_id: str) -> None:
        worker = self.apps[assistant_id].worker
        worker.health.go_down(self.clock.life())
        if self._server is not None:
            await self._server.close_port(self.ports[assistant_id])

    async def _open(self, assistant_id: str) -> None:
        if self._server is not None:
            try:
                await self._server.open_port(self.ports[assistant_id])
            except OSError as error:
                raise ConflictError(
                    f"Port {self.ports[assistant_id]} was taken meanwhile: {error}.",
                    field="assistant_id",
                    rule="free_port",
                    next_step="Stop what listens there and restore again.",
                ) from error
        self.apps[assistant_id].worker.health.come_up(self.clock.life())

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        ticker = asyncio.create_task(self._tick())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ticker.cancel()
        for task in (ticker, *self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        """Let life go on while nobody asks."""
        workers = [app.worker for app in self.apps.values()]
        while True:
            life = self.clock.life()
            for worker in workers:
                if worker.next_event <= life:
                    worker.advance(life)
            upcoming = self.clock.wall_of(min(worker.next_event for worker in workers)) - self.clock.wall()
            await asyncio.sleep(min(max(upcoming, _SHORTEST_NAP_S), _LONGEST_NAP_S))

    def _call_back(self, url: str, reply: CommandReply) -> None:
        self._spawn(deliver(url, _ENCODER.encode(reply)))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _logger.warning("The twin could not do what it had begun: %s", error)
