"""The estimator finds what was put into the samples, and serving gives the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ml.route_llm import estimator as estimators
from ml.route_llm import samples
from ml.route_llm.features import LabelledPrompts, Price, split
from ml.route_llm.pipeline import as_pipeline


@pytest.fixture(scope="module")
def block() -> LabelledPrompts:
    return samples.make_samples(seed=11, count=900)


@pytest.fixture(scope="module")
def fitted(block):
    return estimators.fit([split(block)[0]], grid=(1.0, 10.0))


def test_it_knows_who_is_good_at_what(fitted):
    quality = fitted.estimator.predict(
        ["Write a SQL query that counts leads in Deira by weekday.", "Translate this listing of a villa into Arabic."]
    )
    code, plain = fitted.estimator.columns(["codegemma-7b", "mistral-7b-instruct-v0.3"])

    assert quality[0, code] > quality[0, plain]
    assert quality[1, code] < quality[1, plain]


def test_predictions_are_shares_and_calibration_never_falls(fitted):
    found = fitted.estimator

    assert (np.diff(found.calib_x, axis=1) > 0).all()
    assert (np.diff(found.calib_y, axis=1) >= 0).all()
    assert found.calib_y.min() >= 0
    assert found.calib_y.max() <= 1


def test_fitting_twice_gives_the_same_arrays(block, fitted):
    again = estimators.fit([split(block)[0]], grid=(1.0, 10.0)).estimator

    assert again.vocabulary == fitted.estimator.vocabulary
    assert np.array_equal(again.coef, fitted.estimator.coef)
    assert np.array_equal(again.calib_y, fitted.estimator.calib_y)


def test_the_registered_pipeline_gives_the_same_raw_scores(block, fitted):
    prompts = block.prompts[:50]

    assert np.allclose(as_pipeline(fitted.estimator).predict(prompts), fitted.estimator.raw(prompts), atol=1e-9)


def test_a_smaller_source_borrows_the_difficulty_it_has_not_seen(block):
    easy = np.flatnonzero([group == "reply" for group in block.groups])
    other = block.take(easy)
    stranger = LabelledPrompts(
        source="other",
        prompts=tuple(f"{p} Please." for p in other.prompts),
        llms=("stranger",),
        quality=np.ones((len(easy), 1)) * 0.9,
        cost_usd=other.cost_usd[:, :1],
        prices={"stranger": Price(input_usd_per_mtok=1.0, output_usd_per_mtok=1.0)},
        mean_output_tokens={"stranger": 10.0},
        task_types=other.task_types,
        groups=other.groups,
    )

    raw = estimators.fit([block, stranger], grid=(1.0,)).estimator
    column = raw.columns(["stranger"])[0]
    hard = "Does a cash payment by the investor have to be reported? Explain each step and name every exception."

    assert raw.raw([hard])[0, column] < raw.raw(["Answer the tenant: can the viewing be moved?"])[0, column] - 0.05


def test_task_types_are_features_only_where_they_are_known():
    block = samples.make_samples(seed=2, count=400)
    labelled = LabelledPrompts(
        **{name: getattr(block, name) for name in LabelledPrompts.__slots__} | {"task_types": block.groups}
    )

    found = estimators.fit([labelled], grid=(3.0,)).estimator
    plain = found.raw(["hello there"])

    assert found.task_types == tuple(sorted(set(block.groups)))
    assert np.array_equal(found.raw(["hello there"], ["unheard of"]), plain)
    assert not np.array_equal(found.raw(["hello there"], ["sql"]), plain)
