"""What decision tests share: a tenant, its settings, and an engine made from the shipped pack."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aurora.decisions.engine import Engine
from aurora.decisions.loading import load_engine
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, create_tenant
from contracts.messages.decisions import Decision, DecisionRequest

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture
def paths(tmp_path: Path) -> TenantPaths:
    return create_tenant(tmp_path / "data", "demo", "ae-dubai")


@pytest.fixture
def engine(paths: TenantPaths) -> Engine:
    return load_engine(paths, Settings())


@pytest.fixture
def decide() -> Callable[..., Decision]:
    def call(engine: Engine, request: DecisionRequest, *, seed: int = 1, **changed: Any) -> Decision:
        given = {"actor_id": "key_1", "decision_id": "dec_1", "decided_at": NOW} | changed
        return engine.decide(request, seed=seed, **given)

    return call
