"""What every system hands over of the people and units it knows: parties, brokers, properties, tenancies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from twin.brokerage import leasing, units
from twin.brokerage.draws import DAY, HOUR, choose, ids, moments
from twin.brokerage.life import Life
from twin.cases import deal_cases, listing_cases, party_cases

_HAS_NO_PAPERS = ("twin_clara", "twin_mary")


def hand_over_register(life: Life) -> None:
    """Parties of all systems, then properties, tenancies and brokers; fills the truth of which records are one."""
    _let(life)
    _tell_of_parties(life)
    _tell_of_units(life)
    _tell_of_brokers(life)


def _let(life: Life) -> None:
    """Tenancies: the leasing desk knows tenants, and owners of the units let."""
    draw, cast = life.frame.draws("brokerage/leasing"), life.cast
    count = len(cast.tenants)
    let = (
        life.units.with_row_index("place")
        .filter(pl.col("property_status") != "sold")["place"]
        .to_numpy()
        .astype(np.int64)
    )
    unit = np.sort(draw.choice(let, min(count, len(let)), replace=False))
    owner = life.units["owner"].gather(unit).to_numpy()
    tenant = cast.tenants[: len(unit)]
    ids_of = life.register.know("twin_leasing", draw, np.concatenate((tenant, np.unique(owner))))
    life.known_units["twin_leasing"] = unit
    rows = leasing.tenancies(
        draw,
        property_id=units.property_ids("twin_leasing", life.units.height, unit).gather(unit),
        tenant=ids_of.gather(tenant),
        landlord=ids_of.gather(owner),
        start=life.start,
        end=life.end,
    )
    cases = listing_cases.tenancy_cases(life.ledger)
    life.hand("twin_leasing", "tenancy", life.ledger.plant(rows, "twin_leasing", "tenancy", cases))


def _tell_of_parties(life: Life) -> None:
    open_ = life.deals.filter(~pl.col("deal_stage").is_in(["closed", "called_off"]))
    busy = np.unique(np.concatenate((open_["_buyer"].to_numpy(), open_["_seller"].to_numpy())))
    expired = life.frame.draws("cases/expired").choice(busy, life.ledger.many, replace=False)
    is_busy = pl.col("person").is_in(pl.Series(busy).implode())
    later = pl.max_horizontal("id_expiry_us", pl.lit(life.end + 20 * DAY))
    expiry = pl.when(is_busy).then(later).otherwise("id_expiry_us").cast(pl.Datetime("us", "UTC")).dt.date()
    for source, known in life.register.rows.items():
        day = pl.lit(None, dtype=pl.Date) if source in _HAS_NO_PAPERS else expiry
        rows = known.with_columns(is_busy.alias("has_active_deal"), day.alias("id_expiry_date"))
        if source in ("twin_theodora", "twin_laila"):
            rows = _expire(life, source, rows, pl.Series(expired))
        if source == "twin_laila":
            rows = _plant_applicants(life, rows)
        life.register.rows[source] = rows
        life.hand(source, "party", rows)
    life.truth["party_records"] = life.register.truth()


def _expire(life: Life, source: str, rows: pl.DataFrame, persons: pl.Series) -> pl.DataFrame:
    case = party_cases.expired_paper_case(life.ledger)
    mine = pl.col("person").is_in(persons.implode())
    rows = rows.with_columns(
        pl.when(mine).then(case.change["id_expiry_date"]).otherwise("id_expiry_date").alias("id_expiry_date"),
        mine.alias("_case"),
    )
    life.ledger.enter(rows.filter("_case"), source, "party", case)
    return rows


def _plant_applicants(life: Life, rows: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("person").is_in(pl.Series(life.cast.applicants).implode())
    cases = party_cases.applicant_cases(life.ledger, life.register.last_list_at)
    mine = [replace(case, where=case.where & known) for case in cases]
    return life.ledger.plant(rows, "twin_laila", "party", [*mine, *party_cases.paper_misses(life.ledger)])


def _tell_of_units(life: Life) -> None:
    draw, count = life.frame.draws("brokerage/properties"), life.units.height
    owner_id = life.register.ids["twin_mary"]
    truth = []
    for source, known in life.known_units.items():
        rows = units.properties(draw, source, life.units, known, start=life.early, end=life.end)
        if source == "twin_mary":
            rows = rows.with_columns(owner_id.gather(rows["owner"]).alias("owner_party_id"))
            rows = life.ledger.plant(rows, source, "property", listing_cases.property_cases())
        life.hand(source, "property", rows)
        named = units.property_ids(source, count, known).gather(known)
        truth.append(pl.DataFrame({"source": [source] * len(known), "property_id": named, "unit": known}))
    life.truth["property_records"] = pl.concat(truth)


def _tell_of_brokers(life: Life) -> None:
    draw, rows = life.frame.draws("brokerage/brokers"), life.register.rows["twin_hr"]
    count = rows.height
    brokers = pl.DataFrame(
        {
            "broker_id": life.broker_id,
            "party_id": rows["party_id"],
            "full_name": rows["full_name"],
            "is_acting": draw.random(count) < 0.95,
            "broker_department": choose(draw, ("Secondary market", "Off-plan sales", "Leasing"), count),
            "orn": ["ORN-28417"] * count,
            "brn": ids("BRN-", count, start=51200),
            "brn_expiry_date": moments(life.end + draw.integers(8, 330, count) * DAY).dt.date(),
            "updated_at": moments(draw.integers(life.early, life.end - HOUR, count)),
        }
    )
    cases = deal_cases.broker_cases(life.ledger)
    life.hand("twin_hr", "broker", life.ledger.plant(brokers, "twin_hr", "broker", cases))
