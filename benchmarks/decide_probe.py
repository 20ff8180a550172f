"""Asks for a decision every ten milliseconds and prints how long each took: what others' load does to decisions."""

from __future__ import annotations

import http.client
import json
import sys
import time
from typing import Final

_PAUSE_S: Final = 0.01
_DECIDE: Final = b'{"kind": "route_task", "task_type": "property_matching"}'


def main() -> None:
    """Arguments: port, seconds; the key on stdin; milliseconds as JSON on stdout."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    headers = {"Authorization": f"Bearer {sys.stdin.read()}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found: list[float] = []
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        began = time.perf_counter()
        connection.request("POST", "/api/v1/decisions", _DECIDE, headers)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 201, reply.status
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(_PAUSE_S)
    connection.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
