"""The server as a process: what it loads, that it serves pages beside the API, and that it ends in order."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from aurora.settings import PROJECT_DIR
from aurora.store.lake import create_lake
from aurora.store.paths import create_tenant

_HEAVY = ("mlflow", "sklearn", "dbt", "dagster", "lancedb", "pandera", "polars", "pandas", "pyarrow", "duckdb", "scipy")
_LOOK = f"import sys; print([name for name in {_HEAVY} if name in sys.modules])"


@pytest.mark.parametrize(
    "loaded",
    ["import apps.server", "from apps.api.app import create_app; import apps.api.openapi, aurora.decisions.engine"],
)
def test_the_server_does_not_load_heavy_libraries_to_start(loaded):
    done = subprocess.run(
        [sys.executable, "-c", f"{loaded}; {_LOOK}"], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_pages_and_api_share_a_port_and_end_when_asked(tmp_path, start_child):
    create_lake(create_tenant(tmp_path, "demo", "ae-dubai"))
    with start_child(tmp_path, module="apps.server") as (child, port):
        base = f"http://127.0.0.1:{port}"
        page = httpx.get(base, timeout=30)
        assert page.headers["content-type"].startswith("text/html")
        assert "<script" in page.text
        assert httpx.get(f"{base}/livez").json() == {"status": "ok"}
        assert httpx.get(f"{base}/readyz", timeout=30).status_code == 200
        assert httpx.get(f"{base}/api/v1/nothing").headers["content-type"] == "application/problem+json"
        assert _upgraded(port, "/_stcore/stream") == b"HTTP/1.1 101 Switching Protocols"
        assert _upgraded(port, "/api/v1/decisions").startswith(b"HTTP/1.1 403")
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) in (0, -signal.SIGTERM)


def _upgraded(port: int, path: str) -> bytes:
    """First line of the answer to a WebSocket handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        return connection.recv(4096).partition(b"\r\n")[0]
