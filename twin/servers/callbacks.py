"""Telling whoever asked that accepted work is done: a POST of the reply, a few times, to this machine alone."""

from __future__ import annotations

import asyncio
import http.client
import logging
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

TRIES: Final = 3
TIMEOUT_S: Final = 5.0
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_logger = logging.getLogger("twin.servers")


async def deliver(url: str, body: bytes) -> None:
    """POST a reply to whoever asked for it; only this machine is called back."""
    split = urlsplit(url)
    if split.scheme != "http" or split.hostname not in _LOCAL:
        _logger.warning("The twin calls back this machine alone, not %s", split.netloc[:100])
        return
    for attempt in range(TRIES):
        status = await asyncio.to_thread(_post, split.hostname, split.port or 80, _target(url), body)
        if status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        await asyncio.sleep(0.5 * 2**attempt)
    _logger.info("Nobody took the callback to %s; the command can be asked for", split.netloc[:100])


def _target(url: str) -> str:
    split = urlsplit(url)
    return f"{split.path or '/'}{'?' + split.query if split.query else ''}"


def _post(host: str, port: int, target: str, body: bytes) -> int | None:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
