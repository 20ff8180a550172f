"""Employees who ask ChatGPT by themselves: an export that nobody counts tokens in, kept beside the fleet's own."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.fleet.calendar import calendar, hour_weights, moments
from twin.frame import Frame
from twin.ids import hex_texts, mixed, of_list, texts, times

TALKS: Final = 240
"""Of 90 days at scale 1."""
_TURN_US: Final = 40_000_000
_RATED_SHARE: Final = 0.4
_FEWEST: Final = 8


def answers(frame: Frame) -> pl.DataFrame:
    """One row an answer: talk, place in it, when, and the thumb it got, if any."""
    draw = frame.draws("chatgpt")
    count = max(_FEWEST, frame.count(TALKS))
    begins = np.sort(moments(frame, draw, hour_weights(calendar(frame)), count)) // 1000 * 1000
    turns = 1 + draw.poisson(1.6, count)
    talk = np.repeat(np.arange(count), turns)
    place = np.arange(len(talk)) - np.repeat(np.cumsum(turns) - turns, turns)
    ids = hex_texts(mixed(np.arange(count), salt=f"talk {frame.seed}"), mixed(np.arange(count), salt="talk"))
    rated = of_list(["thumbs_up", "thumbs_down"], (draw.random(len(talk)) < 0.3).astype(np.int64))
    found = pl.DataFrame(
        {
            "conversation_id": ids.gather(talk),
            "place": place,
            "user_id": texts("employee-", draw.integers(1, 40, count)).gather(talk),
            "occurred_at": times(begins[talk] + (place + 1) * _TURN_US),
            "duration_ms": (draw.lognormal(8.2, 0.4, len(talk))).astype(np.int64),
            "topic": draw.integers(0, 5, len(talk)),
            "rating": rated,
            "is_rated": draw.random(len(talk)) < _RATED_SHARE,
        }
    )
    return found.with_columns(
        pl.when("is_rated").then("rating").alias("rating"),
        pl.format("{}-a{}", "conversation_id", "place").alias("message_id"),
    ).filter(pl.col("occurred_at") < frame.until)
