"""Aurora's side of the assistant protocol over HTTP: one client, no redirects, checked addresses, bounded answers."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from aurora.assistants.endpoints import SETTING, allowed_for, bearer
from aurora.errors import AuroraError, NotReadyError
from aurora.ingest.fetching import checked_addresses, url_parts
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from contracts.messages.assistants import CommandReply, StatusReply
from contracts.messages.commands import Endpoint

if TYPE_CHECKING:
    import aiohttp

_MAX_BYTES: Final = 1024 * 1024
_STATUS: Final = msgspec.json.Decoder(StatusReply)
_REPLY: Final = msgspec.json.Decoder(CommandReply)


class UnreachableError(NotReadyError):
    """The assistant gave no whole answer."""


class BadReplyError(NotReadyError):
    """The assistant answered with something that is not the protocol's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to a command: its status, and the reply when the body is one."""

    status: int
    reply: CommandReply | None
    detail: str = ""
    retry_after_s: float | None = None


class AssistantClient:
    """Speaks with the connected assistants of one tenant. Lives on one event loop; close it."""

    def __init__(self, paths: TenantPaths, settings: Settings) -> None:
        self._paths = paths
        self._settings = settings
        self._sessions: dict[str, tuple[Endpoint, aiohttp.ClientSession]] = {}
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End every connection; who asks on is told `UnreachableError`."""
        self._is_closed = True
        while self._sessions:
            _, (_, session) = self._sessions.popitem()
            await session.close()

    async def forget(self, assistant_id: str) -> None:
        """End an assistant's connections: it was moved or disconnected."""
        found = self._sessions.pop(assistant_id, None)
        if found is not None:
            await found[1].close()

    async def status(self, endpoint: Endpoint, *, timeout_s: float) -> StatusReply:
        """What the assistant says of itself. Errors: `UnreachableError`, `BadReplyError`."""
        path = f"/api/{endpoint.assistant_id}/status"
        status, body, _ = await self._ask(endpoint, "GET", path, None, timeout_s)
        if status != 200:
            raise BadReplyError(
                f"Its status answered {status}.", field="status", next_step="See the log of the assistant."
            )
        try:
            reply = _STATUS.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadReplyError(
                f"Its status is not the protocol's: {error}.",
                field="status",
                next_step=f"`aurora assistant test {endpoint.base_url}` says what does not fit.",
            ) from error
        if reply.assistant_id != endpoint.assistant_id:
            raise BadReplyError(
                f"It answers as {reply.assistant_id[:64]!r}.", field="assistant_id", next_step="Check its address."
            )
        return reply

    async def execute(self, endpoint: Endpoint, request: bytes, *, timeout_s: float) -> Answer:
        """Send a command, the very bytes it was issued with. Errors: `UnreachableError`."""
        return _answer(*await self._ask(endpoint, "POST", f"/api/{endpoint.assistant_id}/execute", request, timeout_s))

    async def follow_up(self, endpoint: Endpoint, command_id: str, *, timeout_s: float) -> Answer:
        """What became of accepted work. Errors: `UnreachableError`."""
        path = f"/api/{endpoint.assistant_id}/commands/{command_id}"
        return _answer(*await self._ask(endpoint, "GET", path, None, timeout_s))

    async def _ask(
        self, endpoint: Endpoint, method: str, path: str, body: bytes | None, timeout_s: float
    ) -> tuple[int, bytes, Mapping[str, str]]:
        import aiohttp

        session = await self._session(endpoint)
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            async with session.request(
                method,
                endpoint.base_url + path,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as response:
                content = await _bounded(response)
                return response.status, content, {name.lower(): value for name, value in response.headers.items()}
        except TimeoutError as error:
            raise _unreachable(f"It did not answer within {timeout_s:.2g} s.") from error
        except aiohttp.ClientConnectorError as error:
            raise _unreachable(f"It cannot be reached: {_why(error.os_error)}.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(f"It cannot be reached: {_why(error)}.") from error

    async def _session(self, endpoint: Endpoint) -> aiohttp.ClientSession:
        known = self._sessions.get(endpoint.assistant_id)
        if known is not None and known[0] == endpoint:
            return known[1]
        if self._is_closed:
            raise _unreachable("Aurora is stopping.")
        session = _new_session(endpoint, allowed_for(endpoint, self._settings), bearer(endpoint, self._paths))
        self._sessions[endpoint.assistant_id] = (endpoint, session)  # before any wait: polls and deliveries ask at once
        if known is not None:
            await known[1].close()
        return session


def _new_session(endpoint: Endpoint, allowed: tuple[str, ...], token: str | None) -> aiohttp.ClientSession:
    import aiohttp

    host, port, _, _ = url_parts(endpoint.base_url)
    if _is_address(host):  # the connector asks no resolver about a literal address
        checked_addresses(host, port, allowed, setting=SETTING)
    headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "aurora"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    connector = aiohttp.TCPConnector(resolver=_checked_resolver(allowed), limit=64, ttl_dns_cache=60)
    return aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False, auto_decompress=False)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _checked_resolver(allowed: tuple[str, ...]) -> aiohttp.abc.AbstractResolver:
    """A resolver that gives checked addresses alone: what it gives is what is connected to."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Checked(AbstractResolver):
        async def resolve(
            self,
            host: str,
            port: int = 0,
            family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the resolver says what it found
        ) -> list[ResolveResult]:
            try:
                found = await asyncio.to_thread(checked_addresses, host, port, allowed, setting=SETTING)
            except AuroraError as error:
                raise OSError(str(error)) from error
            return [
                ResolveResult(
                    hostname=host,
                    host=str(address),
                    port=port,
                    family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for address in found
            ]

        async def close(self) -> None:
            return

    return Checked()


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = await response.content.read(_MAX_BYTES + 1)
    pieces = [content]
    size = len(content)
    while content and size <= _MAX_BYTES:
        content = await response.content.read(_MAX_BYTES + 1 - size)
        pieces.append(content)
        size += len(content)
    if size > _MAX_BYTES:
        raise _unreachable(f"Its answer is larger than {_MAX_BYTES} bytes.")
    return b"".join(pieces)


def _answer(status: int, body: bytes, headers: Mapping[str, str]) -> Answer:
    reply: CommandReply | None = None
    detail = ""
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        detail = _problem_detail(body) or f"Its answer is not the protocol's: {str(error)[:300]}"
    return Answer(status=status, reply=reply, detail=detail, retry_after_s=_seconds(headers.get("retry-after")))


def _why(error: Exception) -> str:
    strerror = error.strerror if isinstance(error, OSError) else None
    return (strerror or str(error) or type(error).__name__)[:200].rstrip(".")


def _problem_detail(body: bytes) -> str:
    try:
        problem: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(problem, dict):
        return ""
    return str(problem.get("detail") or problem.get("title") or "")[:500]


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds, at most an hour; its other form, a date, is not used by the protocol."""
    return min(float(text), 3600.0) if text is not None and text.strip().isdigit() else None


def _unreachable(text: str) -> UnreachableError:
    return UnreachableError(text, field="base_url", rule="reachable", next_step="See that it is up, and its address.")
