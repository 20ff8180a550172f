"""Messages between the two communication assistants and people, and the counts of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import HOUR, NEVER, Ints, choose, ids, later, moments, until
from twin.brokerage.funnel import Funnel

_CHANNELS: Final = ("whatsapp", "email", "web_chat")
_SHARES: Final = (0.58, 0.27, 0.15)
_ASKED: Final = (
    "Is it still available?",
    "Can I see it on Saturday?",
    "What are the service charges?",
    "Please send the floor plan.",
)
_ANSWERED: Final = (
    "Thank you, I will come back to you today.",
    "Here are three units that fit.",
    "Your viewing is booked.",
)
_OFFERED: Final = ("New units in your area this week.", "Open house on Saturday.")
_BODY_SHARE: Final = 0.4
"""Of the messages: exported with their text."""


def messages(
    draw: np.random.Generator,
    made: Funnel,
    *,
    party: pl.Series,
    clients: Ints,
    may_advertise: Ints,
    start: int,
    end: int,
) -> pl.DataFrame:
    """What leads asked and were answered, what `clients` were told, and marketing to those who do not mind."""
    asked = _some(draw, made, made.enquired, 0.62)
    more = _some(draw, made, made.contacted, 0.35)
    answered = _some(draw, made, made.contacted, 0.7)
    told = _some(draw, made, made.qualified, 0.6)
    ads = draw.choice(may_advertise, len(may_advertise) // 3, replace=False)
    since = draw.integers(start, end - HOUR, len(ads))
    parts = [
        _part(draw, who, us, assistant, kind, bodies)
        for (who, us), assistant, kind, bodies in (
            (asked, "linda", "service", _ASKED),
            (more, "linda", "service", _ASKED),
            (answered, "nina", "service", _ANSWERED),
            (told, "nina", "service", _ANSWERED),
            ((clients, draw.integers(start, end - HOUR, len(clients))), "nina", "service", _ANSWERED),
            ((ads, since), "nina", "marketing", _OFFERED),
        )
    ]
    rows = pl.concat(parts).filter((pl.col("us") != NEVER) & (pl.col("us") < end)).sort("us", "person", "assistant_id")
    count = rows.height
    return rows.with_columns(
        ids("MS-", count, width=7).alias("message_id"),
        party.gather(rows["person"]).alias("subject_id"),
        moments(rows["us"].to_numpy()).alias("occurred_at"),
        pl.lit(value=False).alias("has_str_mention"),
    )


def _some(draw: np.random.Generator, made: Funnel, us: Ints, share: float) -> tuple[Ints, Ints]:
    here = np.flatnonzero((us != NEVER) & (draw.random(made.count) < share))
    return made.person[here], later(draw, us[here], median_h=0.3)


def _part(
    draw: np.random.Generator, who: Ints, us: Ints, assistant: str, kind: str, bodies: tuple[str, ...]
) -> pl.DataFrame:
    count = len(who)
    body = choose(draw, bodies, count).set(pl.Series(draw.random(count) >= _BODY_SHARE), None)
    return pl.DataFrame({"person": who, "us": until(us, int(us.max(initial=0)) + 1)}).with_columns(
        pl.lit(assistant).alias("assistant_id"),
        pl.lit(kind).alias("message_kind"),
        pl.lit("inbound" if assistant == "linda" else "outbound").alias("message_direction"),
        choose(draw, _CHANNELS, count, _SHARES).alias("channel"),
        body.alias("body"),
    )


def message_stats(draw: np.random.Generator, sent: pl.DataFrame) -> pl.DataFrame:
    """Messages of each assistant, channel and day, with how fast they were answered."""
    day = pl.col("occurred_at").dt.truncate("1d").alias("started_at")
    inbound = pl.col("message_direction") == "inbound"
    rows = (
        sent.group_by("assistant_id", "channel", day)
        .agg(
            inbound.sum().cast(pl.Int64).alias("inbound_count"), (~inbound).sum().cast(pl.Int64).alias("outbound_count")
        )
        .sort("started_at", "assistant_id", "channel")
    )
    count = rows.height
    middle = draw.lognormal(np.log(95_000), 0.5, count).astype(np.int64)
    return rows.with_columns(
        ids("MC-", count).alias("message_stat_id"),
        (pl.col("started_at") + pl.duration(days=1)).alias("ended_at"),
        (pl.col("inbound_count") // 25).alias("unanswered_count"),
        pl.Series("response_p50_ms", middle),
        pl.Series("response_p95_ms", (middle * draw.uniform(4, 9, count)).astype(np.int64)),
    )
