"""From an enquiry to an accepted offer: each lead's moments, and why it was lost.

Rates and reasons follow published funnels of Dubai brokers; the delays are those of resale units, which are
shorter. What would come after the twin's end has not happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, Ints, at_work, choose, ids, later, moments, only, until

CHANNELS: Final = {
    "bayut": 0.24, "propertyfinder": 0.2, "instagram": 0.2, "google_ads": 0.14, "website": 0.1, "referral": 0.08, "linkedin": 0.04,
}  # fmt: skip
_COSTS: Final = {
    "bayut": 140,
    "propertyfinder": 150,
    "instagram": 95,
    "google_ads": 160,
    "website": 35,
    "referral": 60,
    "linkedin": 210,
}
_CAMPAIGNS: Final = ("Ready to move", "Off-plan launch", "Villas for families", "Invest in Dubai")
CONTACTED: Final = 0.86
QUALIFIED: Final = 0.47
"""Of those contacted."""
VIEWED: Final = 0.66
OFFERED: Final = 0.5
ACCEPTED: Final = 0.58
"""Each of those who came one step before."""
_REASONS: Final = {
    "contacted": ("not responsive", "wrong number", "duplicate enquiry"),
    "qualified": ("budget mismatch", "postponed decision", "not responsive", "visa or relocation fell through"),
    "viewed": ("found cheaper unit elsewhere", "postponed decision", "chose competitor project"),
    "offered": ("chose competitor project", "did not like the unit", "found cheaper unit elsewhere"),
    "accepted": ("price not agreed", "unit sold before decision", "financing or mortgage rejected"),
}
"""Why a lead did not come to the step."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """One entry a lead: moments of its steps (`NEVER` where not reached), and what it is about."""

    enquired: Ints
    contacted: Ints
    qualified: Ints
    viewed: Ints
    offered: Ints
    accepted: Ints
    lost: Ints
    lost_reason: pl.Series
    person: Ints
    unit: Ints
    broker: Ints
    channel: pl.Series

    @property
    def count(self) -> int:
        """Leads."""
        return len(self.enquired)


def funnel(draw: np.random.Generator, enquired: Ints, *, person: Ints, unit: Ints, brokers: int, end: int) -> Funnel:
    """What becomes of leads that come in at `enquired`, each about a person and a unit."""
    count = len(enquired)
    steps: dict[str, Ints] = {}
    lost, reason = np.full(count, NEVER), pl.Series([None] * count, dtype=pl.String)
    at, goes_on = enquired, np.ones(count, dtype=np.bool_)
    for name, share, hours in (
        ("contacted", CONTACTED, 0.6),
        ("qualified", QUALIFIED, 20.0),
        ("viewed", VIEWED, 60.0),
        ("offered", OFFERED, 50.0),
        ("accepted", ACCEPTED, 30.0),
    ):
        passes = goes_on & (draw.random(count) < share)
        when = later(draw, at, median_h=hours)
        when = until(at_work(draw, when) if name != "contacted" else when, end)
        gives_up = until(at_work(draw, later(draw, at, median_h=hours * 3)), end)
        ends_here = goes_on & ~passes & (at != NEVER) & (gives_up != NEVER)
        lost = np.where(ends_here, gives_up, lost)
        reason = reason.zip_with(pl.Series(~ends_here), choose(draw, _REASONS[name], count))
        at = steps[name] = only(when, passes)
        goes_on = passes & (at != NEVER)
    return Funnel(
        enquired=enquired,
        lost=lost,
        lost_reason=reason,
        person=person,
        unit=unit,
        broker=draw.integers(0, brokers, count),
        channel=choose(draw, list(CHANNELS), count, list(CHANNELS.values())),
        **steps,
    )


def leads(
    draw: np.random.Generator,
    made: Funnel,
    *,
    party: pl.Series,
    unit: pl.Series,
    broker: pl.Series,
    booked: Ints,
    won: Ints,
) -> pl.DataFrame:
    """The leads as sales keeps them; `booked` and `won` are the moments of the deal that came of each."""
    count = made.count
    lost = np.where((won == NEVER) & (booked == NEVER), made.lost, NEVER)
    said = pl.DataFrame(
        {
            name: pl.Series(us != NEVER)
            for name, us in (
                ("lost", lost), ("won", won), ("booked", booked), ("offered", made.offered),
                ("viewed", made.viewed), ("qualified", made.qualified), ("contacted", made.contacted),
            )
        }
    )  # fmt: skip
    status = pl.lit("new")
    for step, word in (
        ("contacted", "contacted"), ("qualified", "qualified"), ("viewed", "viewing"), ("offered", "negotiation"),
        ("booked", "booked"), ("won", "won"), ("lost", "lost"),
    ):  # fmt: skip
        status = pl.when(step).then(pl.lit(word)).otherwise(status)
    newest = np.maximum.reduce(
        [made.enquired, made.contacted, made.qualified, made.viewed, made.offered, made.accepted, lost, booked, won]
    )
    costs = made.channel.replace_strict(_COSTS, return_dtype=pl.Int64)
    paid = made.channel.is_in(["instagram", "google_ads", "linkedin"])
    campaign = choose(draw, _CAMPAIGNS, count)
    return pl.DataFrame(
        {
            "lead_id": ids("CL-", count),
            "lead_status": said.select(status.alias("status")).to_series(),
            "party_id": party.gather(made.person),
            "property_id": unit.gather(made.unit),
            "broker_id": broker.gather(made.broker),
            "channel": made.channel,
            "campaign_name": campaign.set(~paid, None),
            "marketing_cost_aed": costs + pl.Series(draw.integers(-20, 40, count)),
            "enquired_at": moments(made.enquired),
            "qualified_at": moments(made.qualified),
            "viewed_at": moments(made.viewed),
            "negotiated_at": moments(made.offered),
            "booked_at": moments(booked),
            "lost_reason": made.lost_reason.set(pl.Series(lost == NEVER), None),
            "updated_at": moments(newest),
        }
    )


def lead_events(made: Funnel, lead_id: pl.Series, *, booked: Ints, won: Ints, broker: pl.Series) -> pl.DataFrame:
    """What happened to each lead, in the order of time."""
    lost = np.where((won == NEVER) & (booked == NEVER), made.lost, NEVER)
    doers = {"enquired": None, "contacted": "clara", "qualified": "clara", "offered": "clara"}
    parts = [
        pl.DataFrame({"lead": np.flatnonzero(us != NEVER), "us": us[us != NEVER]}).with_columns(
            pl.lit(kind).alias("lead_event_kind"), pl.lit(doers.get(kind), dtype=pl.String).alias("assistant_id")
        )
        for kind, us in (
            ("enquired", made.enquired), ("contacted", made.contacted), ("qualified", made.qualified),
            ("viewed", made.viewed), ("offered", made.offered), ("negotiated", made.accepted),
            ("booked", booked), ("won", won), ("lost", lost),
        )
    ]  # fmt: skip
    rows = pl.concat(parts).sort("us", "lead", "lead_event_kind")
    by_person = rows["assistant_id"].is_null() & (rows["lead_event_kind"] != "enquired")
    actor = broker.gather(pl.Series(made.broker).gather(rows["lead"]))
    return rows.with_columns(
        ids("CE-", rows.height, width=7).alias("lead_event_id"),
        lead_id.gather(rows["lead"]).alias("lead_id"),
        actor.set(~by_person, None).alias("actor_id"),
        made.channel.gather(rows["lead"]).alias("channel"),
        moments(rows["us"].to_numpy()).alias("occurred_at"),
    )


def viewings(
    draw: np.random.Generator,
    made: Funnel,
    *,
    lead_id: pl.Series,
    party: pl.Series,
    unit: pl.Series,
    broker: pl.Series,
    end: int,
) -> pl.DataFrame:
    """Visits: the one that took place, and for some leads one that did not or another unit's."""
    went = np.flatnonzero(made.viewed != NEVER)
    more = went[draw.random(len(went)) < 0.45]
    missed = np.flatnonzero((made.qualified != NEVER) & (draw.random(made.count) < 0.18))
    planned = np.flatnonzero((made.qualified > end - 6 * DAY) & (made.viewed == NEVER) & (made.lost == NEVER))
    lead = np.concatenate((went, more, missed, planned))
    word = ["done"] * (len(went) + len(more)) + ["missed"] * len(missed) + ["planned"] * len(planned)
    status = pl.Series(word, dtype=pl.String)
    status = status.zip_with(status != "missed", choose(draw, ("canceled", "no_show"), len(lead)))
    starts = np.concatenate(
        (
            made.viewed[went],
            np.minimum(made.viewed[more] + draw.integers(1, 4, len(more)) * HOUR, end - 1),
            np.minimum(at_work(draw, made.qualified[missed] + draw.integers(20, 90, len(missed)) * HOUR), end - 1),
            at_work(draw, end + draw.integers(2, 90, len(planned)) * HOUR),
        )
    )
    count = len(lead)
    side = choose(draw, ("buyer", "seller", "both"), count, (0.55, 0.4, 0.05))
    shown = np.where(np.arange(count) < len(went), made.unit[lead], draw.integers(0, len(unit), count))
    known = np.minimum(np.where(starts < end, starts + HOUR // 2, made.qualified[lead] + HOUR), end - 1)
    return pl.DataFrame(
        {
            "viewing_id": ids("CV-", count),
            "viewing_status": status,
            "lead_id": lead_id.gather(lead),
            "party_id": party.gather(made.person[lead]),
            "property_id": unit.gather(shown),
            "broker_id": broker.gather(made.broker[lead]),
            "broker_represents": side,
            "buyer_form_b_id": ids("FB-", count).set(side == "seller", None),
            "viewing_starts_at": moments(starts),
            "updated_at": moments(known),
        }
    )


def walk_in_viewings(
    draw: np.random.Generator, sales: pl.DataFrame, *, party: pl.Series, unit: pl.Series
) -> pl.DataFrame:
    """The visit before each deal of somebody who came without a lead."""
    rows = sales.filter(pl.col("_lead") < 0)
    count = rows.height
    starts = at_work(draw, rows["_started"].to_numpy() - draw.integers(30, 200, count) * HOUR)
    side = choose(draw, ("buyer", "seller"), count)
    return pl.DataFrame(
        {
            "viewing_id": ids("CW-", count),
            "viewing_status": ["done"] * count,
            "party_id": party.gather(rows["_buyer"]),
            "property_id": unit.gather(rows["_unit"]),
            "broker_id": rows["broker_id"],
            "broker_represents": side,
            "buyer_form_b_id": ids("FW-", count).set(side == "seller", None),
            "viewing_starts_at": moments(starts),
            "updated_at": moments(starts + HOUR // 2),
        }
    )


def offers(
    draw: np.random.Generator,
    made: Funnel,
    *,
    lead_id: pl.Series,
    party: pl.Series,
    unit: pl.Series,
    price: Ints,
    agreed: Ints,
    end: int,
) -> pl.DataFrame:
    """The last offer of each lead that made one, and an earlier refused one of a third of them.

    `price` is the asking price by unit, `agreed` the price of the deal that came of a lead, or 0.
    """
    last = np.flatnonzero(made.offered != NEVER)
    first = last[draw.random(len(last)) < 0.35]
    lead = np.concatenate((first, last))
    count, is_last = len(lead), np.arange(len(lead)) >= len(first)
    taken = is_last & (made.accepted[lead] != NEVER)
    gone = is_last & (made.lost[lead] != NEVER) & ~taken
    status = np.where(
        taken,
        "accepted",
        np.where(gone, draw.choice(("rejected", "withdrawn", "expired"), count), np.where(is_last, "open", "rejected")),
    )
    asked = (price[made.unit[lead]] * draw.uniform(0.88, 1.0, count) / 1000).astype(np.int64) * 1000
    offered = np.where(is_last, made.offered[lead], np.maximum(made.viewed[lead] + HOUR // 3, made.offered[lead] - DAY))
    closed = np.where(taken, made.accepted[lead], np.where(gone, made.lost[lead], offered))
    return pl.DataFrame(
        {
            "offer_id": ids("CO-", count),
            "offer_status": pl.Series(status),
            "offer_price_aed": np.where(taken & (agreed[lead] > 0), agreed[lead], asked),
            "lead_id": lead_id.gather(lead),
            "party_id": party.gather(made.person[lead]),
            "property_id": unit.gather(made.unit[lead]),
            "offered_at": moments(offered),
            "offer_expires_at": moments(offered + 3 * DAY),
            "updated_at": moments(np.minimum(np.maximum(closed, offered), end - 1)),
            "_lead": lead,
            "_taken": taken,
        }
    )
