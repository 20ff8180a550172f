"""What the fleet is asked to do: the brokerage's own work, and the work beside it (marketing, people, research, support).

Every task is in here once, in the order of time; a task without a case comes from one of the departments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from twin.fleet.calendar import HOUR_US, calendar, campaigns, hour_weights, moments, start_us
from twin.frame import TASKS, WORK_SCHEMA, Frame
from twin.ids import of_list, times

_AT_LEAST: Final = 0.3
"""Background work is at least this share of all."""
_SPARE: Final = 1.005
_CAMPAIGN_SHARE: Final = 0.1
_NIGHTLY_SHARE: Final = 0.08
_NIGHT_HOUR: Final = 22
"""UTC: two in the morning in Dubai."""
_PRIVACY: Final = ("public", "internal", "personal", "sensitive")
_PRIORITIES: Final = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of background work: how much of it there is, how urgent and how private it is."""

    task_type: str
    weight: float
    priorities: tuple[float, float, float, float]
    privacy: tuple[float, float, float, float]


_STEADY: Final = (
    _Kind("message_triage", 22, (0.02, 0.18, 0.5, 0.3), (0.05, 0.3, 0.65, 0.0)),
    _Kind("client_messaging", 17, (0.02, 0.28, 0.5, 0.2), (0.05, 0.15, 0.8, 0.0)),
    _Kind("conversation_summary", 9, (0.0, 0.05, 0.45, 0.5), (0.0, 0.3, 0.7, 0.0)),
    _Kind("support_request", 10, (0.05, 0.35, 0.5, 0.1), (0.0, 0.2, 0.8, 0.0)),
    _Kind("availability_update", 7, (0.02, 0.38, 0.5, 0.1), (0.4, 0.6, 0.0, 0.0)),
    _Kind("listing_copy", 5, (0.0, 0.1, 0.5, 0.4), (0.7, 0.3, 0.0, 0.0)),
    _Kind("hr_question", 4, (0.0, 0.1, 0.4, 0.5), (0.0, 0.4, 0.45, 0.15)),
    _Kind("market_research", 3, (0.0, 0.05, 0.35, 0.6), (0.9, 0.1, 0.0, 0.0)),
    _Kind("valuation", 3, (0.0, 0.2, 0.6, 0.2), (0.5, 0.4, 0.1, 0.0)),
    _Kind("campaign_planning", 1.5, (0.0, 0.1, 0.4, 0.5), (0.4, 0.6, 0.0, 0.0)),
    _Kind("lead_qualification", 5, (0.02, 0.48, 0.4, 0.1), (0.0, 0.2, 0.8, 0.0)),
    _Kind("lead_follow_up", 5, (0.0, 0.4, 0.5, 0.1), (0.0, 0.2, 0.8, 0.0)),
    _Kind("property_matching", 5, (0.0, 0.3, 0.5, 0.2), (0.2, 0.5, 0.3, 0.0)),
    _Kind("viewing_scheduling", 3, (0.0, 0.4, 0.5, 0.1), (0.0, 0.2, 0.8, 0.0)),
    _Kind("compliance_review", 1.5, (0.1, 0.5, 0.3, 0.1), (0.0, 0.2, 0.5, 0.3)),
)
_NIGHTLY: Final = (
    _Kind("data_quality_check", 5, (0.0, 0.0, 0.2, 0.8), (0.1, 0.5, 0.4, 0.0)),
    _Kind("transaction_reconciliation", 3, (0.0, 0.1, 0.5, 0.4), (0.0, 0.3, 0.7, 0.0)),
    _Kind("payment_report", 1, (0.0, 0.2, 0.6, 0.2), (0.0, 0.3, 0.6, 0.1)),
)
_CAMPAIGN: Final = (
    _Kind("lead_qualification", 7, (0.0, 0.6, 0.3, 0.1), (0.0, 0.1, 0.9, 0.0)),
    _Kind("message_triage", 3, (0.0, 0.3, 0.6, 0.1), (0.0, 0.2, 0.8, 0.0)),
)


def demand(frame: Frame, work: pl.DataFrame) -> pl.DataFrame:
    """All tasks in the order of time: `WORK_SCHEMA` and `origin` (brokerage, steady, nightly, or a campaign's name)."""
    known = _known(frame, work).with_columns(pl.lit("brokerage").alias("origin"))
    wanted = max(round(frame.count(TASKS) * _SPARE) - known.height, round(frame.count(TASKS) * _AT_LEAST))
    days = calendar(frame)
    at_night, poured = round(wanted * _NIGHTLY_SHARE), round(wanted * _CAMPAIGN_SHARE)
    parts = [
        known,
        _steady(frame, days, wanted - at_night - poured),
        _nightly(frame, days, at_night),
        _poured(frame, poured),
    ]
    return pl.concat(parts).sort("requested_at", maintain_order=True)


def _known(frame: Frame, work: pl.DataFrame) -> pl.DataFrame:
    """The brokerage's own work, as far as it falls into the frame."""
    inside = pl.col("requested_at").is_between(frame.start, frame.until, closed="left")
    return work.select(list(WORK_SCHEMA)).filter(inside)


def _steady(frame: Frame, days: pl.DataFrame, count: int) -> pl.DataFrame:
    draw = frame.draws("steady work")
    return _tasks(frame, draw, _STEADY, moments(frame, draw, hour_weights(days), count), "steady")


def _nightly(frame: Frame, days: pl.DataFrame, count: int) -> pl.DataFrame:
    """Jobs that a clock starts: all of a night at once, more after a busy day."""
    draw = frame.draws("nightly work")
    weights = days["demand"].to_numpy()
    night = draw.choice(len(weights), size=count, p=weights / weights.sum())
    inside = draw.exponential(2e6 * min(1.0, frame.scale), size=count).astype(np.int64)
    at = start_us(frame) + night * 24 * HOUR_US + _NIGHT_HOUR * HOUR_US + np.minimum(inside, HOUR_US - 1)
    return _tasks(frame, draw, _NIGHTLY, at, "nightly")


def _poured(frame: Frame, count: int) -> pl.DataFrame:
    """What campaigns bring: a wave within a minute of the mails going out, more than the fleet can take at once."""
    draw = frame.draws("campaign work")
    held = campaigns(frame)
    which = draw.integers(0, held.height, size=count)
    begins = held["begins_at"].dt.timestamp("us").to_numpy()[which]
    inside = draw.gamma(2.0, held["pours_s"].to_numpy()[which] / 4) * 1e6
    last = start_us(frame) + frame.days * 24 * HOUR_US - 1
    found = _tasks(frame, draw, _CAMPAIGN, np.minimum(begins + inside.astype(np.int64), last), "campaign")
    return found.with_columns(of_list(held["campaign"].to_list(), which).alias("origin"))


def _tasks(
    frame: Frame, draw: np.random.Generator, kinds: tuple[_Kind, ...], at: np.ndarray, origin: str
) -> pl.DataFrame:
    kinds = tuple(one for one in kinds if one.task_type in frame.pack.task_types) or _any_kind(frame)
    count = len(at)
    weights = np.array([one.weight for one in kinds])
    kind = draw.choice(len(kinds), size=count, p=weights / weights.sum())
    priority = _drawn(draw, np.array([one.priorities for one in kinds]), kind)
    privacy = _drawn(draw, np.array([one.privacy for one in kinds]), kind)
    return pl.DataFrame(
        {
            "case_id": pl.Series([None], dtype=pl.String).new_from_index(0, count),
            "task_type": of_list([one.task_type for one in kinds], kind),
            "requested_at": times(at),
            "priority": of_list(list(_PRIORITIES), priority),
            "privacy_class": of_list(list(_PRIVACY), privacy),
            "subject_id": pl.Series([None], dtype=pl.String).new_from_index(0, count),
            "origin": pl.Series([origin]).new_from_index(0, count),
        }
    )


def _any_kind(frame: Frame) -> tuple[_Kind, ...]:
    """For a pack of another industry: each of its task types as often as any other."""
    even = (0.05, 0.25, 0.5, 0.2)
    return tuple(_Kind(name, 1.0, even, (0.2, 0.4, 0.4, 0.0)) for name in frame.pack.task_types)


def _drawn(draw: np.random.Generator, shares: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """One of four for each row, by the shares of its kind."""
    bounds = np.cumsum(shares, axis=1)[kind]
    found: np.ndarray = (draw.random(len(kind))[:, None] > bounds[:, :-1]).sum(axis=1)
    return found
