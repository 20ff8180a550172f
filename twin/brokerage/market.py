"""What units cost where: the Land Department's monthly statistics where they are at hand, else rounded levels.

The statistics are `dld_monthly_sales.csv` (Dubai Land Department, CC BY 4.0): area, type and month with the number
of sales, median price and share of off-plan sales. They are read in place and never copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from aurora.errors import DataError

_COLUMNS: Final = ("area", "property_type", "transactions", "median_aed_per_sqft", "offplan_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One area: what a square foot costs, how much is sold off-plan, how much is sold at all."""

    location: str
    dld_name: str
    project: str
    developer: str
    aed_per_sqft: float
    off_plan_share: float
    weight: float
    is_freehold: bool = True


def _area(location: str, dld_name: str, project: str, developer: str, level: tuple[float, float, float]) -> Area:
    return Area(
        location=location,
        dld_name=dld_name,
        project=project,
        developer=developer,
        aed_per_sqft=level[0],
        off_plan_share=level[1],
        weight=level[2],
    )


AREAS: Final[tuple[Area, ...]] = (
    _area("Dubai Marina", "DUBAI MARINA", "Marina Gate", "Select Group", (2000, 0.05, 15)),
    _area("Dubai Creek Harbour", "DUBAI CREEK HARBOUR", "Creek Horizon", "Emaar Properties", (2300, 0.1, 9)),
    _area("Business Bay", "BUSINESS BAY", "Executive Towers", "Dubai Properties", (2450, 0.5, 43)),
    _area(
        "Jumeirah Village Circle",
        "JUMEIRAH VILLAGE CIRCLE",
        "Binghatti Jacob",
        "Binghatti Developers",
        (1450, 0.6, 69),
    ),
    _area("Dubailand", "DUBAI LAND RESIDENCE COMPLEX", "Haven", "Aldar Properties", (1450, 0.9, 45)),
    _area("Jumeirah Lakes Towers", "JUMEIRAH LAKES TOWERS", "Hayat Towers", "Nshama", (1600, 0.3, 14)),
    _area("Downtown Dubai", "BURJ KHALIFA", "Boulevard Heights", "Emaar Properties", (2900, 0.25, 15)),
    _area("Dubai Sports City", "DUBAI SPORTS CITY", "Champions Court", "Sobha Realty", (1300, 0.6, 18)),
    _area("DAMAC Hills", "DAMAC HILLS", "Golf Place", "DAMAC Properties", (1550, 0.6, 8)),
    _area("Al Furjan", "AL FURJAN", "Seven Gardens", "Seven Tides", (1400, 0.55, 15)),
)
"""Freehold areas with one project each and rounded levels of 2026: projects and units are made up."""

CLOSED_AREAS: Final[tuple[Area, ...]] = tuple(
    Area(
        location=location,
        dld_name=location.upper(),
        project=project,
        developer="Private owner",
        aed_per_sqft=900,
        off_plan_share=0.0,
        weight=6,
        is_freehold=False,
    )
    for location, project in (("Al Rashidiya", "Rashidiya Court"), ("Mirdif West", "Mirdif Gardens"))
)
"""Areas in which only citizens of the Gulf states may own: made up levels."""


def areas(statistics: Path | None) -> tuple[Area, ...]:
    """Every area, with the statistics' levels where they have any of it.

    Errors: `DataError` where the file lacks a column.
    """
    if statistics is None or not statistics.is_file():
        return (*AREAS, *CLOSED_AREAS)
    rows = pl.read_csv(statistics)
    missing = [name for name in _COLUMNS if name not in rows.columns]
    if missing:
        raise DataError(
            f"{statistics.name} has no column {', '.join(missing)}.",
            field=missing[0],
            rule="columns",
            next_step="Give the monthly sales of the Land Department, or no file at all.",
        )
    weight = pl.col("transactions")
    levels = (
        rows.filter(pl.col("property_type") == "Unit")
        .group_by("area")
        .agg(
            ((pl.col("median_aed_per_sqft") * weight).sum() / weight.sum()).alias("level"),
            ((pl.col("offplan_share") * weight).sum() / weight.sum()).alias("off_plan"),
            weight.sum().alias("sales"),
        )
    )
    known = {str(row["area"]): row for row in levels.to_dicts()}
    return (*(_levelled(area, known.get(area.dld_name)) for area in AREAS), *CLOSED_AREAS)


def _levelled(area: Area, found: dict[str, float] | None) -> Area:
    if not found:
        return area
    level = (round(found["level"]), round(found["off_plan"], 3), found["sales"] / 100)
    return _area(area.location, area.dld_name, area.project, area.developer, level)
