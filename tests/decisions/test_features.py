"""Published features: read from the mart, whole, verified, and used by the engine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from aurora.decisions.features import FILE, load_features, publish_features
from aurora.errors import DataError, NotReadyError
from aurora.store.lake import LakeWriter, create_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@pytest.fixture
def paths(tmp_path: Path) -> TenantPaths:
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    return paths


def _build_mart(paths: TenantPaths) -> None:
    def build(lake: LakeWriter) -> None:
        lake.execute(
            "CREATE TABLE mart.assistant_features AS SELECT * FROM (VALUES "
            "('omar', 'lead_follow_up', 40::BIGINT, 0.5::DOUBLE, 900.0::DOUBLE, 0.02::DECIMAL(18,9), 3::BIGINT), "
            "('clara', 'lead_follow_up', 10, NULL, NULL, NULL, NULL)) "
            "t(assistant_id, task_type, task_count, success_share, duration_p50_ms, cost_usd_mean, open_task_count)"
        )

    write_lake(paths, "mart", build, author="test", message="features")


def test_what_the_mart_holds_is_what_is_loaded(paths: TenantPaths):
    assert load_features(paths) is None
    _build_mart(paths)
    published = publish_features(paths, clock=lambda: NOW)
    assert load_features(paths) == published
    assert [row.assistant_id for row in published.rows] == ["clara", "omar"]
    assert published.rows[1].cost_usd_mean == Decimal("0.02")
    assert (published.rows[0].success_share, published.rows[0].open_task_count) == (None, 0)
    assert published.mart_snapshot_id > 0
    again = publish_features(paths, clock=lambda: NOW + dt.timedelta(hours=1))
    assert again.feature_hash == published.feature_hash


def test_publishing_before_the_mart_is_built_says_so(paths: TenantPaths):
    with pytest.raises(NotReadyError, match="assistant_features is not built"):
        publish_features(paths, clock=lambda: NOW)
    assert load_features(paths) is None


def test_a_changed_snapshot_is_refused(paths: TenantPaths):
    _build_mart(paths)
    publish_features(paths, clock=lambda: NOW)
    file = paths.serving / FILE
    file.write_bytes(file.read_bytes().replace(b"0.5", b"0.9"))
    with pytest.raises(DataError, match="hash"):
        load_features(paths)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="damaged"):
        load_features(paths)
