"""The self-check of FOCUS: every rule can fail, and a file that conforms has no finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aurora.errors import DataError, NotFoundError
from aurora.gateway.focus_check import check_file, check_frame
from aurora.gateway.focus_columns import COLUMNS

GOOD: dict[str, Any] = {
    "BilledCost": "0.5",
    "BillingAccountId": "a",
    "BillingAccountName": "A",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2026-10-01T00:00:00Z",
    "BillingPeriodStart": "2026-09-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeClass": None,
    "ChargeDescription": "d",
    "ChargePeriodEnd": "2026-09-02T00:00:00Z",
    "ChargePeriodStart": "2026-09-01T00:00:00Z",
    "ConsumedQuantity": "2000",
    "ConsumedUnit": "Tokens",
    "ContractedCost": "0.5",
    "ContractedUnitPrice": "0.25",
    "EffectiveCost": "5E-1",
    "InvoiceIssuerName": "OpenAI",
    "ListCost": "0.5",
    "ListUnitPrice": "0.25",
    "PricingCategory": "Standard",
    "PricingQuantity": "2",
    "PricingUnit": "1000 Tokens",
    "ProviderName": "OpenAI",
    "PublisherName": "OpenAI",
    "ResourceId": "gpt",
    "ResourceName": "gpt",
    "ResourceType": "Language model",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "API",
    "ServiceSubcategory": "Generative AI",
    "SkuId": "s",
    "SkuMeter": "Input Tokens",
    "SkuPriceDetails": '{"x_Tier": 0}',
    "SkuPriceId": "p",
    "SubAccountId": None,
    "SubAccountName": None,
    "SubAccountType": None,
    "Tags": "{}",
    "x_InputTokens": "2000",
}


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict.fromkeys(rows[0], pl.String()))


def rules(table: pl.DataFrame) -> set[tuple[str, str]]:
    return {(one.rule, one.column) for one in check_frame(table)}


def test_a_table_that_conforms_has_no_finding():
    assert check_frame(frame(GOOD, GOOD)) == []


@pytest.mark.parametrize("column", [one.name for one in COLUMNS if one.level == "mandatory"])
def test_a_mandatory_column_that_is_missing_is_found(column):
    assert ("mandatory_column", column) in rules(frame(GOOD).drop(column))


@pytest.mark.parametrize("column", [one.name for one in COLUMNS if one.name in GOOD and not one.nullable])
def test_a_null_where_none_may_be_is_found(column):
    found = [one for one in check_frame(frame(GOOD, GOOD | {column: None})) if one.rule == "not_null"]
    assert [(one.column, one.row_count) for one in found] == [(column, 1)]


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        ({"BilledCost": "$0.5"}, "type", "BilledCost"),
        ({"BilledCost": "+0.5"}, "type", "BilledCost"),
        ({"BilledCost": "1,000"}, "type", "BilledCost"),
        ({"ListCost": "3E+2"}, "type", "ListCost"),
        ({"ChargePeriodStart": "2026-09-01"}, "type", "ChargePeriodStart"),
        ({"ChargePeriodStart": "2026-13-01T00:00:00Z"}, "type", "ChargePeriodStart"),
        ({"BillingPeriodEnd": "2026-10-01T00:00:00+04:00"}, "type", "BillingPeriodEnd"),
        ({"BillingCurrency": "usd"}, "type", "BillingCurrency"),
        ({"BillingCurrency": "ABC"}, "type", "BillingCurrency"),
        ({"PricingUnit": "tokens"}, "type", "PricingUnit"),
        ({"PricingUnit": "1.5 Tokens"}, "type", "PricingUnit"),
        ({"Tags": "team=a"}, "type", "Tags"),
        ({"Tags": '{"a": [1]}'}, "type", "Tags"),
        ({"ChargeCategory": "usage"}, "allowed_value", "ChargeCategory"),
        ({"ChargeClass": "Fix"}, "allowed_value", "ChargeClass"),
        ({"ServiceCategory": "AI"}, "allowed_value", "ServiceCategory"),
        ({"ServiceName": " API"}, "white_space", "ServiceName"),
        ({"ServiceSubcategory": "Containers"}, "service_subcategory", "ServiceSubcategory"),
        ({"ListCost": "0.51"}, "cost_arithmetic", "ListCost"),
        ({"ContractedCost": "0.49"}, "cost_arithmetic", "ContractedCost"),
        ({"ChargePeriodEnd": "2026-09-01T00:00:00Z"}, "period_order", "ChargePeriodStart"),
        ({"BillingPeriodEnd": "2026-08-01T00:00:00Z"}, "period_order", "BillingPeriodStart"),
        ({"ListUnitPrice": "-1"}, "at_least", "ListUnitPrice"),
        ({"PricingQuantity": None}, "not_null_for_usage", "PricingQuantity"),
        ({"SkuPriceId": None}, "not_null_for_usage", "SkuPriceId"),
        ({"ChargeCategory": "Tax"}, "null_for_tax", "SkuId"),
        ({"ChargeCategory": "Credit"}, "consumed_usage", "ConsumedQuantity"),
        ({"ConsumedUnit": None}, "null_together", "ConsumedUnit"),
        ({"PricingUnit": None}, "null_together", "PricingUnit"),
        ({"ResourceType": None}, "null_together", "ResourceType"),
        ({"SubAccountName": "x"}, "null_together", "SubAccountName"),
        ({"SubAccountId": "x"}, "null_together", "SubAccountType"),
        ({"SkuId": "other"}, "one_sku_a_price", "SkuPriceId"),
    ],
)
def test_each_rule_is_found_where_it_is_broken(change, rule, column):
    assert (rule, column) in rules(frame(GOOD, GOOD | change))


def test_a_correction_may_break_the_arithmetic():
    assert rules(frame(GOOD | {"ChargeClass": "Correction", "ListCost": "9", "ContractedCost": "9"})) == set()


def test_a_custom_column_begins_with_x_and_columns_stand_in_order():
    table = frame(GOOD).with_columns(team=pl.lit("a"))
    assert rules(table) == {("custom_prefix", "team")}
    moved = ["Tags", *(name for name in GOOD if name != "Tags")]
    assert rules(frame(GOOD).select(moved)) == {("column_order", "Tags")}


def test_typed_columns_of_parquet_are_taken_as_they_are(tmp_path: Path):
    file = tmp_path / "x.parquet"
    times = [name for name in GOOD if "Period" in name]
    numbers = [name for name in GOOD if name.endswith(("Cost", "Price", "Quantity"))]
    typed = frame(GOOD).with_columns(
        *(pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC") for name in times),
        *(pl.col(name).cast(pl.Float64).cast(pl.Decimal(38, 9)) for name in numbers),
    )
    typed.write_parquet(file)
    assert check_file(file) == []
    typed.with_columns(BilledCost=pl.lit("x"), ChargePeriodEnd=pl.lit(5), ServiceName=pl.lit(7)).write_parquet(file)
    found = {(one.rule, one.column) for one in check_file(file)}
    assert found >= {("type", "BilledCost"), ("type", "ChargePeriodEnd"), ("type", "ServiceName")}


def test_a_file_that_is_not_there_or_is_none_is_an_error(tmp_path: Path):
    with pytest.raises(NotFoundError):
        check_file(tmp_path / "no.csv")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no parquet")
    with pytest.raises(DataError):
        check_file(tmp_path / "x.parquet")
