"""Units and their owners, and how each system knows them."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, Ints, choose, digits, moments, named
from twin.brokerage.market import Area

PREFIXES: Final = {"twin_clara": "CU-", "twin_mary": "MU-", "twin_theodora": "TU-", "twin_leasing": "RU-"}
_KINDS: Final = {
    "apartment": 0.72, "villa": 0.08, "townhouse": 0.08, "penthouse": 0.03, "office": 0.05, "shop": 0.02, "land": 0.02,
}  # fmt: skip
_PLANS: Final = ("50/50", "60/40", "post handover 60/40", "80/20")


def units(draw: np.random.Generator, areas: tuple[Area, ...], count: int, *, owners: Ints) -> pl.DataFrame:
    """`count` units, numbered from 0, each with its owner's person number among `owners`."""
    area = draw.choice(len(areas), count, p=np.array([one.weight for one in areas]) / sum(one.weight for one in areas))
    kind = choose(draw, list(_KINDS), count, list(_KINDS.values())).alias("property_kind")
    is_home = kind.is_in(["apartment", "villa", "townhouse", "penthouse"]).to_numpy()
    beds = np.where(is_home, draw.choice((0, 1, 2, 3, 4), count, p=(0.14, 0.34, 0.3, 0.15, 0.07)), 0)
    size = np.round(
        420 + beds * 390 + draw.integers(0, 240, count) + np.where(is_home, 0, draw.integers(200, 4000, count))
    )
    level = np.array([one.aed_per_sqft for one in areas])[area] * draw.lognormal(0, 0.13, count)
    off_plan = draw.random(count) < np.array([one.off_plan_share for one in areas])[area] * 0.7
    off_plan &= (kind != "land").to_numpy()
    price = np.maximum(180_000, (size * level / 5000).astype(np.int64) * 5000)
    number = np.arange(count)
    facts = {
        "unit": number,
        "area": area,
        "property_kind": kind,
        "bedroom_count": beds,
        "size_sqft": size.astype(float),
        "price_aed": price,
        "is_off_plan": off_plan,
        "owner": owners[draw.integers(0, len(owners), count)],
        "title_deed_no": digits(draw, count, 6) + "/" + pl.Series(draw.integers(2010, 2026, count)).cast(pl.String),
        "unit_no": _unit_nos(area),
        "payment_plan": choose(draw, _PLANS, count).set(pl.Series(~off_plan), None),
        "active_form_a_count": draw.choice((1, 1, 1, 2, 2, 3), count),
    }
    named_by_area: dict[str, list[str] | list[bool]] = {
        "location": [one.location for one in areas],
        "project_name": [one.project for one in areas],
        "developer_name": [one.developer for one in areas],
        "is_area_freehold": [one.is_freehold for one in areas],
        "escrow_account": [f"AE{10 + place}0330000010{place:09d}" for place in range(len(areas))],
    }
    made = pl.DataFrame(facts).with_columns(pl.Series(name, of).gather(area) for name, of in named_by_area.items())
    return made.with_columns(
        pl.when(~pl.col("is_off_plan")).then(pl.col("title_deed_no")).alias("title_deed_no"),
        pl.when(pl.col("is_off_plan")).then(pl.col("escrow_account")).alias("escrow_account"),
    )


def _unit_nos(area: Ints) -> pl.Series:
    """Floor and door of each unit, twelve a floor: no two units of a project share one."""
    place = pl.int_range(pl.len()).over("area")
    door = pl.format("{}{}", place // 12 + 1, (place % 12 + 1).cast(pl.String).str.zfill(2))
    return pl.DataFrame({"area": area}).select(door.alias("unit_no")).to_series()


def property_ids(source: str, count: int, known: Ints) -> pl.Series:
    """Id of each of `count` units at a system that knows `known`, null for the others."""
    numbers = np.full(count, -1, dtype=np.int64)
    numbers[known] = np.arange(1, len(known) + 1)
    return named(PREFIXES[source], numbers)


def properties(
    draw: np.random.Generator, source: str, made: pl.DataFrame, known: Ints, *, start: int, end: int
) -> pl.DataFrame:
    """One row for each known unit, as the system has it; `made` has a `property_status` by now."""
    rows, count = made[known], len(known)
    rows = rows.with_columns(
        named(PREFIXES[source], np.arange(1, count + 1)).alias("property_id"),
        moments(draw.integers(start, end - HOUR, count)).alias("updated_at"),
        pl.Series("_loud", draw.random(count) < 0.15),
        pl.Series("_stale", draw.random(count) < 0.12),
    )
    if source == "twin_mary":
        return rows
    hidden = ["developer_name", "payment_plan", "active_form_a_count"]
    loud = pl.when("_loud").then(pl.col("project_name").str.to_uppercase()).otherwise("project_name")
    said = pl.when("_loud").then(pl.format("Unit {}", "unit_no")).otherwise("unit_no")
    if source == "twin_clara":
        hidden += ["title_deed_no", "escrow_account"]
        stale = pl.when("_stale").then(pl.col("price_aed") + 50_000).otherwise("price_aed")
        rows = rows.with_columns(loud.alias("project_name"), said.alias("unit_no"), stale.alias("price_aed"))
    if source == "twin_theodora":
        rows = rows.with_columns(pl.col("title_deed_no").str.replace("/", "-"))
    return rows.drop(hidden)


def listed_since(draw: np.random.Generator, count: int, *, start: int, end: int) -> Ints:
    """When each unit came on the market: most before the twin's life begins."""
    return draw.integers(start - 60 * DAY, end - 2 * DAY, count)
