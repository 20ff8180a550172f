"""Ports of the loopback address: bound before anything starts, so that a taken one is a clear error."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

from aurora.errors import NotReadyError

HOST: Final = "127.0.0.1"
ADMIN: Final = "admin"
"""Name of the control channel's port."""


def bound(port: int) -> socket.socket:
    """A socket bound to a port of the loopback address; 0: any free one. Errors: `OSError`."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
    except OSError:
        made.close()
        raise
    return made


def bound_ports(names: Sequence[str], *, base_port: int) -> dict[str, socket.socket]:
    """Sockets by name: the control channel's on `base_port`, the others' after it; 0: any free ones.

    Errors: `NotReadyError` for a port that is taken.
    """
    made: dict[str, socket.socket] = {}
    for place, name in enumerate((ADMIN, *names)):
        port = base_port + place if base_port else 0
        try:
            made[name] = bound(port)
        except OSError as error:
            for sock in made.values():
                sock.close()
            raise NotReadyError(
                f"Port {port} is taken ({error.strerror or error}).",
                field="--base-port",
                next_step="Stop what listens there, or choose another: --base-port 9100, or 0 for free ones.",
            ) from error
    return made
