"""What a round of polls costs, and how soon a dead assistant is seen: real servers on loopback, one dead, one slow.

The servers are a process of their own; the poller is the API's, with a journal and a published file behind it.
Killed: one server's socket is closed at a moment between two polls, again and again, and the time is taken until
the published file says `down`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from apps.bootstrap import utc_now
from aurora.assistants.client import AssistantClient
from aurora.assistants.endpoints import connect
from aurora.assistants.live import read_live
from aurora.assistants.poller import Poller
from aurora.packs.loading import load_pack
from aurora.packs.pack import Pack
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from benchmarks.harness import Result
from contracts.messages.assistants import Latency, StatusReply
from contracts.messages.commands import EndpointRequest

ROUNDS: Final = 100
DETECTIONS: Final = 20
INTERVAL_S: Final = 1.0
_SLOW_S: Final = 0.6
_LOOK_S: Final = 0.005


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Rounds of the pack's fleet; `scale` 1 is 100 rounds and 20 detections."""
    rounds, detections = max(10, int(ROUNDS * scale)), max(3, int(DETECTIONS * scale))
    with tempfile.TemporaryDirectory(dir=data) as folder:
        settings = Settings(data_dir=Path(folder), status_poll_s=INTERVAL_S)
        paths = create_tenant(settings.data_dir, "bench", "ae-dubai")
        pack = load_pack(settings.packs_dir, settings.pack)
        names = [one.assistant_id for one in pack.assistants]
        with _Servers(names) as servers, StateStore.open(paths, clock=utc_now) as store:
            _connect(store, settings, servers.urls)
            bench = _Bench(paths, settings, pack, store, servers)
            return asyncio.run(bench.results(rounds=rounds, detections=detections))


@dataclass(frozen=True, slots=True)
class _Bench:
    paths: TenantPaths
    settings: Settings
    pack: Pack
    store: StateStore
    servers: _Servers

    async def results(self, *, rounds: int, detections: int) -> list[Result]:
        async with AssistantClient(self.paths, self.settings) as client:
            poller = Poller(
                self.paths,
                self.settings,
                state=self.store,
                pack=lambda: self.pack,
                append=self._append,
                on_change=_kept,
                client=client,
                clock=utc_now,
            )
            await poller.round()
            healthy = await self._rounds(poller, rounds)
            self.servers.tell("slow", self.servers.names[1])
            self.servers.tell("stop", self.servers.names[0])
            troubled = await self._rounds(poller, max(5, rounds // 10))
            for name in self.servers.names[:2]:
                self.servers.tell("restore", name)
            found = await self._detections(poller, detections)
        return [
            Result(metric="assistants", value=len(self.servers.names), unit="count", bar=16, op=">="),
            Result(metric="round_p50", value=_at(healthy, 0.5), unit="ms"),
            Result(metric="round_p95", value=_at(healthy, 0.95), unit="ms", bar=50, op="<="),
            Result(metric="round_p95_one_dead_one_slow", value=_at(troubled, 0.95), unit="ms", bar=50, op="<="),
            Result(metric="detection_p50", value=_at(found, 0.5), unit="s"),
            Result(metric="detection_max", value=max(found), unit="s", bar=2.0, op="<="),
        ]

    async def _rounds(self, poller: Poller, count: int) -> list[float]:
        """How long each round took: the whole of it, or while some do not answer, until the last of the others did."""
        took = []
        for _ in range(count):
            began = asyncio.get_running_loop().time()
            await poller.round()
            whole_ms = 1000 * (asyncio.get_running_loop().time() - began)
            is_whole = sum(one.assistant_state == "active" for one in poller.fleet.assistants) == len(
                self.servers.names
            )
            took.append(whole_ms if is_whole else poller.fleet.round_ms or float("inf"))
        return took

    async def _detections(self, poller: Poller, count: int) -> list[float]:
        name = self.servers.names[2]
        running = asyncio.create_task(poller.run())
        took = []
        for number in range(count):
            await self._until(name, "active")
            await asyncio.sleep(INTERVAL_S * number / count)
            kind = "stop" if number % 2 else "hang"
            began = time.monotonic()
            self.servers.tell(kind, name)
            await self._until(name, "down")
            took.append(time.monotonic() - began)
            self.servers.tell("restore", name)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return took

    async def _until(self, name: str, state: str) -> None:
        while True:
            fleet = await asyncio.to_thread(read_live, self.paths, now=utc_now())
            if fleet is not None and any(
                o.assistant_id == name and o.assistant_state == state for o in fleet.assistants
            ):
                return
            await asyncio.sleep(_LOOK_S)

    async def _append(self, records: Sequence[Any]) -> None:
        await asyncio.wrap_future(self.store.append(records))


async def _kept(_: Sequence[Any]) -> None:
    return


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _connect(store: StateStore, settings: Settings, urls: dict[str, str]) -> None:
    for name, url in urls.items():
        _, (record, statements) = connect(
            EndpointRequest(base_url=url), settings, assistant_id=name, actor_id="owner", is_local=True, now=utc_now()
        )
        store.append([record], statements=statements).result()


class _Servers:
    """The child process with a server an assistant."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __enter__(self) -> _Servers:
        command = [sys.executable, "-m", "benchmarks.assistants", *self.names]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdout is not None
        self.urls: dict[str, str] = msgspec.json.decode(self._child.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate()

    def tell(self, kind: str, name: str) -> None:
        """Make trouble for one of them; it is made when this returns."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{kind} {name}\n".encode())
        self._child.stdin.flush()
        self._child.stdout.readline()


class _Fleet:
    """In the child: a small ASGI-free server an assistant, on aiohttp."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._trouble: dict[str, str] = {}
        self._sites: dict[str, Any] = {}
        self._runners: dict[str, Any] = {}
        self._ports: dict[str, int] = {}

    async def serve(self) -> None:
        """Serve until standard input ends."""
        for name in self._names:
            await self._start(name)
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        _say(msgspec.json.encode(urls))
        while line := await asyncio.to_thread(sys.stdin.readline):
            kind, _, name = line.strip().partition(" ")
            await self._make(kind, name)
            _say(b"done")

    async def _make(self, kind: str, name: str) -> None:
        if kind == "restore":
            self._trouble.pop(name, None)
            if name not in self._runners:
                await self._start(name)
        elif kind == "stop":
            await self._runners.pop(name).cleanup()
        else:
            self._trouble[name] = kind

    async def _start(self, name: str) -> None:
        from aiohttp import web

        async def status(_: web.Request) -> web.Response:
            if self._trouble.get(name) == "slow":
                await asyncio.sleep(_SLOW_S)
            while self._trouble.get(name) == "hang":  # noqa: ASYNC110 - it hangs
                await asyncio.sleep(0.05)
            return web.Response(body=msgspec.json.encode(_status(name)), content_type="application/json")

        app = web.Application()
        app.router.add_get(f"/api/{name}/status", status)
        runner = web.AppRunner(app, shutdown_timeout=0.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._ports.get(name, 0), reuse_address=True).start()
        self._runners[name] = runner
        self._ports[name] = runner.addresses[0][1]


def _status(name: str) -> StatusReply:
    return StatusReply(
        assistant_id=name,
        assistant_state="active",
        protocol_version="1",
        version="1.0",
        updated_at=dt.datetime.now(dt.UTC),
        window_s=300,
        uptime_share=1.0,
        error_share=0.0,
        request_count=10,
        latency=Latency(p50_ms=5, p95_ms=20, p99_ms=40),
        open_task_count=1,
        capacity_count=10,
    )


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_Fleet(sys.argv[1:]).serve())
