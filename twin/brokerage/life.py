"""One brokerage while its life is told: who takes part, what is sold, what is listed."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.brokerage import deals, funnel, listings, units
from twin.brokerage.cast_list import CastList, Register, cast_list, of_sales
from twin.brokerage.draws import DAY, NEVER, Flags, Ints, choose, ids, microseconds
from twin.brokerage.market import Area
from twin.cases import deal_cases, listing_cases
from twin.cases.ledger import Ledger
from twin.frame import Frame

FEWEST_DAYS: Final = 40
"""How far back the offices' books reach at least, in however short a life."""
LIST_AGE_DAYS: Final = 20
"""How long before the end a sanctions list last changed."""


class Life:
    """What the parts of the brokerage share. Rows are handed over by `hand`, in the order of telling."""

    def __init__(self, frame: Frame, areas: tuple[Area, ...]) -> None:
        self.frame = frame
        self.start, self.end = microseconds(frame.start), microseconds(frame.until)
        self.early = min(self.start, self.end - FEWEST_DAYS * DAY)
        self.ledger = Ledger(frame)
        self.cast: CastList = cast_list(frame, start=self.start, end=self.end)
        self.register = Register(self.cast, self.end - LIST_AGE_DAYS * DAY, self.end)
        self.handed: list[tuple[str, str, pl.DataFrame]] = []
        self.truth: dict[str, pl.DataFrame] = {}
        self.consents = pl.DataFrame()
        self.units = units.units(
            frame.draws("brokerage/units"), areas, max(480, frame.count(4200)), owners=self.cast.owners
        )
        self._meet()
        self._sell()
        self._pay()
        self._offer_to_public()

    def hand(self, source: str, contract: str, rows: pl.DataFrame) -> None:
        """Hand rows over, where there are any."""
        if rows.height:
            self.handed.append((source, contract, rows))

    def _meet(self) -> None:
        draw, cast = self.frame.draws("brokerage/funnel"), self.cast
        self.party = self.register.know("twin_clara", draw, of_sales(draw, cast))
        self.register.know("twin_hr", draw, cast.brokers)
        self.broker_id = ids("BR-", len(cast.brokers), width=4)
        interest = (draw.beta(1.0, 1.3, len(cast.asker)) * self.units.height).astype(np.int64)
        skill = draw.lognormal(0, 0.2, len(cast.brokers)).round(3)
        self.funnel = funnel.funnel(
            draw, cast.enquired, person=cast.asker, unit=interest, broker_skill=skill, end=self.end
        )
        self.truth["brokers"] = pl.DataFrame({"broker_id": self.broker_id, "closing_factor": skill})
        self.truth["lead_channels"] = pl.DataFrame(
            {"channel": list(funnel.CHANNEL_WORTH), "qualified_factor": list(funnel.CHANNEL_WORTH.values())}
        )
        self.lead_id = ids("CL-", self.funnel.count)

    def _sell(self) -> None:
        draw, made, cast = self.frame.draws("brokerage/deals"), self.funnel, self.cast
        lead = np.flatnonzero(made.accepted != NEVER)
        walked_in = np.sort(draw.integers(self.start - 45 * DAY, self.end - 2 * DAY, len(cast.walk_ins)))
        started = np.concatenate((made.accepted[lead], walked_in))
        buyer = np.concatenate((made.person[lead], cast.walk_ins))
        lead = np.concatenate((lead, np.full(len(walked_in), -1)))
        order = np.argsort(started, kind="stable")
        lead, started, buyer = lead[order], started[order], buyer[order]
        unit, is_foreign = self._units_for(draw, cast.people.is_gcc[buyer], started < self.end - 20 * DAY)
        chosen = self.units[unit]
        off_plan = chosen["is_off_plan"].to_numpy()
        developer = cast.developers[chosen["area"].to_numpy() % len(cast.developers)]
        discount = np.where(off_plan, 1.0, draw.uniform(0.93, 1.0, len(lead)))
        price = (chosen["price_aed"].to_numpy() * discount / 1000).astype(np.int64) * 1000
        broker = np.where(lead >= 0, made.broker[lead], draw.integers(0, len(cast.brokers), len(lead)))
        facts = chosen.select("is_area_freehold", "is_off_plan", "property_kind", "escrow_account").with_columns(
            ids("TD-", len(lead)).alias("deal_id"),
            self.lead_id.gather(lead).set(pl.Series(lead < 0), None).alias("lead_id"),
            self.broker_id.gather(broker).alias("broker_id"),
            pl.col("is_area_freehold").alias("is_freehold"),
            pl.Series("price_aed", price),
            cast.people.rows["country"].gather(buyer).alias("buyer_country"),
            cast.people.rows["risk_rating"].gather(buyer).alias("_risk"),
            pl.Series("_lead", lead),
            pl.Series("_buyer", buyer),
            pl.Series("_seller", np.where(off_plan, developer, chosen["owner"].to_numpy())),
            pl.Series("_unit", unit),
            pl.Series("_started", started),
            pl.Series("_is_foreign", is_foreign),
        )
        steps = deals.stage_moments(draw, started, off_plan, end=self.end)
        self.deals = deals.deals(draw, steps, facts, end=self.end)

    def _units_for(self, draw: np.random.Generator, is_gcc: Flags, is_early: Flags) -> tuple[Ints, Flags]:
        """A unit of its own for each sale, and which sales break DLD-011.

        Where foreigners may not own, only citizens of the Gulf states buy, and the planted foreigners.
        """
        is_free = self.units["is_area_freehold"].to_numpy()
        free, closed = (draw.permutation(np.flatnonzero(where)) for where in (is_free, ~is_free))
        foreign = draw.choice(np.flatnonzero(~is_gcc & is_early), self.ledger.many, replace=False)
        may = np.flatnonzero(is_gcc & (draw.random(len(is_gcc)) < 0.3))[: len(closed) - len(foreign)]
        unit = np.full(len(is_gcc), -1)
        unit[np.concatenate((foreign, may))] = closed[: len(foreign) + len(may)]
        rest = np.flatnonzero(unit < 0)
        unit[rest] = free[: len(rest)]
        return unit, np.isin(np.arange(len(is_gcc)), foreign)

    def _pay(self) -> None:
        draw, ledger, sold = self.frame.draws("brokerage/payments"), self.ledger, self.deals
        sides = np.unique(np.concatenate((sold["_buyer"].to_numpy(), sold["_seller"].to_numpy())))
        finance = self.register.know("twin_theodora", draw, sides)
        self.register.know("twin_laila", draw, np.concatenate((sides, self.cast.applicants)))
        self.known_units = {"twin_theodora": np.unique(sold["_unit"].to_numpy())}
        unit_id = units.property_ids("twin_theodora", self.units.height, self.known_units["twin_theodora"])
        sold = sold.with_columns(
            finance.gather(sold["_buyer"]).alias("buyer_party_id"),
            finance.gather(sold["_seller"]).alias("seller_party_id"),
            unit_id.gather(sold["_unit"]).alias("property_id"),
            pl.col("_is_foreign").alias("_case"),
        )
        breaking, keeping = deal_cases.foreign_owner_cases()
        ledger.enter(sold.filter("_is_foreign"), "twin_theodora", "deal", breaking)
        sold = ledger.plant(sold, "twin_theodora", "deal", [keeping, *deal_cases.deal_cases(ledger)])
        self.deals = deals.with_payment_facts(deal_cases.with_edge_prices(ledger, sold))
        paid = deals.payments(draw, self.deals, escrow=self.deals["escrow_account"], end=self.end)
        other = self.deals.filter(~pl.col("is_off_plan"))["seller_party_id"][0]
        cases = deal_cases.payment_cases(other)
        self.payments = ledger.plant(paid, "twin_theodora", "payment", cases)
        self.deal_costs = ledger.plant(
            deals.deal_costs(self.deals), "twin_theodora", "deal_cost", deal_cases.cost_cases()
        )

    def _offer_to_public(self) -> None:
        draw, count, ledger = self.frame.draws("brokerage/listings"), self.units.height, self.ledger
        word = choose(draw, ("available", "rented", "withdrawn", "sold"), count, (0.78, 0.13, 0.05, 0.04)).to_list()
        sold = self.deals.filter(pl.col("deal_stage") != "called_off").select("_unit", "deal_stage")
        for unit, stage in sold.rows():
            word[unit] = "sold" if stage == "closed" else "reserved"
        self.units = self.units.with_columns(pl.Series("property_status", word))
        everything = np.arange(count)
        self.known_units |= {"twin_mary": everything, "twin_clara": everything}
        self.register.know("twin_mary", draw, np.unique(self.units["owner"].to_numpy()))
        property_id = units.property_ids("twin_mary", count, everything)
        since = units.listed_since(draw, count, start=self.start, end=self.end)
        rows = listings.listings(
            draw, self.units, property_id=property_id, broker=self.broker_id, listed=since, end=self.end
        )
        rows = ledger.plant(rows, "twin_mary", "listing", listing_cases.listing_cases(ledger))
        self.listings = listings.counted_by_permit(listing_cases.share_permits(ledger, rows))
        ads = listings.ad_creatives(draw, self.listings, since=self.start, end=self.end)
        self.ads = ledger.plant(ads, "twin_mary", "ad_creative", listing_cases.ad_cases(ledger))
