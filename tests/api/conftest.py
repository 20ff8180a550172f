"""What the API's tests share: real servers on loopback over real tenants, and keys to call them with."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest
import uvicorn

from apps.api.app import create_app
from apps.api.serving import server_config
from aurora.identity.keys import SCOPES, create_key, revoke_key
from aurora.settings import PROJECT_DIR, Settings
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import Clock, StateStore

FAST = 1_000_000


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Service:
    """One running API and the tenants that it serves."""

    port: int
    tenants: dict[str, TenantPaths]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def key(self, *scopes: str, tenant: str = "demo", rate: int = FAST, actor: str = "tester") -> str:
        """A new key of a tenant, with every scope when none is named."""
        with StateStore.open(self.tenants[tenant], clock=now) as store:
            new = create_key(
                store, actor_id=actor, label="", scopes=scopes or SCOPES, created_by="t", now=now(), rate_per_s=rate
            )
        return new.token

    def revoke(self, token: str, tenant: str = "demo") -> None:
        """End a key as another process would."""
        with StateStore.open(self.tenants[tenant], clock=now) as store:
            revoke_key(store, token.removeprefix("aur_").rpartition("_")[0], revoked_by="t", now=now())

    def client(self, token: str | None) -> httpx.Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def send(self, raw: bytes) -> bytes:
        """What a raw request is answered, until the server has no more to say."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def serve(
    settings: Settings,
    tenants: Sequence[TenantPaths],
    *,
    clock: Clock = now,
    open_store: Callable[..., StateStore] = StateStore.open,
) -> Iterator[Service]:
    """The API in a thread of this process, on a port of its own, as `python -m apps.api` configures it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(server_config(create_app(settings, clock=clock, open_store=open_store), settings))
        is_up = threading.Event()
        thread = threading.Thread(target=_run, args=(server, listener, is_up))
        thread.start()
        try:
            assert is_up.wait(30)
            yield Service(listener.getsockname()[1], {paths.tenant: paths for paths in tenants})
        finally:
            server.should_exit = True
            thread.join(30)


def _run(server: uvicorn.Server, listener: socket.socket, is_up: threading.Event) -> None:
    start = server.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        await start(sockets)
        is_up.set()

    server.startup = started  # type: ignore[method-assign]
    try:
        server.run([listener])
    finally:
        is_up.set()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two companies with lakes, no bundle and no features: as on a first start before the build."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("api"))
    tenants = [create_tenant(settings.data_dir, name, "ae-dubai") for name in ("demo", "rival")]
    for paths in tenants:
        create_lake(paths)
    with serve(settings, tenants) as running:
        yield running


@pytest.fixture(scope="session")
def client(service: Service) -> Iterator[httpx.Client]:
    """A caller of demo with every scope."""
    with service.client(service.key()) as calling:
        yield calling


@pytest.fixture
def serve_tenant(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a server of its own over one new tenant; `settings` are changed as named."""
    stack = []

    def start(
        *, with_lake: bool = True, names: Sequence[str] = ("demo",), clock: Clock = now, **changed: object
    ) -> Service:
        settings = msgspec.structs.replace(Settings(data_dir=tmp_path), **changed)
        tenants = [create_tenant(tmp_path, name, "ae-dubai") for name in names]
        for paths in tenants if with_lake else ():
            create_lake(paths)
        running = serve(settings, tenants, clock=clock)
        stack.append(running)
        return running.__enter__()

    yield start
    for running in stack:
        running.__exit__(None, None, None)


@contextmanager
def child_server(data_dir: Path, *, module: str = "apps.api") -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server process and its port, once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "AURORA_DATA_DIR": str(data_dir), "AURORA_PORT": str(port)}
    child = subprocess.Popen([sys.executable, "-m", module], cwd=PROJECT_DIR, env=environment)
    try:
        for _ in range(3000):
            with socket.socket() as probe:
                probe.settimeout(0.01)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if child.poll() is not None:
                break
            _wait_a_moment(child)
        yield child, port
    finally:
        child.kill()
        child.wait(30)


def _wait_a_moment(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(0.01)
    except subprocess.TimeoutExpired:
        return


@pytest.fixture
def start_child() -> Callable[..., object]:
    """`child_server`, for tests that end the process themselves."""
    return child_server
