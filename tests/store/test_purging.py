"""After a mask the clear value is in no file and no catalogue any more: at once by a purge, else thirty days later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl
import pytest

from aurora.errors import NotFoundError
from aurora.privacy.masking import mask_values
from aurora.store.connection import latest_snapshot
from aurora.store.lake import read_lake
from aurora.store.maintenance import maintain
from aurora.store.paths import TenantPaths
from aurora.store.purging import masks_of, purge_masked
from tests.compliance.conftest import fill

DAY = dt.timedelta(days=1)
SECRET = "AAA call Sara"
"""First of all in the order of texts: the catalogue's ranges hold it too."""


@pytest.fixture
def now() -> dt.datetime:
    """The machine's time: DuckLake stamps snapshots with it."""
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def masked(paths: TenantPaths, now: dt.datetime) -> int:
    """A lake of three files of messages, one of them masked; the last snapshot with the clear value."""
    for file in range(3):
        rows = [
            {"message_id": f"m{file}-{one}", "body": SECRET if (file, one) == (1, 1) else f"Villa {one}", "updated_at": now, "source": "desk"}
            for one in range(4)
        ]  # fmt: skip
        fill(paths, {"message": pl.DataFrame(rows)})
    before = latest_snapshot(paths, "raw")
    proof = mask_values(paths, "message", ["body"], about_id="m1-1", record_source=None, author="t", now=now)
    assert proof.as_dict()["readable_until"] == (now + 30 * DAY).isoformat(timespec="seconds")
    return before


def places(paths: TenantPaths) -> Iterator[str]:
    """Parquet files with the value in any column, and catalogue files with its bytes."""
    for file in paths.files("raw").rglob("*.parquet"):
        if any(SECRET in str(value) for column in pl.read_parquet(file).iter_columns() for value in column):
            yield file.name
    for file in paths.catalog("raw").parent.glob(f"{paths.catalog('raw').name}*"):
        if SECRET.encode() in file.read_bytes():
            yield file.name


def bodies(paths: TenantPaths, raw_at: int | None = None) -> list[str]:
    with read_lake(paths, raw_at=raw_at) as lake:
        return lake.query("SELECT body FROM raw.message ORDER BY message_id")["body"].to_list()


def check_is_gone(paths: TenantPaths, masked: int) -> None:
    assert list(places(paths)) == []
    with pytest.raises(NotFoundError, match="expired"):
        bodies(paths, raw_at=masked)
    left = bodies(paths)
    assert (len(left), left.count("Villa 1"), sum(one.startswith("enc1:") for one in left)) == (12, 2, 1)
    with read_lake(paths) as lake:  # ranges still find what is there
        assert lake.query("SELECT message_id FROM raw.message WHERE body = 'Villa 3'").height == 3


def test_a_purge_takes_the_value_out_of_every_file_and_the_catalogue(paths, masked: int, now: dt.datetime):
    assert SECRET in bodies(paths, raw_at=masked)
    assert len(list(places(paths))) >= 2
    assert [contract for _, contract in masks_of(paths, now=now)] == ["message"]
    report = purge_masked(paths, now=now)
    assert (report.masks, report.files_from_before) == (1, 0)
    assert report.snapshots_expired > 0
    assert report.files_deleted > 0
    assert report.files_searched >= 3
    check_is_gone(paths, masked)
    assert masks_of(paths, now=now) == []
    assert purge_masked(paths, now=now).snapshots_expired == 0


def test_maintenance_keeps_the_past_of_a_mask_for_thirty_days_and_no_longer(paths, masked: int, now: dt.datetime):
    maintain(paths, now=now + 29 * DAY)
    assert SECRET in bodies(paths, raw_at=masked)
    fill(
        paths, {"message": pl.DataFrame([{"message_id": "m9", "body": "Villa 9", "updated_at": now, "source": "desk"}])}
    )
    later = latest_snapshot(paths, "raw")
    maintain(paths, now=now + 31 * DAY)
    assert "Villa 9" in bodies(paths, raw_at=later)
    with pytest.raises(NotFoundError, match="expired"):
        bodies(paths, raw_at=masked)
    maintain(paths, now=now + 33 * DAY)
    assert list(places(paths)) == []


def test_a_mask_that_was_killed_before_its_files_were_written_anew_is_purged_too(
    paths, now: dt.datetime, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
):
    def killed(*_: object) -> None:
        return

    monkeypatch.setattr("aurora.privacy.masking.rewrite_masked", killed)
    before = request.getfixturevalue("masked")
    assert purge_masked(paths, now=now).files_rewritten == 1
    check_is_gone(paths, before)


def test_without_a_mask_nothing_is_ended(paths, now: dt.datetime):
    fill(
        paths, {"message": pl.DataFrame([{"message_id": "m9", "body": "Villa 9", "updated_at": now, "source": "desk"}])}
    )
    before = latest_snapshot(paths, "raw")
    assert purge_masked(paths, now=now).as_dict() == dict.fromkeys(purge_masked(paths, now=now).as_dict(), 0)
    assert latest_snapshot(paths, "raw") == before
