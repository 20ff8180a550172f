"""From an enquiry to an accepted offer: each lead's moments, and why it was lost.

Rates and reasons follow published funnels of Dubai brokers; the delays are those of resale units, which are
shorter. What would come after the twin's end has not happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import NEVER, Floats, Ints, at_work, choose, ids, later, moments, only, until

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
"""Of those contacted, on average over the channels."""
CHANNEL_WORTH: Final = {
    "bayut": 1.0, "propertyfinder": 1.05, "instagram": 0.8, "google_ads": 0.95, "website": 1.1, "referral": 1.35, "linkedin": 0.85,
}  # fmt: skip
"""How much likelier than on average a lead of the channel is worth an agent's time: truth, to be found."""
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
_AFTER_ACCEPTANCE: Final = ("financing or mortgage rejected", "buyer withdrew", "seller withdrew", "title not clear")
_NOT_KNOWN: Final = "due diligence failed"
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


def funnel(
    draw: np.random.Generator, enquired: Ints, *, person: Ints, unit: Ints, broker_skill: Floats, end: int
) -> Funnel:
    """What becomes of leads that come in at `enquired`, each about a person and a unit.

    `broker_skill` is by broker: how much likelier than on average an offer of theirs is accepted.
    """
    count = len(enquired)
    channel = choose(draw, list(CHANNELS), count, list(CHANNELS.values()))
    worth = channel.replace_strict(CHANNEL_WORTH, return_dtype=pl.Float64).to_numpy()
    broker = draw.integers(0, len(broker_skill), count)
    steps: dict[str, Ints] = {}
    lost, reason = np.full(count, NEVER), pl.Series([None] * count, dtype=pl.String)
    at, goes_on = enquired, np.ones(count, dtype=np.bool_)
    for name, share, hours in (
        ("contacted", CONTACTED, 0.6),
        ("qualified", QUALIFIED * worth, 20.0),
        ("viewed", VIEWED, 60.0),
        ("offered", OFFERED, 50.0),
        ("accepted", ACCEPTED * broker_skill[broker], 30.0),
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
        broker=broker,
        channel=channel,
        **steps,
    )


def with_called_off(draw: np.random.Generator, made: Funnel, sales: pl.DataFrame) -> Funnel:
    """The leads whose deal was called off are lost then, and it is said why; their unit is the deal's.

    `sales` are the deals that came of leads.
    """
    lead, off = sales["_lead"].to_numpy(), sales["_called_off"].to_numpy()
    lost, unit = made.lost.copy(), made.unit.copy()
    lost[lead], unit[lead] = off, sales["_unit"].to_numpy()
    why = choose(draw, _AFTER_ACCEPTANCE, sales.height)
    why = why.zip_with(sales["buyer_cdd_status"] != "failed", pl.Series([_NOT_KNOWN] * sales.height))
    reason = made.lost_reason.scatter(pl.Series(lead), why)
    return replace(made, lost=lost, unit=unit, lost_reason=reason.set(pl.Series(lost == NEVER), None))


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
    lost = made.lost
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
    lost = made.lost
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
