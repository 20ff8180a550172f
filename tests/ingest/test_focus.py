"""FOCUS out and in again: charges of a real lake, their arithmetic, what is left out, and the round trip."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aurora.errors import DataError, UsageError
from aurora.gateway.focus_check import check_file, read_focus
from aurora.gateway.focus_columns import COLUMNS, CUSTOM
from aurora.gateway.focus_export import export_focus
from aurora.ingest.formats import otlp_json
from aurora.store.lake import read_lake

FORMS = ["out.csv", "out.parquet"]


@pytest.fixture
def used(gateway, row):
    """A lake with priced, logged, cached and unpriced usage of two months."""
    rows = [
        row(1, assistant_id="clara", cache_read_input_tokens=400, decision_id="d-1", conversation_id="c-1"),
        row(2, assistant_id="clara", occurred_at="2026-09-02T10:00:00Z", conversation_id="c-2"),
        row(3, assistant_id="omar", provider_name="in_house", request_model="villa-7b", reported_cost_usd="0.25"),
        row(4, provider_name="in_house", request_model="villa-7b"),
        row(5, occurred_at="2026-10-02T10:00:00Z"),
    ]
    gateway.ingest("usage.ndjson", rows)
    gateway.ingest("traces.jsonl", otlp_json.sample(contract="usage", row_count=300, seed=4), source="otlp")
    return gateway


def _export(gateway, out: Path, **options: Any):
    with read_lake(gateway.paths) as lake:
        return export_focus(lake, out, tenant="demo", **options)


@pytest.mark.parametrize("name", FORMS)
def test_the_export_conforms_and_sums_to_the_lake(used, tmp_path, name):
    done = _export(used, tmp_path / name)
    assert check_file(done.file) == []
    (lake,) = used.look(
        "SELECT sum(cost_usd) AS cost, count(*) AS n FROM raw.usage WHERE cost_source <> 'unpriced'"
    ).rows()
    assert abs(done.billed_cost_usd - lake[0]) < Decimal("0.000001")
    assert done.operation_count == lake[1]
    assert done.unpriced_operation_count == used.look("SELECT count(*) FROM raw.usage").item() - lake[1] > 0
    frame = read_focus(done.file)
    assert frame.columns == [column.name for column in (*COLUMNS, *CUSTOM)]
    assert frame.height == done.charge_count


def test_a_charge_is_price_times_tokens_of_one_kind(used, tmp_path):
    done = _export(used, tmp_path / "out.parquet", month="2026-09")
    mine = read_focus(done.file).filter((pl.col("x_AssistantId") == "clara") & (pl.col("ResourceId") == "gpt-4o"))
    second = mine.filter(pl.col("ChargePeriodStart") == dt.datetime(2026, 9, 2, tzinfo=dt.UTC))
    by_meter = {row["SkuMeter"]: row for row in second.to_dicts()}
    # calls 1 and 2 of the second of September: 1001 + 1002 input tokens, 400 of them cached
    assert by_meter["Input Tokens"]["ConsumedQuantity"] == 1603
    assert by_meter["Cached Input Tokens"]["x_CachedTokens"] == 400
    assert by_meter["Output Tokens"]["ListUnitPrice"] == Decimal(10)
    assert by_meter["Output Tokens"]["ListCost"] == Decimal("0.002")
    assert by_meter["Output Tokens"]["PricingUnit"] == "1000000 Tokens"


def test_a_logged_cost_is_charged_by_the_request_without_a_unit_price(used, tmp_path):
    done = _export(used, tmp_path / "out.parquet")
    (charge,) = read_focus(done.file).filter(pl.col("x_AssistantId") == "omar").to_dicts()
    assert (charge["BilledCost"], charge["ListUnitPrice"]) == (Decimal("0.25"), None)
    assert (charge["PricingQuantity"], charge["PricingUnit"]) == (1, "Requests")


def test_a_finer_grain_tells_conversations_and_decisions_apart(used, tmp_path):
    coarse, fine = _export(used, tmp_path / "a.csv"), _export(used, tmp_path / "b.csv", grain="conversation")
    assert fine.billed_cost_usd == coarse.billed_cost_usd
    told = read_focus(fine.file).filter(pl.col("x_DecisionId") == "d-1")["x_ConversationId"].unique().to_list()
    assert told == ["c-1"]
    assert read_focus(coarse.file)["x_ConversationId"].null_count() == coarse.charge_count


@pytest.mark.parametrize("name", FORMS)
def test_the_export_reads_back_as_the_same_charges(used, tmp_path, name):
    done = _export(used, tmp_path / name, month="2026-09")
    report = used.ingest(name, done.file.read_bytes(), source="focus")
    assert (report.good, report.quarantined) == (done.charge_count, 0)
    back = used.look("SELECT * FROM raw.focus_charge")
    assert abs(back["billed_cost"].sum() - done.billed_cost_usd) < Decimal("0.000001")
    clara = back.filter((pl.col("assistant_id") == "clara") & (pl.col("sku_meter") == "Cached Input Tokens"))
    assert clara["cache_read_input_tokens"].to_list() == [400]
    assert set(back.filter(pl.col("service_provider_name") == "OpenAI")["provider_name"]) == {"openai"}
    assert "gpt-4o" in back["request_model"].to_list()


def test_the_same_charges_again_and_in_the_other_form_change_nothing(used, tmp_path):
    csv, parquet = (_export(used, tmp_path / name) for name in FORMS)
    used.ingest("a.csv", csv.file.read_bytes(), source="focus")
    again = used.ingest("b.csv", csv.file.read_bytes() + b"\n", source="focus")
    assert again.duplicates == csv.charge_count
    assert used.ingest("c.parquet", parquet.file.read_bytes(), source="other").good == parquet.charge_count


def test_nothing_is_left_behind_by_an_export_that_fails(used, tmp_path, monkeypatch):
    from aurora.gateway import focus_export

    monkeypatch.setattr(focus_export, "_midnight", lambda _: dt.datetime(2026, 9, 1, tzinfo=dt.UTC))
    with pytest.raises(DataError, match="period must end after") as caught:
        _export(used, tmp_path / "out" / "x.csv")
    assert caught.value.rule == "period_order"
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("x.csv", {"spec": "1.4"}, UsageError),
        ("x.csv", {"month": "September"}, UsageError),
        ("x.txt", {}, UsageError),
        ("x.csv", {"month": "2020-01"}, DataError),
    ],
)
def test_what_cannot_be_written_is_an_error(used, tmp_path, name, options, error):
    with pytest.raises(error):
        _export(used, tmp_path / name, **options)
