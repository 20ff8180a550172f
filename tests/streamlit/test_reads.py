"""What the pages read and hand out: figures against independent sums, the journal over the mart, exports, changes."""

from __future__ import annotations

import datetime as dt
import random
import tomllib
from dataclasses import replace
from pathlib import Path

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
from apps.streamlit.ui.export import Provenance, export_bytes, file_name
from apps.streamlit.ui.health import health_lines
from apps.streamlit.ui.table import label
from apps.streamlit.ui.wording import (
    about_aed,
    aed,
    age,
    change_text,
    duration,
    gulf_time,
    measured,
    money,
    plain,
    share,
    usd,
)
from aurora.errors import ComplianceError, DataError, NotFoundError, PermissionDeniedError
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake, write_lake
from aurora.store.state import StateStore
from contracts.messages.decisions import Decision
from tests.streamlit.company import DAYS, NOW, TODAY, seed_journal
from tests.streamlit.workbook import read_workbook


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
    assert lines["Build"].detail.startswith("7 stages built; last route llm, 14 minutes ago")
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
    assert [record.stage for record in records] == ["fleet", "landing", "journal", "marts", "features", "route_llm"]
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


# exports ---------------------------------------------------------------------------------------
FRAME = pl.DataFrame(
    {
        "assistant_name": ["Clara", "=HYPERLINK(1)", None],
        "cost_usd": [12.5, 0.000012, None],
        "operation_count": [1_200, 3, 0],
        "is_success": [True, False, None],
        "period_date": [dt.date(2026, 11, 25), dt.date(2026, 11, 24), None],
        "decided_at": [dt.datetime(2026, 11, 25, 7, 30, tzinfo=dt.UTC), None, None],
        "skills": [["a", "b"], [], None],
    }
)
FROM = Provenance(
    tenant="demo",
    title="Spend by assistant",
    raw_snapshot=2,
    mart_snapshot=17,
    generated_at=dt.datetime(2026, 11, 25, 8, 0, tzinfo=dt.UTC),
)


def test_a_csv_opens_again_with_the_same_values() -> None:
    content = export_bytes(FRAME, "csv", FROM)
    assert content.startswith(b"\xef\xbb\xbf")  # so that a spreadsheet reads Arabic as UTF-8
    again = pl.read_csv(content, try_parse_dates=True)
    assert again["cost_usd"].to_list() == FRAME["cost_usd"].to_list()
    assert again["operation_count"].to_list() == [1200, 3, 0]
    assert again["period_date"].to_list() == FRAME["period_date"].to_list()
    assert b"2026-11-25T07:30:00Z" in content
    assert again["assistant_name"].to_list() == ["Clara", "'=HYPERLINK(1)", None]
    assert again["skills"].to_list() == ['["a", "b"]', "[]", None]


def test_a_workbook_is_typed_has_its_header_in_view_and_says_where_it_is_from() -> None:
    book = read_workbook(export_bytes(FRAME, "xlsx", FROM))
    data, about = book["Data"], book["About"]
    assert data.frozen_rows == 1
    assert list(data.rows[0].values()) == FRAME.columns
    first = data.rows[1]
    assert (first["A"], first["B"], first["C"], first["D"]) == ("Clara", 12.5, 1200, True)
    assert first["E"] == (dt.date(2026, 11, 25) - dt.date(1899, 12, 30)).days
    assert {"E", "F"} <= data.date_columns
    assert data.rows[2]["A"] == "'=HYPERLINK(1)"
    assert data.rows[2]["B"] == 0.000012
    assert not data.has_formula
    said = {row["A"]: row["B"] for row in about.rows}
    assert said["Tenant"] == "demo"
    assert said["Mart lake snapshot"] == "17"
    assert said["Raw lake snapshot"] == "2"
    assert said["Generated (UTC)"] == "2026-11-25T08:00:00+00:00"
    assert said["Generated (Gulf)"] == "25 Nov 2026, 12:00 GST"


def test_an_export_is_named_after_what_it_holds() -> None:
    assert file_name(FROM, "xlsx") == "aurora_demo_spend-by-assistant_20261125T0800Z.xlsx"


def test_a_table_of_the_lake_survives_both_formats(pin: Pin) -> None:
    figures = cost_figures(pin, TODAY, TODAY).by_llm
    again = pl.read_csv(export_bytes(figures, "csv", FROM))
    assert again["cost_usd"].sum() == pytest.approx(figures["cost_usd"].sum())
    sheet = read_workbook(export_bytes(figures, "xlsx", FROM))["Data"]
    column = next(letter for letter, name in sheet.rows[0].items() if name == "operation_count")
    assert [row[column] for row in sheet.rows[1:]] == figures["operation_count"].to_list()


@pytest.mark.parametrize("export_format", ["csv", "xlsx"])
def test_an_empty_table_can_be_taken_away_too(export_format: str) -> None:
    content = export_bytes(FRAME.clear(), export_format, FROM)  # type: ignore[arg-type]
    assert b"assistant_name" in content if export_format == "csv" else read_workbook(content)["About"].rows


# words -----------------------------------------------------------------------------------------
def test_money_has_as_many_digits_as_matter() -> None:
    amounts = [money(amount) for amount in (0, 12_345.6, 234.561, 0.01234, 0.0000123)]
    assert amounts == ["0.00", "12,346", "234.56", "0.0123", "1.2e-05"]
    assert (aed(100.0), usd(100.0), aed(None)) == ("AED 367.25", "USD 100.00", "–")
    assert about_aed(147.3) == "AED 540"


def test_figures_are_said_in_their_unit() -> None:
    assert [share(value) for value in (0.0, 0.042, 0.5, 0.9999, 1.0, None)] == [
        "0 %", "4.2 %", "50 %", "over 99 %", "100 %", "–",
    ]  # fmt: skip
    assert [duration(value) for value in (850.4, 12_300, None)] == ["850 ms", "12.3 s", "–"]
    assert [measured(value, unit) for value, unit in ((0.1, "share"), (2, "USD"), (3.0, "count"))] == [
        "10 %", "AED 7.34 (USD 2.00)", "3 count",
    ]  # fmt: skip
    assert [change_text(value) for value in (0.08, -0.031, 3.2, None)] == ["+8 %", "-3 %", "+4.2 times", None]


def test_times_are_said_in_gulf_standard_time() -> None:
    moment = dt.datetime(2026, 11, 20, 22, 30, tzinfo=dt.UTC)
    assert gulf_time(moment) == "21 Nov 2026, 02:30 GST"
    ages = [age(moment, moment + dt.timedelta(minutes=minutes)) for minutes in (0, 1, 90, 600, 4_400)]
    assert ages == ["just now", "1 minute ago", "90 minutes ago", "10 hours ago", "3 days ago"]


def test_text_from_outside_cannot_draw_on_a_page() -> None:
    assert plain("[a](http://b) **c** :red[d]") == r"\[a\]\(http\://b\) \*\*c\*\* \:red\[d\]"


def test_a_column_is_called_by_its_meaning_and_unit() -> None:
    assert [label(name) for name in ("cost_usd", "duration_p95_ms", "decide_us", "file_name", "raw_row")] == [
        "Spend (USD)", "p95 (ms)", "Decide (µs)", "File name", "Raw row",
    ]  # fmt: skip


def test_settings_of_the_pages_call_nobody_and_watch_no_file() -> None:
    root = Path(__file__).resolve().parents[2]
    settings = tomllib.loads((root / "apps" / "streamlit" / ".streamlit" / "config.toml").read_text())
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["fileWatcherType"] == "none"
    assert settings["client"]["showErrorDetails"] == "none"
