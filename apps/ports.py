"""Is a port free? Asked before anything starts, so that a taken one is a clear error."""

from __future__ import annotations

import socket

from aurora.errors import NotReadyError


def require_free(host: str, port: int, *, setting: str) -> None:
    """`NotReadyError` naming the setting to change when something already listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotReadyError(
                f"Port {port} on {host} is taken ({error.strerror or error}).",
                field=setting,
                next_step=f"Stop what listens there, or choose another: {setting}={port + 1} make run",
            ) from error
