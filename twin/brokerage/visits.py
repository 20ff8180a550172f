"""Visits to units and offers for them, as sales keeps them."""

from __future__ import annotations

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, Ints, at_work, choose, ids, moments
from twin.brokerage.funnel import Funnel


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
