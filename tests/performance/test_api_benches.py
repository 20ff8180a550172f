"""The benches of the API and of deciding run, and what they measure is the real thing: no reply fails.

Their bars are held by `aurora bench NAME --check` on a quiet machine, not here.
"""

from __future__ import annotations

import pytest

from aurora.store.paths import create_tenant
from benchmarks import api, decide
from benchmarks.api_peers import BENTOML_PYTHON, peers
from benchmarks.api_servers import SLOW_SYNC_SECONDS


@pytest.mark.slow
def test_the_api_bench_measures_both_servers_without_a_failed_reply(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "KEPT_ALIVE", 500)
    monkeypatch.setattr(api, "peers", lambda *_, **__: {})
    results = {result.metric: result for result in api.run(data=tmp_path, scale=0.01)}
    assert results["failures"].value == 0
    assert results["aurora_requests"].value > 0
    assert results["fastapi_requests"].value > 0
    assert {name: (one.op, one.bar) for name, one in results.items() if one.bar is not None} == {
        "cpu_per_request": ("<=", 100),
        "aurora_requests": (">=", 8_000),
        "open_loop_p99": ("<=", 15),
        "kept_alive_requests": (">=", 1_000),
        "kept_alive_p95": ("<=", 50),
        "kept_alive_slow_disk_requests": (">=", 1_000),
        "kept_alive_slow_disk_p95": ("<=", 100),
        "ratio_to_fastapi": (">=", 2.5),
        "failures": ("<=", 0),
    }
    assert results["kept_alive_slow_disk_p50"].value > SLOW_SYNC_SECONDS * 1000


@pytest.mark.slow
def test_a_peer_makes_the_same_choice_for_each_request(tmp_path, monkeypatch):
    monkeypatch.delenv(BENTOML_PYTHON, raising=False)
    create_tenant(tmp_path, "bench", "ae-dubai")
    body = '{"kind": "route_task", "task_type": "property_matching", "task_id": "t-1", "deadline_ms": 5000}'
    done = peers(tmp_path, [body], connections=2, seconds=0.2)
    assert done["mlflow"].load.replies > 0
    assert done["mlflow"].load.failures == 0
    assert done["mlflow"].cpu_us > 0


def test_the_decide_bench_measures_the_shipped_fleet_and_a_router(tmp_path):
    results = {result.metric: result for result in decide.run(data=tmp_path, scale=0.02)}
    assert results["candidates"].is_ok
    assert {name: (one.op, one.bar) for name, one in results.items() if name.startswith("mixed") and one.bar} == {
        "mixed_p50": ("<=", 0.3),
        "mixed_p99": ("<=", 2.0),
    }
    assert all(result.value > 0 for result in results.values())
