"""Silence and volume judged by history: what is odd is found, what is normal is left in peace."""

from __future__ import annotations

import datetime as dt
import math
import random

import pytest

from aurora.errors import DataError
from aurora.ingest.expectations import Expectation, declared_expectations, publish_expectations, published_expectations
from aurora.ingest.freshness import Amount, Silence, judge_amount, judge_silence, newest_amount, source_health
from aurora.store.lake import read_lake
from tests.ingest.conftest import NOW

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)  # a Monday
WEEKS = 12
END = START + dt.timedelta(weeks=WEEKS)
HOLIDAY = (END - dt.timedelta(days=6)).date()
LEARNT = Expectation()


def hourly(draw: random.Random) -> list[dt.datetime]:
    """A gateway that sends every hour of the working day, a few minutes around it."""
    return [
        at + dt.timedelta(minutes=draw.uniform(-8, 8)) for at in _hours() if 6 <= at.hour <= 18 and at.weekday() < 5
    ]


def nightly(draw: random.Random) -> list[dt.datetime]:
    """An export at two at night, up to an hour late."""
    return [at + dt.timedelta(minutes=draw.uniform(0, 60)) for at in _hours() if at.hour == 2]


def now_and_then(draw: random.Random) -> list[dt.datetime]:
    """A person who sends something about every four hours, at any time."""
    found, at = [], START
    while at < END:
        at += dt.timedelta(hours=draw.expovariate(0.25))
        found.append(at)
    return [at for at in found if at < END]


def _hours() -> list[dt.datetime]:
    return [START + dt.timedelta(hours=hour) for hour in range(WEEKS * 7 * 24)]


def judged(arrivals: list[dt.datetime], now: dt.datetime, expected: Expectation = LEARNT) -> Silence:
    return judge_silence([at for at in arrivals if at <= now], now, expected)


HISTORIES = (hourly, nightly, now_and_then)


def test_normal_histories_raise_next_to_no_false_alarm():
    looked = alarms = 0
    for seed in range(6):
        for history in HISTORIES:
            arrivals = history(random.Random(seed))
            for hour in range(0, 28 * 24, 5):
                verdict = judged(arrivals, END - dt.timedelta(hours=hour)).verdict
                looked += 1
                alarms += verdict == "stale"
                assert verdict != "learning"
    assert looked > 2000
    assert alarms / looked <= 0.005, f"{alarms} of {looked}"


@pytest.mark.parametrize(("history", "soon_h"), [(hourly, 4), (nightly, 29), (now_and_then, 48)])
def test_a_source_that_falls_silent_is_found_soon(history, soon_h):
    for seed in range(5):
        arrivals = history(random.Random(seed))
        last = max(
            at for at in arrivals if at.hour in (2, 3, 9, 10, 11, 12) and at < END - dt.timedelta(days=2, hours=12)
        )
        silent = [at for at in arrivals if at <= last]
        assert judged(silent, last + dt.timedelta(minutes=30)).verdict == "fresh"
        assert judged(silent, last + dt.timedelta(hours=soon_h)).verdict == "stale"
        assert judged(silent, last + dt.timedelta(days=20)).verdict == "stale"


def test_nights_and_weekends_are_learnt():
    arrivals = hourly(random.Random(1))
    sunday = END - dt.timedelta(days=1) + dt.timedelta(hours=12)
    found = judged(arrivals, sunday)
    assert (found.verdict, found.silent_h > 40) == ("fresh", True)


def test_a_quiet_day_is_no_silence_and_its_hours_do_not_count():
    quiet = Expectation(quiet_days=(HOLIDAY,))
    midnight = dt.datetime.combine(HOLIDAY, dt.time(), dt.UTC)
    arrivals = [at for at in hourly(random.Random(1)) if at.date() != HOLIDAY]
    assert judged(arrivals, midnight + dt.timedelta(hours=15)).verdict == "stale"  # nobody said it was a holiday
    assert judged(arrivals, midnight + dt.timedelta(hours=15), quiet).verdict in {"quiet", "fresh"}
    for hour in range(24, 5 * 24, 3):
        assert judged(arrivals, midnight + dt.timedelta(hours=hour), quiet).verdict == "fresh"
        if hour > 31:  # also without a word a holiday of the past raises no alarm later
            assert judged(arrivals, midnight + dt.timedelta(hours=hour)).verdict == "fresh"


def test_nothing_is_said_before_there_is_history():
    arrivals = hourly(random.Random(1))
    young = [at for at in arrivals if at < START + dt.timedelta(days=4)]
    assert judged(young, START + dt.timedelta(days=6)).verdict == "learning"
    weeks = [at for at in arrivals if at < START + dt.timedelta(days=18)]
    assert judged(weeks, START + dt.timedelta(days=19, hours=12)).verdict == "fresh"  # a weekend has been seen
    assert judged(weeks, START + dt.timedelta(days=23)).verdict == "stale"
    assert judged(young, START + dt.timedelta(days=6), Expectation(expected_interval_h=24)).verdict == "stale"


def by_day(draw: random.Random, *, noise: float = 0.1, mean: float = 800.0) -> dict[dt.date, int]:
    """Rows a day: fewer at the weekend, noisy."""
    found = {}
    for number in range(WEEKS * 7):
        day = (START + dt.timedelta(days=number)).date()
        level = mean * (0.4 if day.weekday() >= 5 else 1.0) * math.exp(draw.gauss(0, noise))
        found[day] = round(level)
    return found


def amount(days: dict[dt.date, int], day: dt.date, expected: Expectation = LEARNT) -> Amount:
    return judge_amount({one: rows for one, rows in days.items() if one <= day}, day, expected)


def test_normal_volumes_raise_next_to_no_false_alarm():
    looked = alarms = 0
    for seed in range(12):
        for noise in (0.02, 0.1, 0.25):
            days = by_day(random.Random(seed), noise=noise)
            for day in list(days)[30:]:
                looked += 1
                alarms += amount(days, day).verdict != "normal"
    assert looked > 1500
    assert alarms / looked <= 0.002, f"{alarms} of {looked}"


@pytest.mark.parametrize(("factor", "verdict"), [(0.5, "low"), (0, "none"), (2.5, "high"), (1.1, "normal")])
def test_half_a_day_nothing_and_a_burst_are_told_on_any_weekday(factor, verdict):
    for seed in range(4):
        days = by_day(random.Random(seed), noise=0.05)
        for day in list(days)[-7:]:
            odd = days | {day: round(days[day] * factor)}
            assert amount(odd, day).verdict == verdict


def test_a_gap_of_the_past_does_not_blunt_the_bounds():
    days = by_day(random.Random(3), noise=0.05)
    gap = dict.fromkeys(list(days)[50:53], 0)
    last = max(days)
    plain, mended = amount(days, last), amount(days | gap, last)
    assert mended.low == pytest.approx(plain.low, rel=0.15)
    assert (mended.verdict, amount(days | gap, list(days)[51]).verdict) == ("normal", "none")
    assert amount(days | gap, list(days)[51], Expectation(quiet_days=(list(days)[51],))).verdict == "quiet"


def test_few_days_few_rows_and_declared_bounds():
    days = by_day(random.Random(3))
    first = dict(list(days.items())[:15])
    assert amount(first, max(first)).verdict == "learning"
    assert amount(dict.fromkeys(days, 1), max(days)).verdict == "learning"
    declared = Expectation(expected_low_count=100, expected_high_count=200)
    assert [amount(days | {max(days): rows}, max(days), declared).verdict for rows in (0, 50, 150, 300)] == [
        "none", "low", "normal", "high",
    ]  # fmt: skip
    newest = newest_amount(days, (END + dt.timedelta(days=3)).date(), LEARNT)
    assert newest is not None
    assert newest.day == max(days) - dt.timedelta(days=1)
    assert newest_amount({max(days): 4}, max(days), LEARNT) is None


def test_declarations_of_pack_and_tenant_reach_the_lake(paths, tmp_path):
    packs = tmp_path / "packs"
    (packs / "p").mkdir(parents=True)
    (packs / "p" / "sources.yaml").write_text(
        "quiet_days: [2026-12-02]\nsources:\n  crm: {expected_interval_h: 24}\n  gw: {late_tolerance_days: 3}\n"
    )
    (paths.directory / "sources.yaml").write_text(
        "sources:\n  crm: {expected_interval_h: 6, quiet_days: [2026-12-03]}\n"
    )
    assert publish_expectations(paths, packs_dir=packs, pack="p") == 3
    assert publish_expectations(paths, packs_dir=packs, pack="p") == 0
    with read_lake(paths) as lake:
        found = published_expectations(lake)
    assert found == declared_expectations(paths, packs_dir=packs, pack="p")
    assert (found["crm"].expected_interval_h, len(found["crm"].quiet_days)) == (6, 2)
    assert found["gw"].late_tolerance_days == 3
    (packs / "p" / "sources.yaml").write_text("sources:\n  crm: {every: 24}\n")
    with pytest.raises(DataError, match=r"sources\.yaml"):
        publish_expectations(paths, packs_dir=packs, pack="p")


def test_health_is_read_from_the_ledger(gateway, row, paths):
    rows = [row(f"{day}-{n}", occurred_at=f"2026-09-{day:02d}T0{n}:00:00Z") for day in range(1, 29) for n in range(3)]
    gateway.ingest("month.ndjson", rows)
    with read_lake(paths) as lake:
        (health,) = source_health(lake, NOW + dt.timedelta(days=2))
    assert (health.source, health.contract, health.silence.verdict) == ("gateway", "usage", "learning")
    assert (health.silence.last_arrival_at, health.silence.silent_h) == (NOW, 48)
    assert health.amount is not None
    assert (health.amount.day, health.amount.rows, health.is_odd) == (dt.date(2026, 9, 27), 3, False)
