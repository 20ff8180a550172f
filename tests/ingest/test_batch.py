"""A file becomes rows exactly once: nothing is dropped, nothing comes twice, each row lands in its day."""

from __future__ import annotations

import datetime as dt
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora.errors import NotFoundError, UsageError
from aurora.ingest import staging
from aurora.ingest.batch import ingest_file, ingest_landing
from aurora.ingest.portions import ROW
from aurora.store.paths import TenantPaths
from contracts import registry

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return NOW


def landing(paths: TenantPaths, **options: object):
    reports = ingest_landing(paths, clock=clock, **options)
    assert all(one.rows == one.good + one.quarantined + one.duplicates for one in reports)
    return reports


def test_rows_land_with_their_origin_and_position(gateway, row):
    report = gateway.ingest("a.ndjson", [row(1), row(2, request_model="gpt-4o-mini")])
    assert (report.good, report.contracts, report.source_format) == (2, ("usage",), "canonical_ndjson")
    found = gateway.look("SELECT * FROM raw.usage ORDER BY row_number").to_dicts()
    assert [one["usage_id"] for one in found] == ["call-1", "call-2"]
    assert {(one["batch_id"], one["batch_seq"], one["source"]) for one in found} == {(report.batch_id, 1, "gateway")}
    assert [one[ROW] for one in found] == [1, 2]
    assert (found[0]["ingested_at"], found[0]["region"]) == (NOW, "ae-dubai")


def test_the_same_file_again_changes_nothing_under_any_name_or_source(gateway, row, paths):
    rows = [row(1), row(2, input_tokens=-1)]
    first = gateway.ingest("a.ndjson", rows)
    snapshot = gateway.look("SELECT max(snapshot_id) AS at FROM raw.snapshots()")["at"][0]
    again = [
        gateway.ingest("a.ndjson", rows),
        gateway.ingest("renamed.ndjson", rows),
        gateway.ingest("a.ndjson", rows, source="other"),
        *landing(paths),
    ]
    assert {(one.batch_id, one.good, one.quarantined, one.is_known) for one in again} == {(first.batch_id, 1, 1, True)}
    assert gateway.look("SELECT max(snapshot_id) AS at FROM raw.snapshots()")["at"][0] == snapshot


def test_a_copy_of_a_file_in_the_same_run_is_known_and_counted_once(gateway, row, paths):
    gateway.drop("a.ndjson", [row(1), row(2)])
    gateway.drop("copy.ndjson", [row(1), row(2)])
    assert [(one.good, one.is_known) for one in landing(paths)] == [(2, False), (2, True)]
    assert gateway.look("SELECT sum(row_count) AS n FROM raw.ingest_batch")["n"][0] == 2


def test_a_row_that_landed_before_is_a_duplicate_when_equal_and_refused_when_not(gateway, row):
    gateway.ingest("a.ndjson", [row(1), row(2)])
    report = gateway.ingest("b.ndjson", [row(1), row(2, output_tokens=7), row(3)])
    assert (report.good, report.duplicates, report.quarantined) == (1, 1, 1)
    (refusal,) = gateway.refused()
    assert (refusal["column_name"], refusal["rule"], refusal[ROW]) == ("usage_id", "unique_key", 2)
    assert "call-2 stands in the lake with other content" in refusal["reason"]
    assert json.loads(refusal["raw_row"])["output_tokens"] == "7"
    assert gateway.look("SELECT output_tokens FROM raw.usage WHERE usage_id = 'call-2'")["output_tokens"][0] == 100


def test_the_same_id_twice_in_one_file_is_told_apart_too(gateway, row):
    report = gateway.ingest("a.ndjson", [row(1), row(1), row(1, output_tokens=9)])
    assert (report.good, report.duplicates, report.quarantined) == (1, 1, 1)
    assert "in the same file" in gateway.refused()[0]["reason"]


def test_two_files_of_one_commit_see_each_other(gateway, row, paths):
    gateway.drop("a.ndjson", [row(1), row(2)])
    gateway.drop("b.ndjson", [row(2), row(1, output_tokens=8), row(3)])
    reports = landing(paths)
    assert [(one.good, one.duplicates, one.quarantined) for one in reports] == [(2, 0, 0), (1, 1, 1)]
    assert sorted(gateway.look("SELECT usage_id FROM raw.usage")["usage_id"]) == ["call-1", "call-2", "call-3"]


def test_late_and_out_of_order_rows_land_in_their_day(gateway, row):
    times = ["2026-09-30T23:59:59Z", "2026-08-01T00:00:00Z", "2026-09-30T23:59:59-04:00"]
    gateway.ingest("a.ndjson", [row(number, occurred_at=at) for number, at in enumerate(times)])
    gateway.ingest("late.ndjson", [row(9, occurred_at="2026-07-31T23:00:00Z")])
    days = gateway.look("SELECT usage_id, occurred_date FROM raw.usage ORDER BY usage_id")
    assert [day.isoformat() for day in days["occurred_date"]] == [
        "2026-09-30",
        "2026-08-01",
        "2026-10-01",
        "2026-07-31",
    ]


def test_unpriced_is_counted_and_never_zero(gateway, row):
    rows = [row(1), row(2, request_model="own-falcon", provider_name="own"), row(3, request_model=None)]
    assert gateway.ingest("a.ndjson", rows).unpriced == 2
    found = gateway.look("SELECT cost_source, cost_usd, price_id FROM raw.usage ORDER BY usage_id").rows()
    assert found[1:] == [("unpriced", None, None)] * 2
    assert found[0][0] == "price_book"
    assert found[0][1] > 0


def test_prices_in_use_stand_in_the_lake_once(gateway, row):
    gateway.ingest("a.ndjson", [row(1)])
    gateway.ingest("b.ndjson", [row(2)])
    assert gateway.look("SELECT count(*) - count(DISTINCT price_id) AS n FROM raw.price")["n"][0] == 0
    joined = gateway.look("SELECT count(*) AS n FROM raw.usage JOIN raw.price USING (price_id)")["n"][0]
    assert joined == 2


@pytest.mark.parametrize("contract", ["conversation", "task"])
def test_other_contracts_are_guessed_and_land(gateway, contract):
    from aurora.ingest.canonical_sample import sample_rows

    rows = sample_rows(contract, row_count=5, seed=3)
    report = gateway.ingest(f"{contract}.ndjson", rows)
    assert (report.contracts, report.good) == ((contract,), 5)
    assert gateway.look(f"SELECT count(*) AS n FROM raw.{contract}")["n"][0] == 5


def test_each_state_of_a_task_lands_once_and_only_a_contradiction_is_refused(gateway):
    def task(state: str, **values: object) -> dict[str, object]:
        about = {"task_id": "t-1", "task_type": "kyc.check", "submitted_at": "2026-09-01T08:00:00Z"}
        return {**about, "task_state": state, **values}

    ended = task("completed", completed_at="2026-09-01T09:00:00Z")
    first = gateway.ingest("a.ndjson", [task("submitted"), task("submitted"), ended])
    assert (first.good, first.duplicates, first.quarantined) == (2, 1, 0)
    late = task("input_required", updated_at="2026-09-01T08:30:00Z")
    second = gateway.ingest("b.ndjson", [ended, late, task("failed", updated_at="2026-09-01T09:00:00Z")])
    assert (second.good, second.duplicates, second.quarantined) == (1, 1, 1)
    refused = gateway.look("SELECT reason FROM raw.quarantine")["reason"][0]
    assert "task_id t-1, updated_at 2026-09-01 09:00:00" in refused
    assert "later updated_at" in refused


def test_a_contract_or_format_that_is_not_offered_is_named(gateway, row):
    with pytest.raises(UsageError, match="price") as caught:
        gateway.ingest("a.ndjson", [row(1)], contract="price")
    assert "conversation, " in caught.value.next_step
    with pytest.raises(UsageError, match="parquet") as caught:
        gateway.ingest("a.ndjson", [row(1)], source_format="parquet")
    assert "canonical_csv" in caught.value.next_step


def test_an_unknown_tenant_is_not_brought_into_being(gateway, row, paths):
    stranger = TenantPaths(paths.data_dir, "stranger", "ae-dubai")
    file = stranger.landing / "gateway" / "a.ndjson"
    file.parent.mkdir(parents=True)
    file.write_bytes(gateway.drop("a.ndjson", [row(1)]).read_bytes())
    with pytest.raises(NotFoundError, match="no tenant named 'stranger'"):
        ingest_file(stranger, file, source="gateway", clock=clock)
    assert not stranger.directory.exists()


def test_progress_tells_every_file_and_the_end(gateway, row, paths):
    for name in "ab":
        gateway.drop(f"{name}.ndjson", [row(name)])
    told: list[tuple[int, int, str]] = []
    landing(paths, progress=lambda *step: told.append(step))
    assert told == [(0, 2, "a.ndjson"), (1, 2, "b.ndjson"), (2, 2, "")]


def test_a_failure_leaves_no_staged_file_behind(gateway, row, paths):
    def broken(_: object) -> object:
        raise RuntimeError("the price book broke")

    class Book:
        price = staticmethod(broken)

    with pytest.raises(RuntimeError, match="broke"):
        gateway.ingest("a.ndjson", [row(1)], book=Book())
    assert list(paths.files("raw").rglob("batch-*.parquet")) == []
    assert gateway.ingest("a.ndjson", [row(1)]).good == 1


def test_rows_over_many_staged_files_stay_one_batch(gateway, row, monkeypatch):
    monkeypatch.setattr(staging, "ROWS_PER_FILE", 10)
    monkeypatch.setattr("aurora.ingest.lines.CHUNK_BYTES", 1000)
    rows = [row(number % 90) for number in range(100)]
    report = gateway.ingest("a.ndjson", rows)
    assert (report.good, report.duplicates) == (90, 10)
    assert gateway.look("SELECT row_number FROM raw.usage ORDER BY 1")[ROW].to_list() == list(range(1, 91))


FAULTS = {
    "input_tokens": (-1, "n/a", 1.5),
    "occurred_at": ("1970-01-01T00:00:00Z", "soon"),
    "operation_name": ("chitchat", None),
    "reported_cost_usd": ("-1", "dear"),
}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_planted_faults_are_refused_and_all_else_lands(gateway, row, seed):
    draw = random.Random(seed)
    rows, wanted = [], set()
    for number in range(1, draw.randrange(20, 200)):
        made = row(f"{seed}-{number}")
        if draw.random() < 0.2:
            column = draw.choice(list(FAULTS))
            value = draw.choice(FAULTS[column])
            made = {**made, column: value}
            wanted.add((number, column))
        rows.append(made)
    report = gateway.ingest(f"f{seed}.ndjson", rows)
    refused = gateway.look("SELECT row_number, column_name FROM raw.quarantine WHERE batch_id = ?", report.batch_id)
    landed = gateway.look("SELECT usage_id FROM raw.usage WHERE batch_id = ?", report.batch_id)["usage_id"]
    bad = {number for number, _ in wanted}
    assert set(refused.rows()) == wanted
    assert set(landed) == {one["usage_id"] for number, one in enumerate(rows, 1) if number not in bad}


def test_required_columns_of_the_lake_hold_no_null(gateway, row):
    gateway.ingest("a.ndjson", [row(1, usage_id=None), row(2)])
    usage = registry.table("usage")
    rows = gateway.look("SELECT * FROM raw.usage")
    assert [name for name in usage.columns if usage.is_required(name) and rows[name].null_count()] == []
