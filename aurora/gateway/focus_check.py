"""Whether a file conforms to FOCUS 1.2: columns, types, nulls, allowed values, arithmetic, periods.

The export runs this on the file it wrote before it hands it over; `aurora focus check` runs it on any file. A
finding names the rule, the column, how many rows break it and one value that does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from aurora.errors import DataError, NotFoundError
from aurora.gateway.focus_columns import COLUMNS, CURRENCIES, SUBCATEGORIES, FocusColumn

_NUMBER: Final = r"^-?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE]-?[0-9]+)?$"
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$"
_UNIT: Final = r"^([1-9][0-9]* )?[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*|/([1-9][0-9]* )?[A-Z][A-Za-z]*)?$"
_EXACT: Final = 1e-9
"""Costs are compared to this many units of the currency, and to this share of large ones."""
_PROVIDER_FROM_1_3: Final = "ServiceProviderName"
_BY_NAME: Final = {column.name: column for column in COLUMNS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that the file breaks."""

    rule: str
    column: str
    row_count: int
    """Rows that break it; 0 where the file as a whole does."""
    example: str | None
    reason: str


def check_file(path: Path) -> list[Finding]:
    """Every rule of FOCUS 1.2 that a CSV or Parquet file breaks; none when it conforms.

    Errors: `NotFoundError` for no file, `DataError` for one that is neither CSV nor Parquet.
    """
    return check_frame(read_focus(path))


def read_focus(path: Path) -> pl.DataFrame:
    """A FOCUS file as it is: CSV as text, Parquet in its types."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", field="file", next_step="Check the path.")
    with path.open("rb") as stream:
        is_parquet = stream.read(4) == b"PAR1"
    try:
        return pl.read_parquet(path) if is_parquet else pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path.name} is neither CSV nor Parquet: {error}",
            field="file",
            rule="focus_form",
            next_step="FOCUS is exchanged as CSV or Parquet; export it again.",
        ) from None


def check_frame(frame: pl.DataFrame) -> list[Finding]:
    """Every rule of FOCUS 1.2 that a table breaks."""
    found = [*_columns(frame)]
    typed: dict[str, pl.Series] = {}
    for name in frame.columns:
        column = _BY_NAME.get(name)
        if column is None:
            continue
        values, findings = _values(frame[name], column)
        typed[name] = values
        found += findings
    return [*found, *_relations(pl.DataFrame(typed))]


def _finding(
    rule: str, column: str, reason: str, bad: pl.Series | None = None, shown: pl.Series | None = None
) -> Finding:
    count = int(bad.sum()) if bad is not None else 0
    first = shown.filter(bad).head(1).to_list() if shown is not None and bad is not None else []
    return Finding(
        rule=rule, column=column, row_count=count, example=str(first[0])[:80] if first else None, reason=reason
    )


def _columns(frame: pl.DataFrame) -> Iterator[Finding]:
    """Columns that are missing, and names that are none of FOCUS's and not marked as custom."""
    for column in COLUMNS:
        is_renamed = column.name == "ProviderName" and _PROVIDER_FROM_1_3 in frame.columns
        if column.level == "mandatory" and column.name not in frame.columns and not is_renamed:
            yield _finding("mandatory_column", column.name, "FOCUS 1.2 requires the column.")
    for name in frame.columns:
        if name not in _BY_NAME and not name.startswith("x_"):
            yield _finding("custom_prefix", name, "A column that FOCUS 1.2 does not name must begin with x_.")
    known = [name for name in frame.columns if name in _BY_NAME]
    if known != sorted(known):
        yield _finding("column_order", known[0], "FOCUS's columns stand in alphabetical order.")


def _values(given: pl.Series, column: FocusColumn) -> tuple[pl.Series, list[Finding]]:
    """The column in its type, and what is wrong with its values."""
    found: list[Finding] = []
    shown = given.cast(pl.String) if given.dtype == pl.String else given
    values = shown.replace("", None) if shown.dtype == pl.String else shown
    if not column.nullable and values.null_count():
        found.append(_finding("not_null", column.name, "The column must have a value in every row.", values.is_null()))
    typed, bad = _typed(values, column)
    if bad.any():
        found.append(_finding("type", column.name, _WANTED[column.kind], bad, values))
    if column.allowed:
        odd = ~values.is_in(column.allowed).fill_null(value=True)
        if odd.any():
            found.append(
                _finding("allowed_value", column.name, f"Allowed are {', '.join(column.allowed)}.", odd, values)
            )
    if values.dtype == pl.String:
        spaced = (values != values.str.strip_chars()).fill_null(value=False)
        if spaced.any():
            found.append(
                _finding("white_space", column.name, "A text has no space before or behind it.", spaced, values)
            )
    return typed, found


_WANTED: Final = {
    "text": "A text is wanted.",
    "decimal": "A number is wanted, such as 1234.5 or 35.2E-7: no sign +, no comma, no unit.",
    "time": "A time in UTC is wanted, such as 2026-09-01T00:00:00Z.",
    "currency": "A currency code of ISO 4217 is wanted, such as AED.",
    "unit": "A unit as FOCUS writes it is wanted, such as Tokens, 1000 Tokens, GB-Hours or Requests/Day.",
    "keys": "A JSON object of texts, numbers, true, false and null is wanted.",
}


def _typed(values: pl.Series, column: FocusColumn) -> tuple[pl.Series, pl.Series]:
    """The values in their type, and which of them are not of it."""
    is_text = values.dtype == pl.String
    match column.kind:
        case "decimal" if is_text:
            bad = ~values.str.contains(_NUMBER).fill_null(value=True)
            return values.cast(pl.Float64, strict=False), bad
        case "decimal":
            return values.cast(pl.Float64, strict=False), _all(values, value=not values.dtype.is_numeric())
        case "time" if is_text:
            at = values.str.strip_suffix("Z").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False)
            return at, (~values.str.contains(_TIME) | at.is_null()).fill_null(value=False) & values.is_not_null()
        case "time":
            return values, _all(values, value=not values.dtype.is_temporal())
        case "currency":
            return values, ~values.cast(pl.String).is_in(list(CURRENCIES)).fill_null(value=True)
        case "unit":
            return values, ~values.cast(pl.String).str.contains(_UNIT).fill_null(value=True)
        case "keys":
            return values, values.cast(pl.String).map_elements(_is_no_object, return_dtype=pl.Boolean).fill_null(
                value=False
            )
        case _:
            return values, _all(values, value=not is_text and values.dtype != pl.Null and not _is_enum(values.dtype))


def _is_enum(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Categorical | pl.Enum)


def _all(values: pl.Series, *, value: bool) -> pl.Series:
    return values.is_not_null() & pl.repeat(value=value, n=values.len(), eager=True)


def _is_no_object(text: str) -> bool:
    import msgspec

    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return True
    return not isinstance(value, dict) or any(isinstance(part, dict | list) for part in value.values())


def _relations(frame: pl.DataFrame) -> Iterator[Finding]:
    """Rules over several columns."""
    for rule, column, reason, needed, condition in _RULES:
        if all(name in frame.columns for name in needed):
            bad = frame.select(condition.fill_null(value=False)).to_series()
            if bad.any():
                yield _finding(rule, column, reason, bad, frame[column])
    if {"SkuId", "SkuPriceId"} <= set(frame.columns):
        pairs = frame.select("SkuPriceId", "SkuId").drop_nulls().unique()
        twice = pairs.filter(pairs["SkuPriceId"].is_duplicated())
        if twice.height:
            yield _finding(
                "one_sku_a_price",
                "SkuPriceId",
                "A price belongs to one SKU.",
                _all(twice["SkuId"], value=True),
                twice["SkuPriceId"],
            )


_is_usage = pl.col("ChargeCategory").is_in(["Usage", "Purchase"])
_is_regular = pl.col("ChargeClass").is_null()
_Rule = tuple[str, str, str, tuple[str, ...], pl.Expr]


def _product(price: str, cost: str) -> _Rule:
    """Price times quantity is the cost, where there is a price and the row corrects nothing."""
    wanted = pl.col(price) * pl.col("PricingQuantity")
    gap = (wanted - pl.col(cost)).abs()
    is_off = gap > pl.max_horizontal(pl.lit(_EXACT), pl.col(cost).abs() * _EXACT)
    reason = f"{price} times PricingQuantity must give {cost}."
    return "cost_arithmetic", cost, reason, (price, cost, "PricingQuantity", "ChargeClass"), is_off & _is_regular


def _together(column: str, leader: str) -> _Rule:
    """The column is null where its leader is."""
    return (
        "null_together",
        column,
        f"{column} must be null where {leader} is.",
        (column, leader),
        pl.col(column).is_not_null() & pl.col(leader).is_null(),
    )


def _accompanied(column: str, leader: str) -> _Rule:
    """The column has a value where its leader has."""
    return (
        "null_together",
        column,
        f"{column} must have a value where {leader} has.",
        (column, leader),
        pl.col(column).is_null() & pl.col(leader).is_not_null(),
    )


def _wanted(column: str) -> _Rule:
    return (
        "not_null_for_usage",
        column,
        f"{column} must have a value for usage and purchases that correct nothing.",
        (column, "ChargeCategory", "ChargeClass"),
        pl.col(column).is_null() & _is_usage & _is_regular,
    )


def _no_tax(column: str) -> _Rule:
    return (
        "null_for_tax",
        column,
        f"{column} must be null for taxes.",
        (column, "ChargeCategory"),
        pl.col(column).is_not_null() & (pl.col("ChargeCategory") == "Tax"),
    )


def _not_negative(column: str) -> _Rule:
    return "at_least", column, f"{column} must not be negative.", (column,), pl.col(column) < 0


_RULES: Final[tuple[_Rule, ...]] = (
    _product("ListUnitPrice", "ListCost"),
    _product("ContractedUnitPrice", "ContractedCost"),
    (
        "period_order",
        "ChargePeriodStart",
        "The charge period must end after it starts.",
        ("ChargePeriodStart", "ChargePeriodEnd"),
        pl.col("ChargePeriodStart") >= pl.col("ChargePeriodEnd"),
    ),
    (
        "period_order",
        "BillingPeriodStart",
        "The billing period must end after it starts.",
        ("BillingPeriodStart", "BillingPeriodEnd"),
        pl.col("BillingPeriodStart") >= pl.col("BillingPeriodEnd"),
    ),
    (
        "consumed_usage",
        "ConsumedQuantity",
        "ConsumedQuantity must be null where the charge is no usage.",
        ("ConsumedQuantity", "ChargeCategory"),
        pl.col("ConsumedQuantity").is_not_null() & (pl.col("ChargeCategory") != "Usage"),
    ),
    (
        "service_subcategory",
        "ServiceSubcategory",
        "The subcategory must be one of its category's.",
        ("ServiceCategory", "ServiceSubcategory"),
        ~pl.concat_str("ServiceCategory", pl.lit("/"), "ServiceSubcategory").is_in(list(SUBCATEGORIES)),
    ),
    *(_wanted(name) for name in ("PricingQuantity", "PricingUnit", "SkuId", "SkuPriceId", "PricingCategory")),
    *(_no_tax(name) for name in ("PricingQuantity", "ListUnitPrice", "ContractedUnitPrice", "SkuId", "SkuPriceId")),
    *(_not_negative(name) for name in ("ListUnitPrice", "ContractedUnitPrice")),
    _together("PricingUnit", "PricingQuantity"),
    _accompanied("PricingUnit", "PricingQuantity"),
    _together("ConsumedUnit", "ConsumedQuantity"),
    _accompanied("ConsumedUnit", "ConsumedQuantity"),
    _together("ResourceName", "ResourceId"),
    _together("ResourceType", "ResourceId"),
    _accompanied("ResourceType", "ResourceId"),
    _together("RegionName", "RegionId"),
    _together("SubAccountName", "SubAccountId"),
    _accompanied("SubAccountType", "SubAccountId"),
    _together("SkuMeter", "SkuId"),
    _together("SkuPriceDetails", "SkuPriceId"),
    *(
        _together(f"CommitmentDiscount{part}", "CommitmentDiscountId")
        for part in ("Category", "Name", "Type", "Status")
    ),
    _together("CapacityReservationStatus", "CapacityReservationId"),
)
