"""The estimator as scikit-learn knows it: what MLflow's registry keeps beside the bundle."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.route_llm.estimator import Estimator
from ml.route_llm.features import make_vectoriser


def as_pipeline(estimator: Estimator) -> Any:
    """The same raw scores as a scikit-learn pipeline: what the registry keeps, and what serving is held to."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline

    vectoriser = make_vectoriser(estimator.vocabulary)
    vectoriser.idf_ = estimator.idf
    ridge = Ridge()
    ridge.coef_ = estimator.coef.T.astype(np.float64)
    ridge.intercept_ = estimator.intercept
    ridge.n_features_in_ = len(estimator.vocabulary)
    return Pipeline([("tfidf", vectoriser), ("ridge", ridge)])
