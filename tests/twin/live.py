"""What the tests of the live twin share: a worker on a clock of ours, and real servers in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvloop

from aurora.packs import PROTOCOL_EXPORTS, Pack, Parameter, load_pack
from aurora.settings import PROJECT_DIR
from contracts.messages.assistants import ExecuteRequest
from twin.servers.clock import TwinClock
from twin.servers.commands import CommandDesk
from twin.servers.demand import Demand
from twin.servers.fleet_servers import FleetServers
from twin.servers.ports import bound_ports
from twin.servers.row_log import RowLog
from twin.servers.skills import true_skills
from twin.servers.worker import Worker

PACK = load_pack(PROJECT_DIR / "packs", "real_estate")
START = 1_790_000_000.0
ADMIN_TOKEN = "admin-token"
EFFORT = Parameter(meaning="How sure it wants to be.", value=0.5, minimum=0.0, maximum=1.0, max_step=0.5)
PARALLEL = Parameter(meaning="Tasks at once.", value=2.0, minimum=1.0, maximum=8.0, max_step=4.0)


@dataclass
class Life:
    """One assistant whose time passes when we say so. It has two servers and no work of its own."""

    assistant_id: str = "clara"
    seed: int = 7
    a_day: float = 0.0
    speed: float = 1.0
    behind: float = 0.0
    level: str = "full_orchestration"
    now: float = START
    worker: Worker = field(init=False)
    desk: CommandDesk = field(init=False)
    callbacks: list[tuple[str, Any]] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        declared = next(one for one in PACK.assistants if one.assistant_id == self.assistant_id)
        declared = msgspec.structs.replace(
            declared,
            capacity_count=2,
            control_level=self.level,
            parameters={"escalation_confidence": EFFORT, "parallel_task_count": PARALLEL},
        )
        clock = TwinClock(lambda: self.now, started=START, life_start=START - self.behind, speed=self.speed)
        self.worker = Worker(
            assistant=declared,
            clock=clock,
            seed=self.seed,
            demand=Demand(a_day=self.a_day, seed=f"{self.seed}/demand"),
            skills=true_skills(PACK, seed=self.seed)[self.assistant_id],
            logs={name: RowLog("run") for name in PROTOCOL_EXPORTS},
        )
        acting = frozenset(name for name, one in PACK.task_types.items() if one.is_acting)
        self.desk = CommandDesk(
            worker=self.worker, acting_types=acting, on_callback=lambda url, reply: self.callbacks.append((url, reply))
        )

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.worker.advance(self.worker.clock.life())

    def send(self, kind: str, **fields: Any) -> Any:
        self._number += 1
        fields.setdefault("command_id", f"c{self._number}")
        arguments = fields.pop("arguments", {"task_type": "property_matching"} if kind == "run_task" else {})
        return self.desk.execute(ExecuteRequest(command_kind=kind, arguments=arguments, **fields))

    def rows(self, contract: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(row) for row in self.worker.logs[contract].page(None, 100_000).rows]

    def state(self, command_id: str) -> str:
        return self.desk.known(command_id).command_state


@contextmanager
def live_fleet(
    *, pack: Pack = PACK, token: str | None = None, speed: float = 60.0, load: float = 1.0
) -> Iterator[FleetServers]:
    """Every assistant of the pack on free ports, in a thread; life began a day ago."""
    started = time.time()
    clock = TwinClock(time.time, started=started, life_start=started - 86_400, speed=speed)
    sockets = bound_ports([one.assistant_id for one in pack.assistants], base_port=0)
    fleet = FleetServers(
        pack=pack,
        clock=clock,
        seed=7,
        ports={name: sock.getsockname()[1] for name, sock in sockets.items()},
        admin_token=ADMIN_TOKEN,
        token=token,
        load=load,
    )
    is_up = threading.Event()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(fleet.serve(sockets, on_up=is_up.set))
        finally:
            is_up.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert is_up.wait(60)
        yield fleet
    finally:
        fleet.stop()
        thread.join(30)
