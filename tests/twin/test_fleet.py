"""The fleet's life: who waits, who takes what, what it costs, and that its truth is what the exports follow from."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from aurora.packs import load_pack
from aurora.settings import PROJECT_DIR
from contracts import registry
from twin.fleet.calendar import calendar, hour_weights
from twin.fleet.demand import demand
from twin.fleet.history import FOREIGN_REGION, fleet_history
from twin.fleet.outages import outages
from twin.fleet.skill import draw_skills
from twin.frame import TASKS, USAGE_ROWS, WORK_SCHEMA, Frame, Part

_CASE_TYPES = ("lead_qualification", "property_matching", "viewing_scheduling", "kyc_check", "contract_review")


def frame(**changed: object) -> Frame:
    pack = load_pack(PROJECT_DIR / "packs", "real_estate")
    given: dict[str, object] = {"seed": 7, "first_day": dt.date(2026, 11, 2), "days": 30, "scale": 0.2, **changed}
    return Frame(pack=pack, **given)  # type: ignore[arg-type]


def work(of: Frame, count: int = 1500) -> pl.DataFrame:
    """What a brokerage would ask for: a stand-in with cases of a few tasks each."""
    draw = of.draws("stand-in")
    at = np.sort(draw.integers(0, of.days * 86_400, count))
    return pl.DataFrame(
        {
            "case_id": [f"case-{number}" for number in draw.integers(0, count // 5, count)],
            "task_type": [_CASE_TYPES[place] for place in draw.integers(0, len(_CASE_TYPES), count)],
            "requested_at": [of.start + dt.timedelta(seconds=int(second)) for second in at],
            "priority": ["high"] * count,
            "privacy_class": ["personal"] * count,
            "subject_id": [f"P-{number}" for number in draw.integers(0, 300, count)],
        },
        schema=WORK_SCHEMA,
    )


@pytest.fixture(scope="module")
def told() -> tuple[Frame, Part]:
    one = frame(edges=frozenset({("clara", "laila")}))
    return one, fleet_history(one, work(one))


def rows_of(part: Part, contract: str) -> pl.DataFrame:
    return pl.concat([one.rows for one in part.exports if one.contract == contract], how="diagonal_relaxed")


def test_holidays_weekends_and_nights_are_quiet():
    days = calendar(frame(quiet_days=frozenset({dt.date(2026, 11, 12)})))
    usual = days.filter(pl.col("day_kind") == "weekday")["demand"].mean()
    kinds = dict(days.group_by("day_kind").agg(pl.col("demand").mean()).iter_rows())
    assert kinds["public_holiday"] < 0.4 * usual  # type: ignore[operator]
    assert kinds["weekend"] < 0.6 * usual  # type: ignore[operator]
    hours = hour_weights(days).reshape(-1, 24).mean(axis=0)
    assert hours[6] > 5 * hours[22]  # ten in the morning and two at night in Dubai


def test_ramadan_shifts_work_to_the_evening():
    kept = calendar(frame(first_day=dt.date(2026, 2, 20), days=7))
    assert kept["is_ramadan"].all()
    hours = hour_weights(kept).reshape(-1, 24).mean(axis=0)
    assert hours[17] > hours[12]  # nine in the evening, four in the afternoon


def test_a_frame_has_the_tasks_and_calls_that_its_scale_promises(told: tuple[Frame, Part]):
    one, part = told
    assert rows_of(part, "task").height >= one.count(TASKS)
    assert rows_of(part, "usage").height >= one.count(USAGE_ROWS)


def test_the_brokerages_work_is_done_once_each_beside_the_departments(told: tuple[Frame, Part]):
    one, part = told
    tasks = rows_of(part, "task")
    assert tasks["task_id"].n_unique() == tasks.height
    asked = work(one)
    done = tasks.filter(pl.col("case_id").is_not_null())
    assert Counter(done["case_id"]) == Counter(asked["case_id"])
    assert set(part.truth["tasks"]["origin"]) >= {"brokerage", "steady", "nightly", "campaign-01"}


def test_every_row_has_the_columns_of_its_contract_and_lies_in_the_frame(told: tuple[Frame, Part]):
    one, part = told
    for export in part.exports:
        declared = registry.table(export.contract)
        if (export.source, export.contract) in {("twin_chatgpt", "usage"), ("twin_chatgpt", "evaluation")}:
            continue
        if export.contract == "focus_charge" or "span_id" in export.rows.columns:
            continue
        assert set(export.rows.columns) <= set(declared.columns), export
        for name in ("occurred_at", "updated_at", "completed_at"):
            if name in export.rows.columns:
                times = export.rows[name].drop_nulls()
                assert times.is_between(one.start, one.until).all(), (export.source, export.contract, name)


def test_each_call_lies_inside_its_task_and_is_exported_once(told: tuple[Frame, Part]):
    _, part = told
    calls = pl.concat(
        [
            one.rows.select("usage_id", "occurred_at", "duration_ms", "assistant_id", "trace_id")
            for one in part.exports
            if one.contract == "usage" and one.source != "twin_chatgpt"
        ]
    )
    assert calls["usage_id"].n_unique() == calls.height
    talks = rows_of(part, "conversation").select("conversation_id", "started_at", "ended_at")
    spoken = calls.join(talks, left_on="trace_id", right_on="conversation_id")
    assert spoken.height > 1000
    assert (spoken["occurred_at"] >= spoken["started_at"]).all()
    ended = pl.col("occurred_at") + pl.duration(milliseconds=pl.col("duration_ms"))
    assert spoken.select((ended <= pl.col("ended_at")).all()).item()


def test_the_truth_explains_the_outcomes(told: tuple[Frame, Part]):
    _, part = told
    tasks = rows_of(part, "task").join(part.truth["tasks"].drop("assistant_id"), on="task_id")
    settled = tasks.filter(pl.col("is_success").is_not_null() & ~pl.col("is_interrupted"))
    by_fifth = settled.group_by((pl.col("success_probability") * 5).floor().alias("fifth")).agg(
        pl.len(), pl.col("is_success").mean(), pl.col("success_probability").mean()
    )
    for row in by_fifth.filter(pl.col("len") > 300).iter_rows(named=True):
        assert row["is_success"] == pytest.approx(row["success_probability"], abs=0.05)
    gap = settled["best_success_probability"].mean() - settled["success_probability"].mean()  # type: ignore[operator]
    assert gap > 0.04  # what a better router can win


def test_truth_is_in_no_export(told: tuple[Frame, Part]):
    _, part = told
    secret = {
        "success_probability",
        "best_assistant_id",
        "propensity",
        "right_assistant_id",
        "reliability",
        "error_kind",
    }
    assert all(not secret & set(one.rows.columns) for one in part.exports)


def test_nobody_begins_work_while_down_and_backups_take_over(told: tuple[Frame, Part]):
    one, part = told
    down = outages(one, draw_skills(one)).filter(pl.col("outage_kind") == "down")
    assert down.height > 10
    tasks = rows_of(part, "task")
    for row in down.iter_rows(named=True):
        inside = (pl.col("started_at") >= row["begins_at"]) & (pl.col("started_at") < row["ends_at"])
        assert tasks.filter(pl.col("assistant_id") == row["assistant_id"], inside).is_empty()
    truth = part.truth["tasks"]
    assert truth.filter(pl.col("chosen_assistant_id") != pl.col("assistant_id")).height > 0
    status = rows_of(part, "assistant_status")
    assert set(status["assistant_state"]) >= {"active", "down", "degraded"}


def test_a_campaign_brings_more_than_the_fleet_can_take_at_once_and_the_urgent_wait_less():
    one = frame(scale=1.0, days=30)
    part = fleet_history(one, work(one))
    tasks = rows_of(part, "task").select("task_id", "priority").join(part.truth["tasks"], on="task_id")
    poured = tasks.filter(pl.col("origin").str.starts_with("campaign"), pl.col("wait_ms") >= 0)
    assert (poured["wait_ms"] > 0).mean() > 0.1  # type: ignore[operator]
    waits = dict(poured.group_by("priority").agg(pl.col("wait_ms").mean()).iter_rows())
    assert waits["high"] < waits["low"]
    assert (tasks.filter(pl.col("origin") == "steady")["wait_ms"] > 0).mean() < 0.05  # type: ignore[operator]


def test_an_announced_price_is_what_a_call_of_that_day_cost(told: tuple[Frame, Part]):
    _, part = told
    prices = part.truth["llm_prices"]
    assert prices.group_by("request_model").len()["len"].min() == 4
    logged = rows_of(part, "usage").filter(pl.col("reported_cost_usd").is_not_null())
    first = logged.sort("occurred_at").row(0, named=True)
    price = prices.filter(pl.col("request_model") == first["request_model"]).sort("valid_from").row(0, named=True)
    expected = (
        first["input_tokens"] * price["input_usd_per_mtok"] + first["output_tokens"] * price["output_usd_per_mtok"]
    ) / 1e6
    assert float(first["reported_cost_usd"]) == pytest.approx(expected, abs=1e-8)


def test_accounts_differ_from_the_calls_in_the_planted_errors_alone():
    one = frame(days=60)
    part = fleet_history(one, work(one))
    errors = part.truth["billing_errors"]
    assert set(errors["error_kind"]) >= {"counts_more", "counts_less", "charges_more", "day_missing"}
    cell = ["provider_name", "request_model", "day"]
    logged = (
        rows_of(part, "usage")
        .filter(~pl.col("is_error"), pl.col("occurred_at") < one.until - dt.timedelta(days=1))
        .group_by("provider_name", "request_model", pl.col("occurred_at").dt.date().alias("day"))
        .agg(pl.col("input_tokens", "output_tokens").sum(), pl.len().alias("calls"))
    )
    told = rows_of(part, "provider_usage").with_columns(pl.col("charge_period_start").dt.date().alias("day"))
    billed = logged.filter(pl.col("provider_name").is_in(told["provider_name"].unique().implode()))
    both = billed.join(told, on=cell, how="full", coalesce=True, suffix="_told")
    same = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(other))
        for name, other in (
            ("input_tokens", "input_tokens_told"),
            ("output_tokens", "output_tokens_told"),
            ("calls", "provider_request_count"),
        )
    )
    wrong = set(both.filter(~same).select(cell).rows())
    planted = errors.filter(pl.col("error_kind").is_in(["counts_more", "counts_less", "day_missing"]))
    assert wrong == set(planted.select(cell).rows())


def test_two_recommendations_on_one_task_contradict_and_one_of_the_two_is_right(told: tuple[Frame, Part]):
    _, part = told
    said, truth = rows_of(part, "ai_decision"), part.truth["contradictions"]
    pairs = (
        said.group_by("about_id")
        .agg("assistant_id", "ai_decision_kind")
        .join(truth, left_on="about_id", right_on="task_id")
    )
    assert pairs.height == truth.height > 10
    for row in pairs.iter_rows(named=True):
        assert len(set(row["assistant_id"])) == len(set(row["ai_decision_kind"])) == 2
        kind = dict(zip(row["assistant_id"], row["ai_decision_kind"], strict=True))[row["right_assistant_id"]]
        assert kind == row["right_ai_decision_kind"]


def test_reliable_people_are_right_more_often():
    one = frame(scale=1.0, days=30)
    part = fleet_history(one, work(one))
    opinions = part.truth["override_opinions"].join(part.truth["overriders"], on="overrider_id")
    by_person = opinions.group_by("overrider_id").agg(pl.first("reliability"), pl.col("is_right").mean())
    assert opinions.height > 500
    assert by_person.select(pl.corr("reliability", "is_right")).item() > 0.6


def test_planted_residency_violations_are_named(told: tuple[Frame, Part]):
    _, part = told
    named = rows_of(part, "usage").filter(pl.col("region") == FOREIGN_REGION)["usage_id"]
    assert sorted(named) == sorted(part.truth["residency_violations"]["usage_id"])


def test_handoffs_join_two_assistants_and_know_the_edges(told: tuple[Frame, Part]):
    _, part = told
    moved = rows_of(part, "handoff")
    assert moved.height > 10
    assert (moved["from_assistant_id"] != moved["to_assistant_id"]).all()
    allowed = moved.filter(pl.col("is_edge_allowed"))
    assert set(allowed.select("from_assistant_id", "to_assistant_id").rows()) <= {("clara", "laila")}
    assert set(moved.filter(~pl.col("is_edge_allowed"))["handoff_state"]) == {"refused"}
    assert "refused" not in set(allowed["handoff_state"])
    taken = allowed.drop_nulls("accepted_at")
    assert (taken["accepted_at"] > taken["requested_at"]).all()
    assert (taken["completed_at"].drop_nulls() >= taken.drop_nulls("completed_at")["accepted_at"]).all()
    assert taken["error_type"].null_count() == taken.height


def test_commands_beyond_the_control_level_were_refused(told: tuple[Frame, Part]):
    _, part = told
    commands = rows_of(part, "command")
    tuned = commands.filter(pl.col("command_kind") == "tune")
    assert set(tuned.filter(pl.col("control_level") != "full_orchestration")["command_state"]) == {"refused"}


def test_the_same_seed_gives_the_same_life_and_another_seed_another():
    one = frame(scale=0.01, days=7)
    first, again, other = (
        fleet_history(each, work(each, 200)) for each in (one, one, frame(scale=0.01, days=7, seed=8))
    )
    assert [(each.source, each.contract) for each in first.exports] == [
        (each.source, each.contract) for each in again.exports
    ]
    for left, right in zip(first.exports, again.exports, strict=True):
        assert_frame_equal(left.rows, right.rows)
    for name, rows in first.truth.items():
        assert_frame_equal(rows, again.truth[name])
    assert not rows_of(first, "task").equals(rows_of(other, "task"))


def test_another_industrys_fleet_lives_as_well():
    names = [
        name
        for name in ("automotive", "healthcare", "general")
        if (Path(PROJECT_DIR) / "packs" / name / "pack.yaml").is_file()
    ]
    for name in names:
        one = Frame(
            pack=load_pack(PROJECT_DIR / "packs", name), seed=7, first_day=dt.date(2026, 11, 2), days=7, scale=0.01
        )
        tasks = demand(one, pl.DataFrame(schema=WORK_SCHEMA))
        assert tasks.height >= one.count(TASKS)
