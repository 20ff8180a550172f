"""The choice that the API bench has other servers make: the same engine and requests, nothing kept of it.

They look up no key, make nothing durable and seal nothing: what they cost more is the serving alone.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Any

import msgspec

from aurora.audit.records import decision_seed
from aurora.decisions.loading import load_engine
from aurora.settings import load_settings
from aurora.store.paths import tenant_paths
from contracts.messages.decisions import RouteTaskRequest

if TYPE_CHECKING:
    from aurora.decisions.engine import Engine

TENANT = "bench"


def chooser() -> Engine:
    """The engine of the bench's tenant, from the files that Aurora's own server reads."""
    settings = load_settings(os.environ)
    return load_engine(tenant_paths(settings.data_dir, TENANT), settings)


def choose(engine: Engine, asked: dict[str, Any]) -> str | None:
    """The assistant for one request, given as plain values."""
    request = msgspec.convert(asked, RouteTaskRequest)
    decided_at = dt.datetime.now(dt.UTC)
    decision_id = request.task_id or ""
    seed = decision_seed(decision_id)
    return engine.decide(request, actor_id=TENANT, decision_id=decision_id, decided_at=decided_at, seed=seed).action
