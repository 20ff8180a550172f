"""The report's figures by hand, what it refuses, what it leaves out, and its hash."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from aurora.errors import NotFoundError, NotReadyError
from aurora.insights.figures import AED_PER_USD
from aurora.insights.report import ALL_SCOPES, FINANCE, RECORDS, hash_of, make_report, sections_of
from aurora.store.lake import create_lake
from aurora.store.paths import create_tenant
from contracts.messages.insights import Figure
from tests.insights.brokerage import COMMISSIONS, copied


def named(section) -> dict[str, Figure]:
    return {figure.name: figure for figure in section.figures}


def lines(section, name):
    part = next(one for one in section.breakdowns if one.name == name)
    return {line.label: {figure.name: figure for figure in line.figures} for line in part.lines}


def every_figure(report) -> list[Figure]:
    found = [figure for section in sections_of(report) for figure in section.figures]
    found += [
        f for section in sections_of(report) for part in section.breakdowns for line in part.lines for f in line.figures
    ]
    return found + [f for one in report.recommendations for f in (one.figure, one.expected_effect)]


def test_revenue_is_the_sum_of_the_sales(report):
    figures = named(report.revenue_impact)
    assert figures["sales_closed"].value == 40
    assert figures["commission"].value == sum(COMMISSIONS)
    half = 1.959964 * sum(x * x for x in COMMISSIONS) ** 0.5
    assert figures["commission"].high == pytest.approx(sum(COMMISSIONS) + half, rel=1e-6)
    assert figures["assisted_sales_share"].value == 0.5
    assert figures["attributed_commission"].value == sum(COMMISSIONS[:20]) / 2
    assert figures["attributed_commission"].basis == "derived"


def test_groups_are_compared_as_groups(report):
    figure = named(report.revenue_impact)["quick_answer_difference"]
    assert figure.value == pytest.approx(30 / 50 - 10 / 50)
    assert figure.low is not None
    assert figure.low > 0
    assert figure.n == 100
    advice = next(one for one in report.recommendations if one.recommendation_id == "answer-quickly")
    assert advice.expected_effect.value is None
    assert "not estimable" in str(advice.expected_effect.missing)


def test_cost_is_in_dirhams_with_how_the_days_vary(report):
    figures = named(report.cost_optimization)
    assert figures["ai_cost"].value == pytest.approx(30 * 2.1 * AED_PER_USD)
    assert figures["ai_cost"].n == 30
    assert figures["unpriced_share"].value == pytest.approx(60 / (30 * 81))
    failed = 30 * 20 * (0.03 * 5 / 20 + 0.01 * 2 / 20) * AED_PER_USD
    assert figures["failed_task_cost"].value == pytest.approx(failed)
    assert (figures["counterfactual_saving"].value, figures["counterfactual_saving"].low) == (0.31, 0.28)


def test_the_same_work_for_less_has_its_saving_and_no_shown_loss(report):
    moves = lines(report.cost_optimization, "same_work_for_less")
    assert list(moves) == ["listing_copy: Clara to Mary"]
    saving = moves["listing_copy: Clara to Mary"]["saving"]
    assert saving.value == pytest.approx(600 * 0.02 * AED_PER_USD)
    assert saving.low is not None
    assert 0 < saving.low < saving.value
    assert report.recommendations[0].expected_effect.value == saving.value


def test_satisfaction_goes_with_what_it_goes_with(report):
    figures = named(report.customer_satisfaction_correlation)
    assert figures["correlation_response_time"].value == pytest.approx(-1, abs=1e-6)
    assert figures["correlation_response_time"].n == 60
    assert figures["correlation_cost"].low < 0 < figures["correlation_cost"].high
    assert figures["correlation_output_tokens"].value is None
    assert "do not differ" in figures["correlation_output_tokens"].missing


def test_a_small_sample_is_refused_by_name_and_threshold(paths, tmp_path: Path, inputs):
    own = copied(paths, tmp_path, sales=5, judgements=29)
    report = make_report(own, inputs, scopes=ALL_SCOPES, time_period="month")
    figure = named(report.customer_satisfaction_correlation)["correlation_response_time"]
    assert (figure.value, figure.missing) == (None, "needs at least 30 pairs; there are 29")
    change = named(report.revenue_impact)["commission_change"]
    assert change.missing == "needs at least 30 sales in each period; there are 5 and 0"
    assert "ask-for-judgements" in [one.recommendation_id for one in report.recommendations]


def test_a_mean_of_a_few_people_is_not_told(paths, tmp_path: Path, inputs):
    report = make_report(copied(paths, tmp_path, judgements=4), inputs, scopes=ALL_SCOPES, time_period="month")
    figure = named(report.customer_satisfaction_correlation)["satisfaction"]
    assert (figure.value, figure.missing) == (None, "needs at least 5 judgements; there are 4")


def test_the_market_is_an_input_and_says_so(report):
    figures = named(report.market_opportunity_analysis)
    assert (figures["market_sales"].value, figures["market_sales"].basis) == (900, "input")
    assert figures["market_growth"].value == 2
    assert figures["commission_pool"].value == 900 * 1_000_000 * 0.02
    marina = lines(report.market_opportunity_analysis, "by_area")["Dubai Marina"]
    assert (marina["own_sales"].value, marina["own_sales"].basis) == (40, "measured")


def test_competitors_are_what_was_brought_in_with_its_source(report):
    (figure,) = report.competitive_positioning.figures
    assert (figure.value, figure.basis) == (0.018, "input")
    assert "Their price page" in figure.how
    ours = lines(report.competitive_positioning, "benchmarks")["buyer commission share (published)"][
        "buyer_commission_share"
    ]
    assert (ours.value, ours.basis) == (pytest.approx(0.02), "measured")


def test_return_is_the_formula_that_is_shown(report):
    line = lines(report.roi_by_industry, "by_industry")["real_estate"]
    cost, earned = line["ai_cost"].value, line["attributed_commission"].value
    assert cost == pytest.approx(60 * AED_PER_USD)
    assert line["return"].value == pytest.approx((earned - cost) / cost)
    assert line["return"].low < line["return"].value < line["return"].high
    assert "(attributed commission - AI cost) / AI cost" in report.roi_by_industry.summary


def test_every_figure_says_unit_source_snapshot_and_what_it_rests_on(report):
    figures = every_figure(report)
    assert len(figures) > 60
    for figure in figures:
        assert figure.unit, figure.name
        assert figure.snapshot == report.mart_snapshot
        assert (figure.value is None) == (figure.missing is not None), figure.name
        if figure.value is not None:
            assert figure.source, figure.name
            assert figure.n is not None or figure.basis == "input", figure.name


def test_no_correlation_is_told_as_a_cause(report):
    text = msgspec.json.encode(report).decode().lower()
    assert re.findall(r"\b(?:because of|causes|caused by|leads to|results in|thanks to|due to|drives)\b", text) == []


def test_what_a_caller_may_not_see_is_left_out_and_said(paths, inputs):
    report = make_report(paths, inputs, scopes={RECORDS}, time_period="month")
    assert report.revenue_impact is None
    assert report.cost_optimization is None
    assert report.roi_by_industry is None
    assert {one.section for one in report.left_out} >= {"revenue_impact", "cost_optimization", "roi_by_industry"}
    assert {one.needs_scope for one in report.left_out} == {FINANCE}
    assert not [one for one in report.recommendations if one.expected_effect.value]
    assert not [figure for figure in every_figure(report) if "cost_daily" in figure.source]


def test_single_sales_are_for_those_who_may_see_records(paths, inputs, report):
    assert lines(report.revenue_impact, "largest_sales")
    without = make_report(paths, inputs, scopes={FINANCE}, time_period="month")
    assert [one.name for one in without.revenue_impact.breakdowns] == ["by_channel", "by_area"]
    assert [one.needs_scope for one in without.left_out] == [RECORDS]
    assert "D39" not in msgspec.json.encode(without).decode()


def test_an_industry_narrows_costs_and_leaves_foreign_sales_out(paths, inputs):
    health = make_report(paths, inputs, scopes=ALL_SCOPES, time_period="month", industry="healthcare")
    assert named(health.revenue_impact)["sales_closed"].value == 0
    assert named(health.cost_optimization)["ai_cost"].value is None
    assert list(lines(health.roi_by_industry, "by_industry")) == []
    with pytest.raises(NotFoundError, match="automotive") as unknown:
        make_report(paths, inputs, scopes=ALL_SCOPES, time_period="month", industry="automotive")
    assert "healthcare, real_estate" in unknown.value.next_step


def test_the_same_snapshot_gives_the_same_hash_and_other_figures_another(paths, inputs, report, tmp_path: Path):
    again = make_report(
        paths, inputs, scopes=ALL_SCOPES, time_period="month", raw_at=report.raw_snapshot, mart_at=report.mart_snapshot
    )
    assert again.report_hash == report.report_hash == hash_of(report)
    other = make_report(copied(paths, tmp_path, sales=39), inputs, scopes=ALL_SCOPES, time_period="month")
    assert other.report_hash != report.report_hash


def test_before_the_marts_there_is_no_report(tmp_path: Path, inputs):
    paths = create_tenant(tmp_path, "new", "ae-dubai")
    create_lake(paths)
    with pytest.raises(NotReadyError, match="not built yet"):
        make_report(paths, inputs, scopes=ALL_SCOPES)
