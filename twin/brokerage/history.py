"""The brokerage's life in one piece: what every system exports of it, the work it asks for, and the truth behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from twin.brokerage import asked, deals, funnel, listings, market, units
from twin.brokerage.cast_list import CastList, Register, cast_list, of_sales
from twin.brokerage.draws import DAY, HOUR, NEVER, Ints, choose, exported, ids, microseconds, moments
from twin.frame import Export, Frame, Part

LIST_AGE_DAYS: Final = 20
"""How long before the end a sanctions list last changed."""


def brokerage_history(frame: Frame, *, market_statistics: Path | None = None) -> Part:
    """Everything that the brokerage's systems export for `frame`.

    `market_statistics` is the Land Department's `dld_monthly_sales.csv`; without it areas have rounded levels.
    """
    return _Life(frame, market_statistics).told()


class _Life:
    """One brokerage while it is being made: each step fills what the next ones need."""

    def __init__(self, frame: Frame, market_statistics: Path | None) -> None:
        self.frame = frame
        self.start, self.end = microseconds(frame.start), microseconds(frame.until)
        self.cast: CastList = cast_list(frame, start=self.start, end=self.end)
        self.register = Register(self.cast, self.end - LIST_AGE_DAYS * DAY, self.end)
        self.part = Part()
        self.units = units.units(
            frame.draws("brokerage/units"),
            market.areas(market_statistics),
            max(420, frame.count(4200)),
            owners=self.cast.owners,
        )

    def told(self) -> Part:
        self._meet()
        self._sell()
        self._offer_to_public()
        self._hand_over()
        return self.part

    def export(self, source: str, contract: str, rows: pl.DataFrame) -> None:
        """Hand rows over, where there are any."""
        if rows.height:
            self.part.exports.append(Export(source=source, contract=contract, rows=exported(contract, rows)))

    # leads ----------------------------------------------------------------------------------------

    def _meet(self) -> None:
        draw, count = self.frame.draws("brokerage/funnel"), self.units.height
        cast = self.cast
        brokers = len(cast.brokers)
        self.party = self.register.know("twin_clara", draw, of_sales(draw, cast))
        self.hr_party = self.register.know("twin_hr", draw, cast.brokers)
        self.broker_id = ids("BR-", brokers, width=4)
        interest = (draw.beta(1.0, 1.3, len(cast.asker)) * count).astype(np.int64)
        self.funnel = funnel.funnel(
            draw, cast.enquired, person=cast.asker, unit=interest, brokers=brokers, end=self.end
        )

    # deals ----------------------------------------------------------------------------------------

    def _sell(self) -> None:
        draw, made, cast = self.frame.draws("brokerage/deals"), self.funnel, self.cast
        lead = np.flatnonzero(made.accepted != NEVER)
        walked_in = np.sort(draw.integers(self.start - 45 * DAY, self.end - 2 * DAY, len(cast.walk_ins)))
        lead = np.concatenate((lead, np.full(len(walked_in), -1)))
        started = np.concatenate((made.accepted[lead[lead >= 0]], walked_in))
        buyer = np.concatenate((made.person[lead[lead >= 0]], cast.walk_ins))
        order = np.argsort(started, kind="stable")
        lead, started, buyer = lead[order], started[order], buyer[order]
        unit = self._units_for(draw, cast.people.is_gcc[buyer])
        chosen = self.units[unit]
        off_plan = chosen["is_off_plan"].to_numpy()
        seller = np.where(
            off_plan, cast.developers[chosen["area"].to_numpy() % len(cast.developers)], chosen["owner"].to_numpy()
        )
        discount = draw.uniform(0.93, 1.0, len(lead))
        price = (chosen["price_aed"].to_numpy() * np.where(off_plan, 1.0, discount) / 1000).astype(np.int64) * 1000
        broker = np.where(lead >= 0, made.broker[lead], draw.integers(0, len(cast.brokers), len(lead)))
        steps = deals.stage_moments(draw, started, off_plan, end=self.end)
        facts = chosen.select("is_area_freehold", "is_off_plan", "property_kind", "escrow_account").with_columns(
            ids("TD-", len(lead)).alias("deal_id"),
            funnel_ids(made.count).gather(lead).set(pl.Series(lead < 0), None).alias("lead_id"),
            self.broker_id.gather(broker).alias("broker_id"),
            pl.col("is_area_freehold").alias("is_freehold"),
            pl.Series("price_aed", price),
            cast.people.rows["country"].gather(buyer).alias("buyer_country"),
            cast.people.rows["risk_rating"].gather(buyer).alias("_risk"),
            pl.Series("_lead", lead),
            pl.Series("_buyer", buyer),
            pl.Series("_seller", seller),
            pl.Series("_unit", unit),
            pl.Series("_started", started),
        )
        self.deals = deals.deals(draw, steps, facts, end=self.end)
        self._know_the_sides(draw)
        self.deals = deals.with_payment_facts(self.deals)
        self.payments = deals.payments(draw, self.deals, escrow=self.deals["escrow_account"], end=self.end)
        self.deal_costs = deals.deal_costs(self.deals)
        self._update_units(draw)

    def _units_for(self, draw: np.random.Generator, is_gcc: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
        """A unit of its own for each sale: where foreigners may not own, only for citizens of the Gulf states."""
        is_free = self.units["is_area_freehold"].to_numpy()
        free, closed = (draw.permutation(np.flatnonzero(where)) for where in (is_free, ~is_free))
        may = np.flatnonzero(is_gcc & (draw.random(len(is_gcc)) < 0.25))[: len(closed)]
        unit = np.full(len(is_gcc), -1)
        unit[may] = closed[: len(may)]
        rest = np.flatnonzero(unit < 0)
        unit[rest] = free[: len(rest)]
        return unit

    def _know_the_sides(self, draw: np.random.Generator) -> None:
        sides = np.unique(np.concatenate((self.deals["_buyer"].to_numpy(), self.deals["_seller"].to_numpy())))
        finance = self.register.know("twin_theodora", draw, sides)
        self.register.know("twin_laila", draw, sides)
        self.deals = self.deals.with_columns(
            finance.gather(self.deals["_buyer"]).alias("buyer_party_id"),
            finance.gather(self.deals["_seller"]).alias("seller_party_id"),
        )

    def _update_units(self, draw: np.random.Generator) -> None:
        count = self.units.height
        status = (
            choose(draw, ("available", "rented", "withdrawn", "sold"), count, (0.8, 0.12, 0.05, 0.03))
            .to_numpy()
            .astype(object)
        )
        here = self.deals.filter(pl.col("deal_stage") != "called_off")
        status[here["_unit"].to_numpy()] = np.where((here["deal_stage"] == "closed").to_numpy(), "sold", "reserved")
        self.units = self.units.with_columns(pl.Series("property_status", status, dtype=pl.String))
        known = np.unique(self.deals["_unit"].to_numpy())
        self.finance_unit = units.property_ids("twin_theodora", count, known)
        self.known_units = {"twin_theodora": known, "twin_mary": np.arange(count), "twin_clara": np.arange(count)}
        self.deals = self.deals.with_columns(self.finance_unit.gather(self.deals["_unit"]).alias("property_id"))

    # listings -------------------------------------------------------------------------------------

    def _offer_to_public(self) -> None:
        draw, count = self.frame.draws("brokerage/listings"), self.units.height
        self.inventory_unit = units.property_ids("twin_mary", count, np.arange(count))
        self.inventory_party = self.register.know("twin_mary", draw, np.unique(self.units["owner"].to_numpy()))
        since = units.listed_since(draw, count, start=self.start, end=self.end)
        self.listings = listings.listings(
            draw, self.units, property_id=self.inventory_unit, broker=self.broker_id, listed=since, end=self.end
        )
        self.listings = listings.counted_by_permit(self.listings)
        self.ads = listings.ad_creatives(draw, self.listings, since=self.start, end=self.end)

    # exports --------------------------------------------------------------------------------------

    def _hand_over(self) -> None:
        draw, made = self.frame.draws("brokerage/sales"), self.funnel
        count = self.units.height
        lead_id, sold = funnel_ids(made.count), self.deals.filter(pl.col("_lead") >= 0)
        of_lead = sold["_lead"].to_numpy()
        booked, won, agreed, unit = (
            np.full(made.count, NEVER),
            np.full(made.count, NEVER),
            np.zeros(made.count, dtype=np.int64),
            made.unit.copy(),
        )
        booked[of_lead], won[of_lead] = sold["_reservation"].to_numpy(), sold["_closed"].to_numpy()
        agreed[of_lead], unit[of_lead] = sold["price_aed"].to_numpy(), sold["_unit"].to_numpy()
        made.unit[:] = unit
        sales_unit = units.property_ids("twin_clara", count, np.arange(count))
        clara = {"party": self.party, "unit": sales_unit}
        self.export(
            "twin_clara", "lead", funnel.leads(draw, made, **clara, broker=self.broker_id, booked=booked, won=won)
        )
        self.export(
            "twin_clara", "lead_event", funnel.lead_events(made, lead_id, booked=booked, won=won, broker=self.broker_id)
        )
        self.export(
            "twin_clara",
            "viewing",
            funnel.viewings(draw, made, lead_id=lead_id, **clara, broker=self.broker_id, end=self.end),
        )
        offers = funnel.offers(
            draw, made, lead_id=lead_id, **clara, price=self.units["price_aed"].to_numpy(), agreed=agreed, end=self.end
        )
        deal_of = dict(zip(of_lead.tolist(), sold["deal_id"].to_list(), strict=True))
        taken = pl.when("_taken").then(pl.col("_lead").replace_strict(deal_of, default=None, return_dtype=pl.String))
        self.export("twin_clara", "offer", offers.with_columns(taken.alias("deal_id")))
        self._hand_over_register(draw)
        for contract, rows in (("deal", self.deals), ("deal_cost", self.deal_costs), ("payment", self.payments)):
            self.export("twin_theodora", contract, rows)
        self.export("twin_mary", "listing", self.listings)
        self.export("twin_mary", "ad_creative", self.ads)
        self._hand_over_work()

    def _hand_over_register(self, draw: np.random.Generator) -> None:
        active = self.deals.filter(~pl.col("deal_stage").is_in(["closed", "called_off"]))
        busy = np.unique(np.concatenate((active["_buyer"].to_numpy(), active["_seller"].to_numpy())))
        for source, rows in self.register.rows.items():
            is_busy = pl.col("person").is_in(pl.Series(busy).implode())
            us = (
                pl.when(is_busy)
                .then(pl.max_horizontal("id_expiry_us", pl.lit(self.end + 20 * DAY)))
                .otherwise("id_expiry_us")
            )
            has_paper = source not in ("twin_clara", "twin_mary")
            expiry = us.cast(pl.Datetime("us", "UTC")).dt.date() if has_paper else pl.lit(None, dtype=pl.Date)
            self.export(
                source, "party", rows.with_columns(is_busy.alias("has_active_deal"), expiry.alias("id_expiry_date"))
            )
        for source, known in self.known_units.items():
            rows = units.properties(draw, source, self.units, known, start=self.start, end=self.end)
            if source == "twin_mary":
                rows = rows.with_columns(self.inventory_party.gather(rows["owner"]).alias("owner_party_id"))
            self.export(source, "property", rows)
        self._hand_over_brokers(draw)
        self.part.truth["party_records"] = self.register.truth()
        self.part.truth["property_records"] = pl.concat(
            pl.DataFrame(
                {"property_id": units.property_ids(source, self.units.height, known).gather(known), "unit": known}
            ).select(pl.lit(source).alias("source"), "property_id", "unit")
            for source, known in self.known_units.items()
        )

    def _hand_over_brokers(self, draw: np.random.Generator) -> None:
        count, rows = len(self.cast.brokers), self.register.rows["twin_hr"]
        self.brokers = pl.DataFrame(
            {
                "broker_id": self.broker_id,
                "party_id": rows["party_id"],
                "full_name": rows["full_name"],
                "is_acting": draw.random(count) < 0.93,
                "broker_department": choose(draw, ("Secondary market", "Off-plan sales", "Leasing"), count),
                "orn": ["ORN-28417"] * count,
                "brn": ids("BRN-", count, start=51200),
                "brn_expiry_date": moments(self.end + draw.integers(8, 330, count) * DAY).dt.date(),
                "updated_at": moments(draw.integers(self.start, self.end - HOUR, count)),
            }
        )
        self.export("twin_hr", "broker", self.brokers)

    def _hand_over_work(self) -> None:
        draw, made = self.frame.draws("brokerage/work"), self.funnel
        tasks = asked.work(
            self.frame, draw, made, self.deals, self.listings, party=self.party, start=self.start, end=self.end
        )
        self.part = Part(exports=self.part.exports, truth=self.part.truth, work=tasks)
        over = np.where(made.lost != NEVER, made.lost, NEVER)
        sold = self.deals.filter((pl.col("_lead") >= 0) & (pl.max_horizontal("_closed", "_called_off") != NEVER))
        over[sold["_lead"].to_numpy()] = sold.select(pl.max_horizontal("_closed", "_called_off")).to_series().to_numpy()
        ended = np.flatnonzero(over != NEVER)
        closed = pl.DataFrame({"case_id": asked.lead_cases(made.count).gather(ended), "ended_us": over[ended]})
        self.export("twin_workflows", "workflow_case", asked.workflow_cases(tasks, closed, end=self.end))


def funnel_ids(count: int) -> pl.Series:
    """Ids of leads at sales."""
    return ids("CL-", count)
