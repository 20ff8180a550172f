"""Where a running twin is found: `servers.json` and `admin.token` in the tenant's folder `twin`."""

from __future__ import annotations

import http.client
import os
import secrets
from pathlib import Path
from typing import Any, Final

import msgspec

from aurora.errors import AuroraError, ConflictError, NotFoundError, NotReadyError
from aurora.store.paths import TenantPaths
from twin.servers.chaos import ChaosRequest
from twin.servers.ports import HOST

_TIMEOUT_S: Final = 10.0
_START: Final = "Start it: aurora twin up"


class RunningTwin(msgspec.Struct, frozen=True, kw_only=True):
    """A twin whose servers are up."""

    pid: int
    seed: int
    speed: float
    admin_port: int
    assistants: dict[str, str]
    """Base address by assistant id."""
    is_simulated: bool = True


class ChaosRefusedError(AuroraError):
    """The twin did not do what it was told."""

    code, status, exit_code = "chaos-refused", 409, 1


def servers_file(paths: TenantPaths) -> Path:
    """What is up, and on which ports."""
    return paths.directory / "twin" / "servers.json"


def token_file(paths: TenantPaths) -> Path:
    """The token of the control channel, readable by its owner alone."""
    return paths.directory / "twin" / "admin.token"


def new_token(file: Path) -> str:
    """Make a token and keep it in `file`, readable by its owner alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(token + "\n")
    return token


def announce(paths: TenantPaths, twin: RunningTwin) -> None:
    """Write down that the twin is up."""
    file = servers_file(paths)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".tmp")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(twin), indent=2) + b"\n")
    fresh.replace(file)


def withdraw(paths: TenantPaths) -> None:
    """It is down, if it was this process that had announced it."""
    twin = _read(paths)
    if twin is not None and twin.pid == os.getpid():
        servers_file(paths).unlink(missing_ok=True)
        token_file(paths).unlink(missing_ok=True)


def running_twin(paths: TenantPaths) -> RunningTwin:
    """The twin that runs for the tenant. Errors: `NotReadyError` when there is none."""
    twin = _read(paths)
    if twin is None or not _is_alive(twin.pid):
        raise NotReadyError(f"No twin runs for tenant {paths.tenant}.", field="twin", next_step=_START)
    return twin


def refuse_second(paths: TenantPaths) -> None:
    """Errors: `ConflictError` when a twin runs for the tenant already."""
    twin = _read(paths)
    if twin is not None and twin.pid != os.getpid() and _is_alive(twin.pid):
        raise ConflictError(
            f"A twin runs for tenant {paths.tenant} already (process {twin.pid}).",
            field="twin",
            rule="one_twin",
            next_step="Use it, or stop it first.",
        )


def make_trouble(paths: TenantPaths, wanted: ChaosRequest) -> str:
    """Have the running twin do it; what is wrong with the assistant then.

    Errors: `NotReadyError` when no twin answers, `NotFoundError` for an assistant it does not have,
    `ChaosRefusedError`.
    """
    twin = running_twin(paths)
    token = token_file(paths).read_text(encoding="utf-8").strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(HOST, twin.admin_port, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", "/chaos", msgspec.json.encode(wanted), headers)
        response = connection.getresponse()
        answer: dict[str, Any] = msgspec.json.decode(response.read())
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise NotReadyError(f"The twin does not answer: {error}.", field="twin", next_step=_START) from error
    finally:
        connection.close()
    if response.status == 200:
        return str(answer["trouble"])
    kind = NotFoundError if response.status == 404 else ChaosRefusedError
    raise kind(str(answer["detail"]), field="assistant_id", next_step=str(answer["next_step"]))


def _read(paths: TenantPaths) -> RunningTwin | None:
    try:
        return msgspec.json.decode(servers_file(paths).read_bytes(), type=RunningTwin)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
