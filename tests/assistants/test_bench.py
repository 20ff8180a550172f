"""The bench polls real servers and sees real deaths. Its bars are held by `aurora bench assistants --check`."""

from __future__ import annotations

import math

import pytest

from benchmarks import assistants


@pytest.mark.slow
def test_the_bench_watches_the_shipped_fleet_and_sees_every_death(tmp_path) -> None:
    found = {one.metric: one for one in assistants.run(data=tmp_path, scale=0.01)}
    assert found["assistants"].value == 16
    for name in ("round_p50", "round_p95", "round_p95_one_dead_one_slow", "detection_p50", "detection_max"):
        assert 0 < found[name].value < math.inf
    assert found["round_p95"].bar == 50
    assert found["detection_max"].bar == 2.0
