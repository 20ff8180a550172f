"""What Aurora saw of its assistants, as rows of the contract `assistant_status`: a body for the common ingest door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from aurora.ingest.spool import About, SpooledBody, new_spool_id
from aurora.store.paths import TenantPaths
from contracts.messages.commands import LiveAssistant, LiveFleet

SOURCE: Final = "aurora"
CONTRACT: Final = "assistant_status"
_LINES: Final = msgspec.json.Encoder()


def status_row(one: LiveAssistant, fleet: LiveFleet) -> dict[str, Any]:
    """One assistant as it was when `fleet` was made."""
    return {
        "assistant_id": one.assistant_id,
        "assistant_state": one.assistant_state,
        "uptime_share": one.uptime_share,
        "error_share": one.error_share,
        "latency_p95_ms": None if one.latency is None else round(one.latency.p95_ms),
        "open_task_count": one.open_task_count,
        "performance_score": one.performance_score,
        "updated_at": fleet.updated_at,
        "is_sample": one.is_simulated,
    }


def spool_rows(paths: TenantPaths, rows: Iterable[dict[str, Any]]) -> SpooledBody:
    """The rows as a whole body in the spool: on the disk when this returns. Whoever holds it hands it on."""
    about = About(spool_id=new_spool_id("sta"), suffix=".ndjson", source=SOURCE, contract=CONTRACT)
    body = SpooledBody(paths, about)
    body.write(b"".join(_LINES.encode(row) + b"\n" for row in rows))
    body.finish()
    return body
