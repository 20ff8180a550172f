"""`aurora up`: start everything, say where it is, end everything.

Order on a first start: tenant and keys (a second), then the server, so that the first page is there
while the lake is still being built, then the build, then Dagster. Each is a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from apps.bootstrap import prepare_tenant, seed_tenant
from apps.ports import require_free
from apps.render import note, print_line
from aurora.errors import NotReadyError
from aurora.settings import PREFIX, PROJECT_DIR, Settings
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths

_STOP_SECONDS = 10.0
_READY_SECONDS = 60.0

QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}
"""Telemetry of every library is off in every process that Aurora starts."""


class Interrupted(Exception):  # noqa: N818 - not an error: somebody asked to stop
    """SIGINT or SIGTERM."""


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment a child starts with: ours, the settings in use, telemetry off."""
    given = {
        "DATA_DIR": settings.data_dir,
        "PACKS_DIR": settings.packs_dir,
        "SHARED_DATA_DIR": settings.shared_data_dir,
        "TENANT": settings.tenant,
        "REGION": settings.region,
        "PACK": settings.pack,
        "HOST": settings.host,
        "PORT": settings.port,
        "DAGSTER_PORT": settings.dagster_port,
        "SEED": settings.seed,
        "MAX_UPLOAD_MB": settings.max_upload_mb,
    }
    dagster_home = settings.data_dir / "dagster"
    return {
        **os.environ,
        **QUIET,
        **{PREFIX + key: str(value) for key, value in given.items()},
        "DAGSTER_HOME": str(dagster_home),
    }


class Children:
    """The processes that `aurora up` started, ended together and in reverse order."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._dispensable: set[str] = set()
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *arguments: str, is_dispensable: bool = False) -> subprocess.Popen[bytes]:
        """Start `python -m arguments...` with its output in `logs/<name>.log`; without a dispensable one all goes on."""
        with (self._logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=PROJECT_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[name] = child
        if is_dispensable:
            self._dispensable.add(name)
        return child

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self._logs / f"{name}.log"

    def check(self) -> None:
        """`NotReadyError` when a child has ended by itself."""
        for name, child in list(self._running.items()):
            if child.poll() is None:
                continue
            if name in self._dispensable:
                note(f"{name} ended by itself with code {child.returncode}; the rest goes on. See {self.log(name)}.")
                self.forget(name)
            else:
                raise NotReadyError(
                    f"{name} ended by itself with code {child.returncode}.",
                    next_step=f"Read the end of {self.log(name)}; `aurora doctor` checks the machine.",
                )

    def forget(self, name: str) -> None:
        """A child that was meant to end has ended."""
        self._running.pop(name, None)

    def stop(self) -> None:
        """Ask every child and its children to end, then insist."""
        for child in reversed(self._running.values()):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self._running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            finally:
                _signal_group(child, signal.SIGKILL)
        self._running.clear()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(signal.Signals(number).name)


def wait_until_answers(url: str, *, still_running: Callable[[], None], seconds: float = _READY_SECONDS) -> None:
    """Return when `url` answers 200; `NotReadyError` after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        still_running()
        try:
            with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own loopback address
                if response.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise NotReadyError(f"{url} did not answer within {seconds:.0f} s.", next_step="Run `aurora doctor`.")


def up(settings: Settings, *, with_dagster: bool, with_twin: bool) -> None:
    """Serve until interrupted. Raises `Interrupted` when asked to stop, `NotReadyError` when something dies."""
    require_free(settings.host, settings.port, setting=PREFIX + "PORT")
    if with_dagster:
        require_free(settings.host, settings.dagster_port, setting=PREFIX + "DAGSTER_PORT")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    home = f"http://{settings.host}:{settings.port}"
    children = Children(child_environment(settings), settings.data_dir / "logs")
    try:
        prepared = prepare_tenant(settings, progress=note)
        children.start("server", "apps.server")
        wait_until_answers(f"{home}/livez", still_running=children.check)
        _announce(home, settings, key_file=prepared.key_file)
        seed_tenant(settings, prepared.paths, progress=note)
        _build(children, settings)
        if with_twin:
            _start_twin(children, prepared.paths)
        if with_dagster:
            _start_dagster(children, settings)
        else:
            children.start("alerts", "apps.cli", "alert", "watch", is_dispensable=True)
        note("Running. Ctrl-C ends everything.")
        while True:
            children.check()
            time.sleep(1.0)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        children.stop()


def _announce(home: str, settings: Settings, *, key_file: Path) -> None:
    print_line("Aurora is up.")
    print_line(f"  Pages     {home}")
    print_line(f"  API       {home}/api/v1   (docs: {home}/docs)")
    print_line(f"  Dagster   http://{settings.host}:{settings.dagster_port}   (after the build)")
    print_line(f"  API key   {_short(key_file)}")
    sys.stdout.flush()


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def run_build(settings: Settings, *, while_waiting: Callable[[], None] = lambda: None) -> int:
    """Materialise what is not fresh, in a process of its own that tells what is done; its exit code."""
    build = subprocess.Popen(
        [sys.executable, "-m", "orchestration", "build", "--tenant", settings.tenant],
        cwd=PROJECT_DIR,
        env=child_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
    )
    try:
        while build.poll() is None:
            while_waiting()
            time.sleep(0.1)
    finally:
        _signal_group(build, signal.SIGTERM)
    return build.returncode


def _build(children: Children, settings: Settings) -> None:
    note("Building what is not fresh: ingest, marts, features, estimator")
    code = run_build(settings, while_waiting=children.check)
    if code != 0:
        # The pages and the API go on with what is there: one bad table must not darken the owner's screen.
        note(f"The build ended with code {code}; its messages are above. Pages show what is there.")
        note("  next: mend what they name, then `aurora build`: it goes on where it stopped.")


def _start_twin(children: Children, paths: TenantPaths) -> None:
    """Simulated assistants, where nobody connected a real one: a fleet that can be watched and commanded at once."""
    from twin.servers.connecting import other_assistants

    with StateReader(paths) as state:
        if other_assistants(state):
            return
    children.start("twin", "apps.cli", "twin", "up", "--connect", "--base-port", "0", is_dispensable=True)
    note("Simulated assistants are starting (see Assistants); `aurora up --no-twin` leaves them out.")


def _start_dagster(children: Children, settings: Settings) -> None:
    home = settings.data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text((PROJECT_DIR / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    children.start(
        "dagster", "dagster", "dev", "-m", "orchestration.definitions",
        "--host", settings.host, "--port", str(settings.dagster_port),
    )  # fmt: skip
    wait_until_answers(
        f"http://{settings.host}:{settings.dagster_port}/server_info", still_running=children.check, seconds=120
    )
    note(f"Dagster is up on http://{settings.host}:{settings.dagster_port}")
