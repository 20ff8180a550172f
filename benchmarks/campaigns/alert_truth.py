"""What was worth a page in a history of the twin, by its truth, and how right the pages were.

Worth a page: an assistant that is down or degraded, a price that changed, a provider's account that is wrong, an
assistant whose tasks would succeed less often than the objective on a whole day. Campaigns, holidays and lost polls
are not: they are planted too, and a page about them is wrong.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from contracts.messages.alerts import Alert

DAY: Final = dt.timedelta(days=1)
_LIVE_LATE: Final = dt.timedelta(minutes=90)
"""A page about an outage that came later than this after its end is about nothing any more."""
_DAILY_LATE: Final = 3 * DAY
"""Marts of a day are known on the next one, accounts of providers two days later."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that was worth a page: about what, from when, and until when a page about it is right."""

    incident_kind: str
    subject_id: str
    begins_at: dt.datetime
    until: Mapping[str, dt.datetime]
    """Rules that can know of it, and until when a page of theirs is about it."""
    is_counted: bool = True
    """Whether it must be found; else a page about it is right, and none is missed."""

    def explains(self, page: Alert) -> bool:
        """Whether the page is about this."""
        until = self.until.get(page.rule_id)
        return until is not None and page.about_id == self.subject_id and self.begins_at <= page.raised_at <= until

    def days(self) -> Iterable[tuple[str, dt.date]]:
        """Subject and each day that a page about it may fall on."""
        length = (max(self.until.values()).date() - self.begins_at.date()).days
        return ((self.subject_id, (self.begins_at + DAY * day).date()) for day in range(length + 1))


@dataclass(frozen=True, slots=True)
class Judged:
    """Pages by rule, right and wrong; incidents by kind, found and missed; quiet days, and those with a wrong page."""

    right: Mapping[str, int]
    wrong: Mapping[str, int]
    found: Mapping[str, int]
    missed: Mapping[str, int]
    quiet_count: int
    disturbed_count: int
    wrong_pages: tuple[Alert, ...] = ()


_DAILY: Final = {"down": ("uptime_slo",), "degraded": ("request_errors_slo", "success_slo")}


def incidents(truth: Mapping[str, pl.DataFrame], *, min_success_share: float) -> list[Incident]:
    """By the twin's truth: `outages`, `llm_prices`, `billing_errors`, `residency_violations`, and `tasks` with the
    `submitted_at` and `assistant_id` of the export."""
    return [
        *_outages(truth["outages"]),
        *_prices(truth["llm_prices"]),
        *_accounts(truth["billing_errors"]),
        *_weak_days(truth["tasks"], min_success_share),
    ]


def _outages(rows: pl.DataFrame) -> Iterable[Incident]:
    for row in rows.iter_rows(named=True):
        kind, ends = row["outage_kind"], row["ends_at"]
        until = {f"assistant_{kind}": ends + _LIVE_LATE} | dict.fromkeys(_DAILY[kind], ends + 2 * DAY)
        yield Incident(kind, row["assistant_id"], row["begins_at"], until)


def _prices(rows: pl.DataFrame) -> Iterable[Incident]:
    first = rows["valid_from"].min()
    for row in rows.filter(pl.col("valid_from") > first).iter_rows(named=True):
        begins = _midnight(row["valid_from"])
        subject = f"{row['provider_name']}:{row['request_model']}"
        yield Incident("price_change", subject, begins, {"llm_price_change": begins + 7 * DAY})


def _accounts(rows: pl.DataFrame) -> Iterable[Incident]:
    for row in rows.filter(pl.col("request_model") != "*").iter_rows(named=True):
        begins = _midnight(row["day"])
        subject = f"{row['provider_name']}:{row['request_model']}"
        yield Incident("wrong_account", subject, begins, {"account_differs": begins + _DAILY_LATE})


def _weak_days(tasks: pl.DataFrame, min_success_share: float) -> Iterable[Incident]:
    """Days on which an assistant's tasks were to succeed less often than the objective, whatever came of them."""
    days = (
        tasks.group_by("assistant_id", pl.col("submitted_at").dt.date().alias("day"))
        .agg(pl.col("success_probability").mean(), pl.len())
        .filter(pl.col("success_probability") < min_success_share)
        .sort("assistant_id", "day")
    )
    for row in days.iter_rows(named=True):
        begins = _midnight(row["day"])
        yield Incident("weak_day", row["assistant_id"], begins, {"success_slo": begins + 2 * DAY}, is_counted=False)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def judge(pages: Iterable[Alert], happened: Iterable[Incident], *, subjects: Iterable[str], days: int) -> Judged:
    """Pages against incidents. A quiet day is one of a subject (assistant or language model) without an incident."""
    known = list(happened)
    right, wrong = Counter[str](), Counter[str]()
    found: set[int] = set()
    wrong_pages = []
    for page in pages:
        explained = [place for place, one in enumerate(known) if one.explains(page)]
        found.update(explained)
        (right if explained else wrong)[page.rule_id] += 1
        if not explained:
            wrong_pages.append(page)
    counted = [place for place, one in enumerate(known) if one.is_counted]
    hit = Counter(known[place].incident_kind for place in counted if place in found)
    missed = Counter(known[place].incident_kind for place in counted if place not in found)
    busy = {day for one in known if one.is_counted for day in one.days()}
    disturbed = {(one.about_id, one.raised_at.date()) for one in wrong_pages}
    quiet = len(set(subjects)) * days - len(busy)
    return Judged(right, wrong, hit, missed, quiet, len(disturbed), tuple(wrong_pages))
