"""Listings with the permits and forms they stand on, and the advertisements made for them."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, Ints, choose, dates, digits, ids, moments

_PORTALS: Final = ("bayut", "propertyfinder", "dubizzle", "website")
_TWICE: Final = 0.3


def listings(
    draw: np.random.Generator, units: pl.DataFrame, *, property_id: pl.Series, broker: pl.Series, listed: Ints, end: int
) -> pl.DataFrame:
    """One listing a unit, two for some. Published are those of units that can be had; each has a permit of its own."""
    unit = np.concatenate((np.arange(units.height), np.flatnonzero(draw.random(units.height) < _TWICE)))
    rows, count = units[unit], len(unit)
    since = listed[unit] + draw.integers(0, 20, count) * HOUR
    had = rows["property_status"].is_in(["available", "reserved"])
    published = had & pl.Series(draw.random(count) < 0.93)
    category = choose(draw, ("sale", "sale", "rent"), count)
    category = category.zip_with(~rows["is_off_plan"], pl.Series(["off_plan"] * count))
    cancelled = ~published & pl.Series(draw.random(count) < 0.25)
    state = pl.Series(["active"] * count).zip_with(~cancelled, pl.Series(["cancelled"] * count))
    changed = np.minimum(since + draw.integers(1, 60, count) * DAY // 2, end - HOUR)
    return rows.with_columns(
        ids("ML-", count).alias("listing_id"),
        property_id.gather(unit).alias("property_id"),
        published.alias("is_published"),
        broker.gather(draw.integers(0, len(broker), count)).alias("broker_id"),
        choose(draw, _PORTALS, count).alias("channel"),
        moments(since).alias("published_at"),
        (~rows["is_off_plan"]).alias("is_unit_advertised"),
        category.alias("listing_category"),
        ("7" + digits(draw, count, 4) + ids("", count)).alias("permit_no"),
        dates(end + draw.integers(6, 320, count) * DAY).alias("permit_expiry_date"),
        pl.when("is_off_plan").then(pl.lit("project")).otherwise(pl.lit("unit")).alias("permit_scope"),
        pl.col("price_aed").alias("permit_price_aed"),
        pl.col("size_sqft").alias("permit_size_sqft"),
        pl.col("location").alias("permit_location"),
        category.alias("permit_category"),
        ids("FA-", count).alias("form_a_id"),
        state.alias("form_a_status"),
        dates(end + draw.integers(6, 200, count) * DAY).alias("form_a_expiry_date"),
        cancelled.alias("is_form_a_cancelled"),
        ids("FU-", count).set(~cancelled, None).alias("form_u_id"),
        pl.lit(value=True).alias("is_brn_displayed"),
        pl.lit(value=True).alias("is_orn_displayed"),
        pl.when("is_off_plan").then(pl.format("DA-{}", pl.col("area") + 1)).alias("developer_agreement_id"),
        moments(np.maximum(changed, since)).alias("updated_at"),
        pl.Series("_unit", unit),
        pl.Series("_listed_us", since),
    )


def counted_by_permit(rows: pl.DataFrame) -> pl.DataFrame:
    """`published_per_permit_count` of each listing, from the listings themselves."""
    shared = pl.col("is_published").cast(pl.Int64).sum().over("permit_no", "listing_category")
    counted = pl.when(pl.col("permit_no").is_null()).then(pl.col("is_published").cast(pl.Int64)).otherwise(shared)
    return rows.with_columns(counted.alias("published_per_permit_count"))


def ad_creatives(draw: np.random.Generator, listed: pl.DataFrame, *, since: int, end: int) -> pl.DataFrame:
    """Advertisements of published listings that are no cases; `since` is the first moment that one of them can have come out."""
    rows = listed.filter(pl.col("is_published") & ~pl.col("_case"))
    rows = rows.filter(pl.Series(draw.random(rows.height) < 0.6))
    count = rows.height
    channel = choose(draw, ("social", "portal", "search", "print"), count, (0.45, 0.3, 0.17, 0.08))
    out = np.maximum(rows["_listed_us"].to_numpy(), since) + draw.integers(0, 40, count) * HOUR
    out = np.minimum(out, end - 2 * HOUR)
    return rows.select("listing_id", "permit_no").with_columns(
        ids("MA-", count).alias("ad_creative_id"),
        channel.alias("channel"),
        pl.lit(value=True).alias("is_permit_no_visible"),
        pl.format("https://madmoun.example.ae/{}", "permit_no").alias("qr_url"),
        pl.col("permit_no").alias("qr_permit_no"),
        pl.lit("UMC-2026-00417").alias("publisher_advertiser_permit_id"),
        moments(out).alias("published_at"),
        moments(np.minimum(out + HOUR, end - HOUR)).alias("updated_at"),
    )
