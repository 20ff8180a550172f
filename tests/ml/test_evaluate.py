"""Figures of evaluation, on cases small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.route_llm import samples
from ml.route_llm.evaluate import (
    average_quality,
    calibration,
    cost_share_at,
    evaluate,
    hull_margin,
    route,
    route_at_cost,
    standing,
    upper_hull,
)


def test_equal_utilities_go_to_the_cheaper_llm():
    chosen = route(np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([[2.0, 1.0], [2.0, 1.0]]), 0.0)

    assert chosen.tolist() == [1, 0]


def test_the_hull_leaves_out_what_a_mixture_beats():
    hull = upper_hull(np.array([[1.0, 0.2], [2.0, 0.3], [3.0, 0.8], [4.0, 0.7]]))

    assert hull.tolist() == [[1.0, 0.2], [3.0, 0.8]]


def test_average_quality_is_the_area_over_the_costs():
    assert average_quality(np.array([[0.0, 0.0], [1.0, 1.0]]), 0.0, 1.0) == pytest.approx(0.5)
    assert average_quality(np.array([[0.0, 0.6]]), 0.0, 1.0) == pytest.approx(0.6)


def test_the_cost_share_is_the_cheapest_point_that_is_good_enough():
    curve = np.array([[1.0, 0.5], [2.0, 0.8], [4.0, 0.9]])

    assert cost_share_at(curve, 0.8, 4.0) == 0.5
    assert cost_share_at(curve, 0.95, 4.0) == 1.0


def test_routing_at_a_cost_never_expects_to_pay_more():
    rng = np.random.default_rng(0)
    predicted, cost = rng.random((300, 4)), np.tile([1.0, 2.0, 3.0, 9.0], (300, 1))

    chosen = route_at_cost(predicted, cost, 1)

    assert cost[np.arange(300), chosen].mean() <= 2.0


def test_a_perfectly_calibrated_forecast_has_no_error_and_a_boastful_one_has():
    truth = (np.arange(1000) % 10 < 7).astype(float)

    assert calibration(np.full(1000, 0.7), truth)[0] == pytest.approx(0.0, abs=1e-9)
    assert calibration(np.full(1000, 0.95), truth)[0] == pytest.approx(0.25)


def test_an_oracle_beats_every_single_llm_and_a_constant_ties_with_the_best():
    block = samples.make_samples(seed=5, count=400)
    best = int(block.quality.mean(axis=0).argmax())
    flat = np.tile(block.quality.mean(axis=0), (400, 1))

    oracle = evaluate([block], [block.quality], [best]).metrics
    constant = evaluate([block], [flat], [best]).metrics

    assert oracle["quality_max"] == oracle["quality_oracle"]
    assert oracle["gain_equal_cost"] > 0.05
    assert oracle["sample.hull_margin"] >= -1e-9
    assert constant["gain_equal_cost"] == pytest.approx(0.0, abs=1e-9)
    assert hull_margin(np.array([[1.0, 0.5]]), np.array([[1.0, 0.5], [2.0, 0.9]])) < 0


def test_a_router_below_the_single_llms_stands_below_one_that_is_not():
    quality = np.tile([[0.0, 1.0], [1.0, 1.0]], (20, 1))
    cost = np.tile([1.0, 3.0], (40, 1))

    knows = standing(quality, cost, quality, cost)
    misled = standing(quality[:, ::-1] - quality, cost, quality, cost)

    assert knows == pytest.approx((0.0, 0.875), abs=1e-3)
    assert misled[0] < 0.0
    assert misled < knows
