"""The life of a refused row: repaired, released, run again or discarded, each once, each with its record."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest

from aurora.errors import ConflictError, NotFoundError, UsageError
from aurora.gateway.prices import PriceBook, default_book
from aurora.ingest import repairs as module
from aurora.ingest.formats import otlp_json
from aurora.ingest.quarantine import find_rows, history_of, refused_rows, state_counts
from aurora.ingest.repairs import Correction, Repairs
from aurora.ingest.sample_operations import sample_operations
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake
from aurora.store.state import StateStore
from tests.ingest.conftest import NOW, Gateway

WHY = "the exporter was mended"


@pytest.fixture
def acts(paths) -> Iterator[Callable[..., Repairs]]:
    """Acts of Amal on the quarantine."""
    store = StateStore.open(paths, clock=lambda: NOW)
    yield lambda **options: Repairs(paths=paths, store=store, actor_id="person:amal", clock=lambda: NOW, **options)
    store.close()


def ids(gateway: Gateway, **wanted: Any) -> list[str]:
    """Quarantine ids in the order of the file."""
    with read_lake(gateway.paths) as lake:
        return refused_rows(lake, **wanted).sort("file_name", "row_number")["quarantine_id"].to_list()


def balance(gateway: Gateway) -> dict[str, int]:
    """The books over all; asserts that they add up, for each batch and in sum."""
    batches = gateway.look(
        """
        WITH refused AS (SELECT batch_id, count(DISTINCT (contract, row_number)) AS n FROM raw.quarantine GROUP BY 1),
        tried AS (
            SELECT repair_batch_id AS batch_id, count(*) FILTER (repair_state = 'still_failing') AS n
            FROM raw.quarantine_resolution GROUP BY 1
        ),
        landed AS (SELECT batch_id, count(*) AS n FROM raw.usage GROUP BY 1)
        SELECT b.*, coalesce(refused.n, 0) + coalesce(tried.n, 0) AS refused, coalesce(landed.n, 0) AS landed
        FROM raw.ingest_batch AS b LEFT JOIN refused USING (batch_id) LEFT JOIN tried USING (batch_id)
        LEFT JOIN landed USING (batch_id)
        """
    )
    for row in batches.iter_rows(named=True):
        assert row["row_count"] == row["good_count"] + row["quarantined_count"] + row["duplicate_count"], row
        assert row["quarantined_count"] == row["refused"], row
        assert row["good_count"] == row["landed"], row
    sent = batches.filter(pl.col("repairs_batch_id").is_null())
    with read_lake(gateway.paths) as lake:
        states = state_counts(lake)
    assert (
        sum(states.values())
        == gateway.look("SELECT count(DISTINCT (batch_id, contract, row_number)) FROM raw.quarantine").item()
    )
    days = gateway.look("SELECT sum(good_count) FROM raw.batch_day").item() or 0
    landed = gateway.look("SELECT count(*) FROM raw.usage").item()
    assert days == landed
    duplicates = int(batches["duplicate_count"].sum())
    waiting = states["open"] + states["still_failing"] + states["discarded"]
    assert int(sent["row_count"].sum()) == landed + waiting + duplicates
    return {**states, "landed": landed}


def records(gateway: Gateway, kind: str) -> list[dict[str, Any]]:
    with StateReader(gateway.paths) as state:
        return [json.loads(entry.body) | {"by": entry.actor_id} for entry in state.page(kind)]


def test_a_row_lands_with_its_corrected_value(gateway, row, acts):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5), row(3)])
    (wrong,) = ids(gateway)
    (report,) = acts().repair([Correction(quarantine_id=wrong, values={"input_tokens": 5})], WHY)
    assert (report.rows, report.landed, report.still_failing, report.is_known) == (1, 1, 0, False)
    landed = gateway.look(
        "SELECT input_tokens, source, row_number, cost_source FROM raw.usage WHERE usage_id = 'call-2'"
    )
    assert landed.rows() == [(5, "gateway", 2, "price_book")]
    assert balance(gateway) == {
        "open": 0,
        "still_failing": 0,
        "repaired": 1,
        "released": 0,
        "discarded": 0,
        "landed": 3,
    }
    (record,) = records(gateway, "quarantine_repair")
    assert (record["by"], record["reason"]) == ("person:amal", WHY)
    assert record["rows"] == [{"contract": "usage", "row_number": 2, "state": "repaired", "columns": ["input_tokens"]}]
    assert gateway.look("SELECT count(*) FROM raw.quarantine").item() == 1  # the refused row itself stays


def test_a_repair_that_is_repeated_changes_nothing(gateway, row, acts):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5), row(3, output_tokens=-1)])
    first, second = ids(gateway)
    good = Correction(quarantine_id=first, values={"input_tokens": 5})
    bad = Correction(quarantine_id=second, values={"output_tokens": -2})
    acts().repair([good, bad], WHY)
    before = gateway.look("SELECT max(snapshot_id) FROM raw.snapshots()").item()
    again = acts().repair([good, bad], WHY)
    once_more = acts().repair([bad], WHY)
    acts().repair([bad], WHY)
    assert {one.state for report in again for one in report.results} == {"repaired", "still_failing"}
    assert gateway.look("SELECT count(*) FROM raw.quarantine_resolution").item() == 3
    assert once_more[0].still_failing == 1
    assert "output_tokens is -2. It must be at least 0." in once_more[0].results[0].reason
    assert gateway.look("SELECT max(snapshot_id) FROM raw.snapshots()").item() - before <= 1
    assert balance(gateway)["landed"] == 2
    assert len(records(gateway, "quarantine_repair")) == 2


def test_nothing_lands_past_the_gate_or_the_keys(gateway, row, acts):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5), row(3, input_tokens=-5)])
    first, second = ids(gateway)
    reports = acts().repair(
        [
            Correction(quarantine_id=first, values={"input_tokens": 5, "usage_id": "call-1"}),
            Correction(quarantine_id=second, values={"input_tokens": 5, "operation_name": "daydream"}),
        ],
        WHY,
    )
    assert [one.state for one in reports[0].results] == ["still_failing", "still_failing"]
    assert "stands in the lake with other content" in reports[0].results[0].reason
    assert balance(gateway) == {
        "open": 0,
        "still_failing": 2,
        "repaired": 0,
        "released": 0,
        "discarded": 0,
        "landed": 1,
    }
    with read_lake(gateway.paths) as lake:
        (named,) = find_rows(lake, [first]).values()
        (event,) = history_of(lake, named)
    assert (event["rule"], event["repair_state"], event["actor_id"]) == ("unique_key", "still_failing", "person:amal")


def test_a_whole_row_can_be_given_and_an_unknown_column_is_refused(gateway, row, acts):
    gateway.ingest("a.ndjson", b'{"usage_id": "cut off\n')
    (broken,) = ids(gateway)
    with pytest.raises(UsageError, match="mood is no column of usage"):
        acts().repair([Correction(quarantine_id=broken, values={"mood": 1})], WHY)
    with pytest.raises(UsageError, match="source is decided by ingest"):
        acts().repair([Correction(quarantine_id=broken, values={"source": "x"})], WHY)
    with pytest.raises(UsageError, match="needs a reason"):
        acts().repair([Correction(quarantine_id=broken, values={})], " ")
    with pytest.raises(NotFoundError, match="no row 'nothing'"):
        acts().release(["nothing"], WHY)
    acts().repair([Correction(quarantine_id=broken, values=row(9), is_whole=True)], WHY)
    assert balance(gateway)["repaired"] == 1


def test_a_released_row_lands_once_the_gate_lets_it_through(gateway, row, acts, monkeypatch):
    gateway.ingest("a.ndjson", [row(1), row(2, operation_name="daydream")])
    (wrong,) = ids(gateway)
    assert acts().release([wrong], WHY)[0].still_failing == 1
    # the contract has changed: the operation is known now
    from aurora.ingest import gate, judging

    monkeypatch.setattr(judging, "gate_faults", lambda *_, **__: gate.no_faults())
    monkeypatch.setattr(module, "_code_hash", lambda: "another code")
    assert acts().release([wrong], WHY)[0].landed == 1
    assert balance(gateway)["released"] == 1
    assert len(records(gateway, "quarantine_release")) == 2


def test_a_discarded_row_stays_with_its_reason_and_its_life_is_over(gateway, row, acts):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5)])
    (wrong,) = ids(gateway)
    acts().discard([wrong], "a test call of the vendor")
    assert acts().discard([wrong], "once again")[0].is_known
    (closed,) = acts().repair([Correction(quarantine_id=wrong, values={"input_tokens": 5})], WHY)
    assert (closed.results[0].state, closed.landed) == ("discarded", 0)
    assert balance(gateway)["discarded"] == 1
    assert ids(gateway, state="open") == []
    (record,) = records(gateway, "quarantine_discard")
    assert record["reason"] == "a test call of the vendor"


def test_a_dry_run_tells_and_writes_nothing(gateway, row, acts, paths):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5)])
    (wrong,) = ids(gateway)
    (told,) = acts(is_dry_run=True).repair([Correction(quarantine_id=wrong, values={"input_tokens": 5})], WHY)
    assert (told.is_dry_run, told.results[0].state) == (True, "repaired")
    assert balance(gateway)["open"] == 1
    assert records(gateway, "quarantine_repair") == []
    assert len(list(paths.files("raw").rglob("batch-*.parquet"))) == 1  # the staged file is gone


def test_a_record_of_another_system_is_repaired_from_its_file(gateway, acts):
    operations = sample_operations(6, seed=3)
    wrong = [operations[0].__class__(**{**_fields(operations[0]), "input_tokens": -4}), *operations[1:]]
    gateway.ingest("spans.otlp.jsonl", otlp_json.write(wrong))
    (refused,) = ids(gateway)
    (report,) = acts().repair([Correction(quarantine_id=refused, values={"input_tokens": 4})], WHY)
    assert report.landed == 1
    assert (
        gateway.look("SELECT count(*) FROM raw.usage WHERE input_tokens = 4 AND source_format = 'otlp_json'").item()
        == 1
    )
    assert balance(gateway)["landed"] == 6


def test_a_file_that_no_format_knew_is_run_again(gateway, row, acts, monkeypatch):
    from aurora.ingest import batch, rereading

    file = gateway.drop("calls.ndjson", [row(1), row(2), row(3, input_tokens=-1)])

    def unknown(_: object) -> str:
        raise UsageError("in no format that is known here", rule="known_format", next_step="")

    with monkeypatch.context() as older:
        older.setattr(batch, "detect", unknown)
        batch.ingest_landing(gateway.paths, clock=lambda: NOW)
    (refused,) = gateway.refused()
    assert refused["rule"] == "known_format"
    with monkeypatch.context() as older:
        older.setattr(rereading, "detect", unknown)
        older.setattr(module, "_code_hash", lambda: "older code")
        assert acts().rerun(refused["batch_id"], WHY)[0].still_failing == 1
    (report,) = acts().rerun(refused["batch_id"][:12], WHY)
    assert (report.landed, report.results[0].state) == (2, "released")
    with read_lake(gateway.paths) as lake:
        assert state_counts(lake) == {"open": 1, "still_failing": 0, "released": 1, "repaired": 0, "discarded": 0}
    (idle,) = acts().rerun(refused["batch_id"], WHY)
    assert (idle.rows, idle.landed) == (0, 0)
    file.unlink()
    with pytest.raises(NotFoundError, match="no longer lies unchanged"):
        acts().rerun(refused["batch_id"], WHY)


def test_a_rerun_tries_what_did_not_land_and_nothing_else(gateway, row, acts, monkeypatch):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5), row(3, output_tokens=-5), row(1)])
    first, _ = ids(gateway)
    acts().discard([first], WHY)
    batch_id = gateway.look("SELECT batch_id FROM raw.ingest_batch ORDER BY batch_seq").row(0)[0]
    from aurora.ingest import gate, judging

    monkeypatch.setattr(judging, "gate_faults", lambda *_, **__: gate.no_faults())
    (report,) = acts().rerun(batch_id, WHY)
    assert [(one.row_number, one.state) for one in report.results] == [(3, "released")]
    assert gateway.look("SELECT usage_id FROM raw.usage ORDER BY 1")["usage_id"].to_list() == ["call-1", "call-3"]
    assert gateway.look("SELECT count(*) FROM raw.ingest_batch WHERE repairs_batch_id IS NOT NULL").item() == 2


def test_prices_that_came_later_price_a_released_row(gateway, row, acts):
    book = default_book()
    gateway.ingest("a.ndjson", [row(1, request_model="new-llm", input_tokens=-1)], book=book)
    price = book.rows.filter((pl.col("provider_name") == "openai") & (pl.col("request_model") == "gpt-4o")).head(1)
    newer = PriceBook(
        pl.concat([price.with_columns(request_model=pl.lit("new-llm"), price_id=pl.lit("new")), book.rows])
    )
    (wrong,) = ids(gateway)
    acts(book=newer).repair([Correction(quarantine_id=wrong, values={"input_tokens": 1})], WHY)
    assert gateway.look("SELECT cost_source FROM raw.usage").item() == "price_book"


def test_a_record_that_a_kill_prevented_is_written_by_the_next_act(gateway, row, acts, monkeypatch):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5), row(3, input_tokens=-6)])
    first, second = ids(gateway)
    killed = acts()
    append = killed.store.append
    monkeypatch.setattr(
        killed.store,
        "append",
        lambda all_, **more: append(all_, **more) if all_[0].kind == "privacy_open" else _killed(),
    )
    with pytest.raises(KeyboardInterrupt):
        killed.repair([Correction(quarantine_id=first, values={"input_tokens": 5})], WHY)
    monkeypatch.undo()
    assert records(gateway, "quarantine_repair") == []
    assert balance(gateway)["repaired"] == 1
    acts().discard([second], WHY)
    assert [one["rows"][0]["row_number"] for one in records(gateway, "quarantine_repair")] == [2]


def test_two_people_cannot_both_end_a_row(gateway, row, acts):
    gateway.ingest("a.ndjson", [row(1), row(2, input_tokens=-5)])
    (wrong,) = ids(gateway)
    slow = acts()
    prepared = slow._staged(
        "repair", _open(gateway, wrong), {wrong: Correction(quarantine_id=wrong, values={"input_tokens": 1})}, WHY
    )
    acts().discard([wrong], WHY)
    with pytest.raises(ConflictError, match="is discarded already"):
        slow._finish("repair", [prepared], WHY)
    assert balance(gateway)["landed"] == 1


def _open(gateway: Gateway, quarantine_id: str) -> list[Any]:
    with read_lake(gateway.paths) as lake:
        return list(find_rows(lake, [quarantine_id]).values())


def _killed(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


def _fields(operation: Any) -> dict[str, Any]:
    return {name: getattr(operation, name) for name in operation.__dataclass_fields__}


def test_a_process_killed_in_the_middle_leaves_all_of_an_act_or_nothing(gateway, row, paths):
    gateway.ingest("a.ndjson", [row(number, input_tokens=-5) for number in range(40)])
    wrong = ids(gateway)
    context = multiprocessing.get_context("spawn")
    for seconds in (1.2, 1.9):
        process = context.Process(target=_repair_all, args=(str(paths.data_dir), wrong))
        process.start()
        process.join(seconds)
        process.kill()
        process.join()
        held = balance(gateway)
        assert held["repaired"] in (0, 40)
    _repair_all(str(paths.data_dir), wrong)
    assert balance(gateway)["repaired"] == 40
    assert len(records(gateway, "quarantine_repair")) == 1


def _repair_all(data_dir: str, wrong: list[str]) -> None:
    from pathlib import Path

    from aurora.store.paths import tenant_paths

    paths = tenant_paths(Path(data_dir), "demo")
    with StateStore.open(paths, clock=lambda: NOW) as store:
        acts = Repairs(paths=paths, store=store, actor_id="person:amal", clock=lambda: NOW)
        acts.repair([Correction(quarantine_id=one, values={"input_tokens": 5}) for one in wrong], WHY)
