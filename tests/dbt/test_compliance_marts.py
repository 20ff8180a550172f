"""Findings in the marts: the newest state of each, and what each rule was asked about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl

from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from orchestration.dbt_runner import run_dbt
from tests.compliance.conftest import fill

RULE = {"rule_id": "RERA-007", "rule_pack_id": "rera", "regime": "rera", "about_contract": "listing"}


def test_the_marts_hold_the_newest_state_of_each_finding_and_rule(copied: Callable[[], TenantPaths]):
    paths = copied()
    moments = [dt.datetime(2026, 11, day, tzinfo=dt.UTC) for day in (1, 2)]
    findings = [
        {**RULE, "finding_id": "fnd-1", "finding_state": state, "updated_at": moment, "found_at": moments[0]}
        for state, moment in zip(("open", "remediated"), moments, strict=True)
    ]
    figures = [{**RULE, "broken_count": 2 - place, "updated_at": moment} for place, moment in enumerate(moments)]
    fill(paths, {"finding": pl.DataFrame(findings), "rule_sweep": pl.DataFrame(figures)})
    run_dbt(paths, only_changed=True)
    with read_lake(paths) as lake:
        current = lake.query("SELECT finding_state, updated_at FROM mart.findings").rows()
        counted = lake.query("SELECT broken_count, updated_at FROM mart.rule_figures").rows()
    assert current == [("remediated", moments[1])]
    assert counted == [(1, moments[1])]
