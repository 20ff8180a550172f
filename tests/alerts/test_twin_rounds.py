"""Rounds over a short life of the twin's fleet: who is down or degraded is paged about, and a lost poll is not."""

from __future__ import annotations

import datetime as dt

import msgspec
import polars as pl
import pytest

from aurora.packs import load_pack
from aurora.settings import Settings
from benchmarks.campaigns.alert_history import TRUTH, judged_rounds
from benchmarks.campaigns.alert_rounds import Replayed
from benchmarks.campaigns.alert_truth import Incident, Judged, judge
from contracts.messages.alerts import Alert
from twin.fleet.history import fleet_history
from twin.frame import WORK_SCHEMA, Frame

pytestmark = pytest.mark.slow
FIRST, DAYS, SEED = dt.date(2026, 10, 1), 14, 5


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Judged, Replayed]:
    pack = load_pack(Settings().packs_dir, "real_estate")
    frame = Frame(pack=pack, seed=SEED, first_day=FIRST, days=DAYS, scale=0.01)
    part = fleet_history(frame, pl.DataFrame(schema=WORK_SCHEMA))
    columns = ["task_id", "assistant_id", "is_success", "submitted_at", "completed_at"]
    tasks = pl.concat([one.rows.select(columns) for one in part.exports if one.contract == "task"])
    truth = {name: part.truth[name] for name in TRUTH} | {"billing_errors": part.truth["billing_errors"].clear()}
    truth["llm_prices"] = truth["llm_prices"].filter(pl.col("valid_from") == FIRST)
    return judged_rounds(tmp_path_factory.mktemp("rounds"), tasks, truth, {}, first=FIRST, days=DAYS, seed=SEED)


def test_outages_are_paged_about_and_nothing_else(measured: tuple[Judged, Replayed]):
    judged, rounds = measured
    found, missed = sum(judged.found.values()), sum(judged.missed.values())
    assert found + missed >= 8
    assert found / (found + missed) >= 0.9
    assert judged.wrong == {}
    assert (judged.disturbed_count, judged.quiet_count > 150) == (0, True)
    assert rounds.round_count > 20


def test_a_round_knows_nothing_of_what_is_to_come(measured: tuple[Judged, Replayed]):
    pages = [one for one in measured[1].alerts if one.rule_id == "assistant_down"]
    assert pages
    assert all(one.since is not None and one.since <= one.raised_at for one in pages)


def _page(raised_at: dt.datetime, source: list[Alert]) -> Alert:
    return msgspec.structs.replace(source[0], about_id="clara", rule_id="assistant_down", raised_at=raised_at)


def test_a_page_is_right_while_its_incident_lasts_and_wrong_before_and_long_after(measured: tuple[Judged, Replayed]):
    begins = dt.datetime(2026, 10, 3, 9, tzinfo=dt.UTC)
    one = Incident("down", "clara", begins, {"assistant_down": begins + dt.timedelta(hours=1)})
    moments = [begins + dt.timedelta(minutes=minutes) for minutes in (-5, 10, 90)]
    pages = [_page(moment, measured[1].alerts) for moment in moments]
    judged = judge(pages, [one], subjects=["clara", "vera"], days=3)
    assert (judged.right, judged.wrong) == ({"assistant_down": 1}, {"assistant_down": 2})
    assert (judged.found, judged.missed, judged.quiet_count, judged.disturbed_count) == ({"down": 1}, {}, 5, 1)
