"""The benches of the API and of deciding run, and what they measure is the real thing: no reply fails.

Their bars are held by `aurora bench NAME --check` on a quiet machine, not here.
"""

from __future__ import annotations

import pytest

from benchmarks import api, decide


@pytest.mark.slow
def test_the_api_bench_measures_both_servers_without_a_failed_reply(tmp_path):
    results = {result.metric: result for result in api.run(data=tmp_path, scale=0.01)}
    assert results["failures"].value == 0
    assert results["aurora_requests"].value > 0
    assert results["fastapi_requests"].value > 0
    assert {name: (one.op, one.bar) for name, one in results.items() if one.bar is not None} == {
        "cpu_per_request": ("<=", 120),
        "ratio_to_fastapi": (">=", 2.5),
        "failures": ("<=", 0),
    }


def test_the_decide_bench_measures_the_shipped_fleet_and_a_router(tmp_path):
    results = {result.metric: result for result in decide.run(data=tmp_path, scale=0.02)}
    assert results["candidates"].is_ok
    assert {name: (one.op, one.bar) for name, one in results.items() if name.startswith("mixed") and one.bar} == {
        "mixed_p50": ("<=", 0.3),
        "mixed_p99": ("<=", 2.0),
    }
    assert all(result.value > 0 for result in results.values())
