"""A built lake of a release whose contract lacked a column: it follows, takes old and new files, and builds."""

import pytest

from aurora.store.lake import create_lake, read_lake, write_lake
from orchestration.dbt_runner import run_dbt
from tests.dbt import company


@pytest.mark.slow
def test_a_lake_that_followed_an_additive_change_builds(copied):
    paths = copied()
    sql = "ALTER TABLE raw.usage DROP COLUMN quality"
    write_lake(paths, "raw", lambda lake: lake.execute(sql), author="test", message="an older release")
    create_lake(paths)
    before = _counts(paths)
    old = company.usage_rows(count=30, seed=11)
    new = [{**row, "quality": 0.5} for row in company.usage_rows(count=20, seed=12)]
    company.drop(paths, "usage-old", old)
    company.drop(paths, "usage-new", new)
    company.ingest(paths)
    run_dbt(paths)
    with read_lake(paths) as lake:
        assert lake.query("SELECT count(quality) FROM raw.usage").item() == 20
    landed = _counts(paths)
    assert landed == (before[0] + 50, before[1] + _requests(old) + _requests(new))


def _counts(paths) -> tuple[int, int]:
    with read_lake(paths) as lake:
        rows = lake.query("SELECT count(*) FROM raw.usage").item()
        calls = lake.query("SELECT sum(operation_count) FROM mart.usage_daily").item()
    return int(rows), int(calls)


def _requests(rows: list[dict[str, object]]) -> int:
    return sum(int(str(row.get("request_count") or 1)) for row in rows)
