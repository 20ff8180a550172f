"""What the pages read and hand out: figures against independent sums, the journal over the mart, changes of decisions."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import msgspec
import polars as pl
import pytest

from apps.streamlit.override import override
from apps.streamlit.reads.builds import records_frame, stage_records
from apps.streamlit.reads.costs import cost_figures, totals, usage_extent
from apps.streamlit.reads.decision_detail import decision_detail
from apps.streamlit.reads.decisions import DecisionFilter, forget_journal, list_decisions
from apps.streamlit.reads.home import home_figures, period_spend
from apps.streamlit.reads.lake import Pin, _newest, current_pin
from apps.streamlit.reads.meanings import meaning
from apps.streamlit.reads.recommendations import recommend, wilson_low
from apps.streamlit.reads.tables import (
    covered,
    refusal_reasons,
    refused_count,
    refused_rows,
    snapshots,
    table_list,
    table_page,
)
from apps.streamlit.ui.access import LOCAL_OWNER, Viewer
from apps.streamlit.ui.health import health_lines
from aurora.errors import ComplianceError, DataError, NotFoundError, PermissionDeniedError
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake, write_lake
from aurora.store.state import StateStore
from contracts.messages.decisions import Decision
from tests.streamlit.company import DAYS, NOW, STAGES, TODAY, seed_journal


def _usage(pin: Pin) -> pl.DataFrame:
    with read_lake(pin.paths) as lake:
        return lake.query("SELECT * FROM mart.usage_daily").with_columns(pl.col("cost_usd").cast(pl.Float64))


# figures ---------------------------------------------------------------------------------------
def test_spend_of_a_period_is_the_sum_of_its_days_and_of_no_other(pin: Pin) -> None:
    figures, usage = home_figures(pin), _usage(pin)
    for days in (1, 7, 30):
        period = period_spend(figures.spend, TODAY, days)
        inside = usage.filter(pl.col("period_date") > TODAY - dt.timedelta(days=days))
        assert period.cost_usd == pytest.approx(inside["cost_usd"].sum())
        assert period.operation_count == inside["operation_count"].sum()
        assert len(period.daily_usd) == days
    week = period_spend(figures.spend, TODAY, 7)
    before = usage.filter(pl.col("period_date").is_between(TODAY - dt.timedelta(days=13), TODAY - dt.timedelta(days=7)))
    assert week.previous_usd == pytest.approx(before["cost_usd"].sum())


def test_a_day_without_usage_counts_as_nothing_spent() -> None:
    spend = pl.DataFrame(
        {"period_date": [TODAY - dt.timedelta(days=2), TODAY], "cost_usd": [3.0, 5.0], "operation_count": [1, 2]}
    )
    assert period_spend(spend, TODAY, 3).daily_usd == (3.0, 0.0, 5.0)
    assert period_spend(spend, TODAY, 3).previous_usd is None


def test_costs_by_assistant_llm_and_price_source_add_up_to_the_same(pin: Pin) -> None:
    since = TODAY - dt.timedelta(days=29)
    figures = cost_figures(pin, since, TODAY)
    expected = _usage(pin).filter(pl.col("period_date") >= since)
    for frame in (figures.by_day, figures.by_assistant, figures.by_llm, figures.by_cost_source):
        assert frame["cost_usd"].sum() == pytest.approx(expected["cost_usd"].sum())
        assert frame["operation_count"].sum() == expected["operation_count"].sum()
        assert frame["unpriced_count"].sum() == expected["unpriced_count"].sum()
    assert usage_extent(pin) == (TODAY - dt.timedelta(days=DAYS - 1), TODAY)


def test_what_has_no_price_at_all_costs_unknown_not_nothing(pin: Pin) -> None:
    table = totals(cost_figures(pin, TODAY, TODAY).by_llm, "model_name", "provider_name")
    by_name = {row["model_name"]: row for row in table.iter_rows(named=True)}
    falcon = by_name["falcon-arabic-7b-instruct"]
    assert falcon["cost_usd"] is None
    assert falcon["cost_share"] is None
    assert falcon["unpriced_count"] == falcon["operation_count"] > 0
    assert table["cost_share"].drop_nulls().sum() == pytest.approx(1.0)
    assert table["cost_usd"].drop_nulls().is_sorted(descending=True)


def test_speed_of_a_period_is_the_days_mean_by_their_calls(pin: Pin) -> None:
    row = totals(cost_figures(pin, TODAY, TODAY).by_llm, "model_name").row(0, named=True)
    day = _usage(pin).filter((pl.col("period_date") == TODAY) & (pl.col("model_name") == row["model_name"]))
    expected = (day["duration_p95_ms"] * day["operation_count"]).sum() / day["operation_count"].sum()
    assert row["duration_p95_ms"] == pytest.approx(expected)
    assert row["error_share"] == pytest.approx(day["error_count"].sum() / day["operation_count"].sum())


def test_a_pin_reads_one_snapshot_whatever_is_written_meanwhile(own_pin: Pin) -> None:
    before = home_figures(own_pin).spend["cost_usd"].sum()
    write_lake(
        own_pin.paths,
        "mart",
        lambda lake: lake.execute("DELETE FROM mart.usage_daily WHERE model_name = 'gpt-4.1'"),
        author="tests",
        message="Take usage away",
    )
    home_figures.clear()
    assert home_figures(own_pin).spend["cost_usd"].sum() == before
    _newest.clear()  # its five seconds are over
    newer = current_pin()
    assert newer.mart_snapshot == own_pin.mart_snapshot + 1
    assert home_figures(newer).spend["cost_usd"].sum() < before


def test_figures_are_not_read_again_for_the_same_snapshot(own_pin: Pin) -> None:
    first = home_figures(own_pin)
    own_pin.paths.catalog("mart").rename(own_pin.paths.directory / "away")
    assert home_figures(own_pin).spend.equals(first.spend)


def test_recommendations_name_their_evidence_and_what_they_are_worth(pin: Pin) -> None:
    figures = home_figures(pin)
    waiting = list_decisions(pin, DecisionFilter(show="waiting"))
    found = recommend(figures, waiting)
    assert len(found) == 3
    assert all(recommendation.evidence.height for recommendation in found)
    cheaper = next(r for r in found if r.title.startswith("Try "))
    month = _usage(pin).filter(
        (pl.col("period_date") > TODAY - dt.timedelta(days=30)) & (pl.col("model_name") == "claude-sonnet-4")
    )
    assert cheaper.monthly_usd is not None
    assert 0 < cheaper.monthly_usd < month["cost_usd"].sum()
    assert any(r.title == f"Answer {waiting.height} decisions that the engine left to you" for r in found)
    assert recommend(figures, waiting.clear())[-1].title != found[-1].title


def test_a_share_of_few_is_less_certain_than_the_same_share_of_many() -> None:
    assert wilson_low(0, 0) == 0
    assert wilson_low(5, 10) < wilson_low(500, 1000) < 0.5


# health and builds -----------------------------------------------------------------------------
def test_health_judges_each_fact_in_a_word(pin: Pin) -> None:
    lines = {line.title: line for line in health_lines(home_figures(pin), stage_records(pin.paths), now=NOW)}
    assert lines["Assistants"].tone == "act"
    assert lines["Build"].detail.startswith(f"{len(STAGES)} stages built; last route llm, 11 minutes ago")
    assert lines["Figures"].tone == "good"
    assert lines["Prices"].tone == "act"
    late = {line.title: line for line in health_lines(home_figures(pin), [], now=NOW + dt.timedelta(days=9))}
    assert late["Figures"].tone == late["Data"].tone == "act"
    assert late["Build"].tone == "quiet"


def test_assistants_that_only_usage_names_are_told_apart_from_those_of_the_pack(pin: Pin) -> None:
    figures = home_figures(pin)
    state = pl.when(pl.col("assistant_id") == "support").then(None).otherwise(pl.lit("active"))
    partly = replace(figures, assistants=figures.assistants.with_columns(assistant_state=state))
    line = next(line for line in health_lines(partly, [], now=NOW) if line.title == "Assistants")
    assert line.tone == "look"
    assert line.detail == "All 7 can take work. Usage names 1 more that no pack declares."


def test_records_of_stages_come_in_order_and_a_damaged_one_is_left_out(own_pin: Pin) -> None:
    folder = own_pin.paths.directory / "builds"
    (folder / "checks.json").write_text("{")
    records = stage_records(own_pin.paths)
    assert [record.stage for record in records] == [name for name in STAGES if name != "checks"]
    assert records_frame(records)["stage"][0] == "route llm"
    assert records_frame([]).columns == records_frame(records).columns


# data ------------------------------------------------------------------------------------------
def test_every_table_has_its_rows_and_its_meaning(pin: Pin) -> None:
    listed = table_list(pin)
    counts = {(row[0], row[1]): row[2] for row in listed.iter_rows()}
    assert counts["mart", "usage_daily"] == _usage(pin).height
    assert counts["raw", "quarantine"] == refused_count(pin, None) == 70
    assert [name for name in listed["table_name"] if not meaning(name)] == []


def test_a_page_of_rows_covers_personal_values_unless_asked(pin: Pin) -> None:
    closed = table_page(pin, "raw", "usage", 1, are_personal_shown=False)
    opened = table_page(pin, "raw", "usage", 1, are_personal_shown=True)
    assert closed.height == opened.height == 50
    assert set(closed["user_id"]) == {"•••"}
    assert "client-1" in set(opened["user_id"])
    assert table_page(pin, "raw", "no_such_table", 1, are_personal_shown=False).height == 0


def test_reasons_are_for_those_who_repair(pin: Pin) -> None:
    closed = refused_rows(pin, "at_least", 1, are_personal_shown=False, are_reasons_shown=False)
    repairer = refused_rows(pin, "at_least", 1, are_personal_shown=False, are_reasons_shown=True)
    assert set(closed["reason"]) == set(repairer["raw_row"]) == {"•••"}
    assert repairer["reason"][0].startswith("input_tokens is -1")
    assert refused_rows(pin, "no such rule", 1, are_personal_shown=True, are_reasons_shown=True).height == 0


def test_reasons_of_refusal_add_up(pin: Pin) -> None:
    with read_lake(pin.paths) as lake:
        counted = int(lake.query("SELECT sum(row_count) AS n FROM mart.quarantine_reasons")["n"][0])
    assert refusal_reasons(pin)["row_count"].sum() == home_figures(pin).refused_count == counted


def test_snapshots_say_who_wrote_them_and_why(pin: Pin) -> None:
    newest = snapshots(pin, "mart").row(0, named=True)
    assert newest["snapshot_id"] == pin.mart_snapshot
    assert (newest["author"], newest["message"]) == ("tests", "Seed the sample company")


def test_covering_leaves_nulls_so_that_a_missing_value_is_seen() -> None:
    rows = covered(pl.DataFrame({"user_id": ["a", None], "input_tokens": [1, 2]}))
    assert rows["user_id"].to_list() == ["•••", None]
    assert rows["input_tokens"].to_list() == [1, 2]


# decisions -------------------------------------------------------------------------------------
def test_a_decision_shows_before_any_build_has_seen_it(own_pin: Pin) -> None:
    before = list_decisions(own_pin, DecisionFilter())
    row = before.row(0, named=True) | {
        "decision_id": "dec_new", "decided_at": NOW + dt.timedelta(minutes=1), "is_success": None,
        "is_overridden": False, "decision_status": "abstained", "action": None, "task_id": None, "needs_human": True,
    }  # fmt: skip
    seed_journal(own_pin.paths, [row], random.Random(1))
    forget_journal()
    after = list_decisions(own_pin, DecisionFilter())
    assert after["decision_id"][0] == "dec_new"
    assert after.height == before.height + 1
    assert "dec_new" in list_decisions(own_pin, DecisionFilter(show="waiting"))["decision_id"]


def test_each_filter_shows_what_it_says(pin: Pin) -> None:
    with read_lake(pin.paths) as lake:
        mart = lake.query("SELECT * FROM mart.decisions")
    expected = {
        "all": mart.height,
        "waiting": mart.filter("needs_human").height,
        "abstained": mart.filter(pl.col("decision_status") == "abstained").height,
        "overridden": mart.filter("is_overridden").height,
        "failed": mart.filter(pl.col("is_success").not_()).height,
    }
    shown = {name: list_decisions(pin, DecisionFilter(show=name)).height for name in expected}  # type: ignore[arg-type]
    assert shown == expected
    assert set(list_decisions(pin, DecisionFilter(kind="route_llm"))["decision_kind"]) == {"route_llm"}


def _first(pin: Pin) -> Decision:
    with StateReader(pin.paths) as journal:
        entries = journal.page("decision", limit=100)
        changed = {entry.subject_id for entry in journal.page("override", limit=100)}
    decisions = [msgspec.json.decode(entry.body, type=Decision) for entry in entries if entry.record_id not in changed]
    return next(decision for decision in decisions if decision.status == "chosen")


def test_a_change_is_journaled_and_stands(own_pin: Pin) -> None:
    decision = _first(own_pin)
    seq = override(own_pin, decision.decision_id, action="human", reason="  I know the client. ", viewer=LOCAL_OWNER)
    detail = decision_detail(own_pin, decision.decision_id)
    assert detail is not None
    assert detail.standing_action == "human"
    assert detail.overrides[-1].reason == "I know the client."
    assert detail.tree_size == seq
    assert detail.decision == decision  # what was sealed does not change


@pytest.mark.parametrize(
    ("action", "reason", "viewer", "error"),
    [
        ("human", "Because of the client.", Viewer("ana", "analyst"), PermissionDeniedError),
        ("human", "  a ", LOCAL_OWNER, DataError),
        ("", "Because of the client.", LOCAL_OWNER, DataError),
        ("no_such_candidate", "Because of the client.", LOCAL_OWNER, DataError),
    ],
)
def test_a_change_that_does_not_fit_is_refused_and_leaves_no_record(
    own_pin: Pin, action: str, reason: str, viewer: Viewer, error: type[Exception]
) -> None:
    with StateReader(own_pin.paths) as journal:
        before = journal.last_seq()
    with pytest.raises(error):
        override(own_pin, _first(own_pin).decision_id, action=action, reason=reason, viewer=viewer)
    with StateReader(own_pin.paths) as journal:
        assert journal.last_seq() == before


def test_a_rule_s_veto_stands_against_the_owner(own_pin: Pin) -> None:
    decision = _first(own_pin)
    forbidden = next(c for c in decision.candidates if any(veto.source == "rule" for veto in c.vetoes))
    with pytest.raises(ComplianceError, match="residency_dubai forbids"):
        override(own_pin, decision.decision_id, action=forbidden.candidate_id, reason="I want it.", viewer=LOCAL_OWNER)
    with pytest.raises(NotFoundError):
        override(own_pin, "dec_unknown", action="human", reason="I want it.", viewer=LOCAL_OWNER)


def test_a_change_works_while_the_api_holds_the_journal_open(own_pin: Pin) -> None:
    with StateStore.open(own_pin.paths, clock=lambda: NOW) as api:
        seq = override(own_pin, _first(own_pin).decision_id, action="human", reason="At once.", viewer=LOCAL_OWNER)
        assert api.last_seq() == seq
