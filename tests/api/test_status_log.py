"""What the poller saw reaches the lake through the API's own lane, and what waits outlives the process."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from apps.api.ingest_lanes import IngestLanes
from apps.api.status_log import StatusLog
from aurora.ingest.spool import left_bodies
from aurora.settings import Settings
from aurora.store.connection import latest_snapshot
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts.messages.commands import LiveAssistant, LiveFleet

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def seen(second: int) -> LiveFleet:
    at = NOW + dt.timedelta(seconds=second)
    clara = LiveAssistant(
        assistant_id="clara", assistant_state="active", reason="", since=NOW, is_connected=True, uptime_share=1.0
    )
    away = LiveAssistant(assistant_id="mary", assistant_state="active", reason="", since=None, is_connected=False)
    return LiveFleet(tenant_id="demo", updated_at=at, round_ms=4.0, assistants=(clara, away))


@pytest.fixture
def paths(tmp_path) -> TenantPaths:
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(made)
    return made


def test_samples_land_together_and_the_rest_waits_in_the_spool(paths: TenantPaths) -> None:
    async def act() -> None:
        lanes = IngestLanes(Settings(data_dir=paths.data_dir))
        moments = iter([seen(0), seen(0), seen(60), seen(60), seen(120), seen(120)])
        log = StatusLog(paths, lanes, lambda: next(moments))
        await log.sample()
        await log.sample()
        await log.land()
        await log.sample()
        log.let_go()
        await lanes.stop()

    before = latest_snapshot(paths, "raw")
    asyncio.run(act())
    with read_lake(paths) as lake:
        rows = lake.query("SELECT assistant_id, updated_at FROM raw.assistant_status ORDER BY 2").rows()
    assert [(name, at.replace(tzinfo=dt.UTC)) for name, at in rows] == [
        ("clara", NOW),
        ("clara", NOW + dt.timedelta(seconds=60)),
    ]
    assert latest_snapshot(paths, "raw") == before + 1
    (body,) = left_bodies(paths)
    assert b"12:02:00" in body.file.read_bytes()
    body.release()
