"""One GET or POST to a foreign server, guarded: resolved once, every address checked, the checked one connected to.

No redirects, no proxies, no compression, a limit on bytes and on seconds, and an answer that was cut off is
an error, never a short answer. Addresses that are not public are refused unless the operator allows them.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from aurora.errors import AuroraError, NotReadyError, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Sink = Callable[[bytes], None]
_PIECE: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_MAX_REASON: Final = 200


class FetchError(NotReadyError):
    """The server did not give a whole answer. `is_passing` says whether it may do so later."""

    def __init__(
        self, message: str, *, next_step: str, rule: str, is_passing: bool, retry_after: str | None = None
    ) -> None:
        super().__init__(message, next_step=next_step, field="url", rule=rule)
        self.is_passing = is_passing
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came: 200 with a body that went to the sink, or 304 without one. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a fetch may do. `allowed` are hosts, addresses, networks or `host:port` that need not be public."""

    max_bytes: int
    timeout_s: float
    """Without a byte."""
    deadline_s: float
    """For the whole answer."""
    allowed: tuple[str, ...] = ()


def fetch(url: str, *, headers: Mapping[str, str], guard: Guard, sink: Sink) -> Answer:
    """GET `url` and hand its body to `sink` in pieces. Errors: `UsageError` for the URL, `FetchError`."""
    host, port, is_tls, target = url_parts(url)
    address = checked_addresses(host, port, guard.allowed)[0]
    connection = _Pinned(host, port, address, is_tls=is_tls, timeout_s=guard.timeout_s)
    ends_at = time.monotonic() + guard.deadline_s
    try:
        connection.request("GET", target, headers={"Accept-Encoding": "identity", "Connection": "close", **headers})
        with connection.getresponse() as response:
            return _read(response, host, guard, sink, ends_at)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error)[:_MAX_REASON] or type(error).__name__
        raise FetchError(
            f"{host} did not answer: {reason}.",
            next_step="See that it is up; the pull goes on where it ended.",
            rule="reachable",
            is_passing=not isinstance(error, ssl.SSLCertVerificationError),
        ) from error
    finally:
        connection.close()


def post(url: str, body: bytes, *, headers: Mapping[str, str], guard: Guard) -> int:
    """POST `body` and return the status of a 2xx answer. Errors: `UsageError` for the URL, `FetchError`."""
    host, port, is_tls, target = url_parts(url)
    address = checked_addresses(host, port, guard.allowed)[0]
    connection = _Pinned(host, port, address, is_tls=is_tls, timeout_s=guard.timeout_s)
    try:
        connection.request("POST", target, body=body, headers={"Connection": "close", **headers})
        with connection.getresponse() as response:
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                raise _status_error(response, host, {name.lower(): value for name, value in response.getheaders()})
            return response.status
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(
            f"{host} did not answer: {str(error)[:_MAX_REASON] or type(error).__name__}.",
            next_step="See that it is up; what was not delivered is tried again.",
            rule="reachable",
            is_passing=not isinstance(error, ssl.SSLCertVerificationError),
        ) from error
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, host: str, guard: Guard, sink: Sink, ends_at: float) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.status == HTTPStatus.NOT_MODIFIED:
        return Answer(status=response.status, headers=headers, size=0)
    if response.status != HTTPStatus.OK:
        raise _status_error(response, host, headers)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise _unfit(host, "compressed its answer, which it was not asked for", "encoding")
    length = response.length
    if length is None and not response.chunked:
        raise _unfit(host, "does not say how long its answer is, so that a cut one could not be told", "length")
    size = 0
    # read1: a piece as it comes, so that the deadline is looked at; it does not count down what is left
    while (wanted := _PIECE if length is None else min(_PIECE, length - size)) and (piece := response.read1(wanted)):
        size += len(piece)
        if size > guard.max_bytes:
            raise _unfit(host, f"sent more than {guard.max_bytes / 2**20:g} MiB", "at_most")
        if time.monotonic() > ends_at:
            raise FetchError(
                f"{host} took longer than {guard.deadline_s:g} s for one answer.",
                next_step="Ask for fewer rows at once (limit), or give it more time (timeout_s).",
                rule="deadline",
                is_passing=True,
            )
        sink(piece)
    if length is not None and size < length:
        raise FetchError(
            f"{host} cut its answer off, {length - size} bytes are missing.",
            next_step="The pull tries again; see the server's log if it lasts.",
            rule="whole",
            is_passing=True,
        )
    return Answer(status=response.status, headers=headers, size=size)


def _status_error(response: http.client.HTTPResponse, host: str, headers: Mapping[str, str]) -> FetchError:
    status = response.status
    is_passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _unfit(host, f"sends us elsewhere ({status}); redirects are not followed", "no_redirect")
    step = "Check the secret." if status in (401, 403) else "Check the URL and the server's log."
    return FetchError(
        f"{host} answered {status}.",
        next_step="The pull tries again." if is_passing else step,
        rule="status",
        is_passing=is_passing,
        retry_after=headers.get("retry-after"),
    )


def _unfit(host: str, what: str, rule: str) -> FetchError:
    return FetchError(
        f"{host} {what}.", next_step="Correct the export endpoint, or the source's URL.", rule=rule, is_passing=False
    )


def url_parts(url: str) -> tuple[str, int, bool, str]:
    """Host, port, whether by TLS, and path with query; `UsageError` for what is no plain http or https address."""
    try:
        split = urlsplit(url)
        port = split.port or _PORTS.get(split.scheme, 0)
    except ValueError:
        raise _no_url(url) from None
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if split.scheme not in _PORTS or not split.hostname or "@" in split.netloc or not is_plain:
        raise _no_url(url)
    target = split.path or "/"
    return split.hostname, port, split.scheme == "https", f"{target}?{split.query}" if split.query else target


def _no_url(url: str) -> UsageError:
    return UsageError(
        f"{url[:200]!r} is not an address that is pulled from.",
        field="url",
        rule="url",
        next_step="Write it as https://host/path, without a name or password in it.",
    )


def checked_addresses(
    host: str, port: int, allowed: tuple[str, ...], *, setting: str = "AURORA_PULL_ALLOWED"
) -> list[Address]:
    """The addresses that a name stands for. `UsageError` when any of them is neither public nor `allowed`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(
            f"The name {host[:200]} could not be resolved: {error}.",
            next_step="Check the URL and the network.",
            rule="resolvable",
            is_passing=True,
        ) from error
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    is_named = _is_named(host, port, allowed)
    for address in addresses:
        if not (is_named or _is_public(address) or _is_listed(address, allowed)):
            raise UsageError(
                f"{host} stands for {address}, which is not a public address.",
                field="url",
                rule="public_address",
                next_step=f"If it is meant, the operator adds {host}:{port} to {setting}.",
            )
    return addresses


def _is_named(host: str, port: int, allowed: Iterable[str]) -> bool:
    return host in allowed or f"{host}:{port}" in allowed


def _is_listed(address: Address, allowed: Iterable[str]) -> bool:
    for one in allowed:
        try:
            if address in ipaddress.ip_network(one):
                return True
        except ValueError:
            continue
    return False


def _is_public(address: Address) -> bool:
    """Whether it is on the internet, also what an IPv6 address carries inside."""
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        inner = [address.ipv4_mapped, address.sixtofour, *(teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if not all(_is_public(one) for one in inner if one is not None):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked, whatever the name stands for by now."""

    def __init__(self, host: str, port: int, address: Address, *, is_tls: bool, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address = address
        self._is_tls = is_tls
        self.default_port = _PORTS["https" if is_tls else "http"]

    def connect(self) -> None:
        self.sock = socket.create_connection((str(self._address), self.port), self.timeout)
        if self._is_tls:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def is_passing(error: AuroraError) -> bool:
    """Whether trying again may help."""
    return isinstance(error, FetchError) and error.is_passing
