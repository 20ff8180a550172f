"""The quality marts: every row of every source accounted for by day, and kept so when refused rows are mended."""

from __future__ import annotations

import pytest

from aurora.ingest.quarantine import refused_rows
from aurora.ingest.repairs import Correction, Repairs
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from orchestration.dbt_runner import run_dbt
from tests.dbt import company

WHY = "the exporter was mended"
QUALITY = ["+source_quality_daily", "+quarantine_reasons", "+ingest_batches"]


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """A company whose refused rows were partly repaired, given up and tried in vain, after the marts were built."""
    paths = company.make_tenant(tmp_path_factory.mktemp("mended"))
    company.drop(paths, "usage", company.usage_rows(count=60, seed=1) + company.wrong_rows(count=6, seed=2))
    company.drop(paths, "tasks", company.task_rows(count=20, seed=3))
    company.ingest(paths)
    run_dbt(paths, ("build",), select=QUALITY)
    with read_lake(paths) as lake:
        refused = refused_rows(lake)["quarantine_id"].to_list()
    with StateStore.open(paths, clock=lambda: company.NOW) as store:
        acts = Repairs(paths=paths, store=store, actor_id="person:amal", clock=lambda: company.NOW)
        acts.repair([Correction(quarantine_id=one, values={"input_tokens": 5}) for one in refused[:3]], WHY)
        acts.discard(refused[3:4], WHY)
        acts.release(refused[4:5], WHY)
    run_dbt(paths, ("build",), select=QUALITY)
    return paths


def test_a_mended_row_counts_on_the_day_it_was_refused_and_the_books_add_up(mended: TenantPaths):
    with read_lake(mended) as lake:
        (usage,) = lake.query("SELECT * FROM mart.source_quality_daily WHERE contract = 'usage'").to_dicts()
        landed = lake.query("SELECT count(*) FROM raw.usage").item()
        waiting = lake.query("SELECT sum(open_count), sum(row_count) FROM mart.quarantine_reasons").row(0)
        batches = lake.query("SELECT count(*), count(repairs_batch_id) FROM mart.ingest_batches").row(0)
    wanted = {"row_count": 66, "good_count": 60, "bad_count": 6, "repaired_count": 3, "discarded_count": 1}
    assert {name: usage[name] for name in wanted} == wanted
    assert (usage["open_count"], usage["failed_again_count"], usage["batch_count"]) == (2, 1, 1)
    assert usage["late_count"] == 60  # the company's days are weeks before it was ingested
    assert landed == usage["good_count"] + usage["repaired_count"]
    assert tuple(map(int, waiting)) == (2, 6)
    assert batches == (5, 3)


def test_marts_that_followed_the_repairs_equal_those_built_at_once(mended: TenantPaths):
    step_by_step = company.marts(mended)
    run_dbt(mended, ("run",), select=QUALITY, full_refresh=True)
    assert company.marts(mended) == step_by_step
