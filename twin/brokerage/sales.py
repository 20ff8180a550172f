"""What sales, finance and inventory hand over: the funnel, deals and their money, listings, conversions."""

from __future__ import annotations

import numpy as np
import polars as pl

from twin.brokerage import books, deals, funnel, units, visits
from twin.brokerage.draws import NEVER
from twin.brokerage.life import Life
from twin.cases import deal_cases


def hand_over_sales(life: Life) -> None:
    """Leads, their events, visits and offers; deals, fees, payments and entries; listings and advertisements."""
    draw, sold = life.frame.draws("brokerage/sales"), life.deals.filter(pl.col("_lead") >= 0)
    made = life.funnel = funnel.with_called_off(draw, life.funnel, sold)
    of_lead = sold["_lead"].to_numpy()
    booked, won = np.full(made.count, NEVER), np.full(made.count, NEVER)
    agreed = np.zeros(made.count, dtype=np.int64)
    booked[of_lead], won[of_lead] = sold["_reservation"].to_numpy(), sold["_closed"].to_numpy()
    agreed[of_lead] = sold["price_aed"].to_numpy()
    count = life.units.height
    known = {"party": life.party, "unit": units.property_ids("twin_clara", count, np.arange(count))}
    life.hand("twin_clara", "lead", funnel.leads(draw, made, **known, broker=life.broker_id, booked=booked, won=won))
    events = funnel.lead_events(made, life.lead_id, booked=booked, won=won, broker=life.broker_id)
    life.hand("twin_clara", "lead_event", events)
    seen = visits.viewings(draw, made, lead_id=life.lead_id, **known, broker=life.broker_id, end=life.end)
    seen = pl.concat([seen, visits.walk_in_viewings(draw, life.deals, **known)], how="diagonal")
    life.hand("twin_clara", "viewing", life.ledger.plant(seen, "twin_clara", "viewing", deal_cases.viewing_cases()))
    price = life.units["price_aed"].to_numpy()
    offers = visits.offers(draw, made, lead_id=life.lead_id, **known, price=price, agreed=agreed, end=life.end)
    deal_of = dict(zip(of_lead.tolist(), sold["deal_id"].to_list(), strict=True))
    taken = pl.when("_taken").then(pl.col("_lead").replace_strict(deal_of, default=None, return_dtype=pl.String))
    life.hand("twin_clara", "offer", offers.with_columns(taken.alias("deal_id")))
    stats = books.conversions(made, booked=booked, start=life.start, end=life.end)
    life.hand("twin_clara", "conversion_stat", stats)
    for contract, rows in (("deal", life.deals), ("deal_cost", life.deal_costs), ("payment", life.payments)):
        life.hand("twin_theodora", contract, rows)
    cars = deals.dealership_payments(draw, max(20, life.frame.count(60)), start=life.early, end=life.end)
    cars = life.ledger.plant(cars, "twin_theodora", "payment", deal_cases.dealership_cases())
    life.hand("twin_theodora", "payment", cars)
    life.hand("twin_theodora", "financial_transaction", books.entries(life.payments, life.deals, end=life.end))
    life.hand("twin_mary", "listing", life.listings)
    life.hand("twin_mary", "ad_creative", life.ads)
