"""Bundles: verified on load, promoted atomically, and scored as scikit-learn would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aurora.decisions.bundles import champion_folder, load_bundle, promote_bundle, write_bundle
from aurora.decisions.scoring import interpolate
from aurora.errors import DataError, NotFoundError

PROMPTS = [
    "What is the title deed fee for a villa in Dubai Marina?",
    "fee fee fee villa VILLA Straße ﬁnance القانون العقاري دبي",
    "zzz qqq",
    "",
    "a b c I",
    "the the quick brown fox jumps over the lazy dog again and again " * 40,
]
MANIFEST: dict[str, Any] = {
    "kind": "route_llm",
    "estimator": "tfidf_ridge_v1",
    "llms": ["alpha", "beta", "gamma"],
    "created_at": "2026-01-01T00:00:00Z",
    "metrics": {"apgr": 0.7},
}


def _arrays(*, seed: int = 0) -> dict[str, np.ndarray]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    fitted = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(PROMPTS[:2] + PROMPTS[5:])
    generator = np.random.default_rng(seed)
    terms = fitted.get_feature_names_out()
    return {
        "vocabulary": np.array(terms, dtype=np.str_),
        "idf": fitted.idf_,
        "coef": generator.normal(size=(len(terms), 3)).astype(np.float32),
        "intercept": generator.normal(size=3),
        "calib_x": np.sort(generator.normal(size=(3, 7)), axis=1),
        "calib_y": np.sort(generator.uniform(size=(3, 7)), axis=1),
        "mean_output_tokens": np.array([10.0, 20.0, 30.0]),
    }


def test_quality_equals_scikit_learns(tmp_path: Path):
    from sklearn.feature_extraction.text import TfidfVectorizer

    arrays = _arrays()
    bundle = load_bundle(write_bundle(tmp_path, MANIFEST, arrays))
    fitted = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(PROMPTS[:2] + PROMPTS[5:])
    raw = fitted.transform(PROMPTS) @ arrays["coef"].astype(np.float64) + arrays["intercept"]
    for prompt, expected in zip(PROMPTS, raw, strict=True):
        np.testing.assert_allclose(bundle.scorer.raw(prompt), expected, atol=1e-6)
        calibrated = [
            np.interp(e, x, y) for e, x, y in zip(expected, arrays["calib_x"], arrays["calib_y"], strict=True)
        ]
        np.testing.assert_allclose(bundle.scorer.quality(prompt), calibrated, atol=1e-6)
    assert list(bundle.quality("villa")) == ["alpha", "beta", "gamma"]


def test_interpolation_is_numpys():
    generator = np.random.default_rng(3)
    for _ in range(200):
        xs = np.sort(np.round(generator.normal(size=6), 1)).tolist()
        ys = np.sort(generator.uniform(size=6)).tolist()
        value = float(generator.choice([generator.normal(), *xs]))
        assert interpolate((xs, ys), value) == pytest.approx(float(np.interp(value, xs, ys)), abs=1e-12)


def test_the_same_content_is_the_same_bundle(tmp_path: Path):
    first = write_bundle(tmp_path, MANIFEST, _arrays())
    assert write_bundle(tmp_path, MANIFEST, _arrays()) == first
    assert write_bundle(tmp_path, MANIFEST, _arrays(seed=1)) != first


def test_promotion_and_rollback_move_the_champion(tmp_path: Path):
    assert champion_folder(tmp_path, "route_llm") is None
    first, second = (write_bundle(tmp_path, MANIFEST, _arrays(seed=seed)) for seed in (0, 1))
    promote_bundle(first)
    promote_bundle(second)
    assert champion_folder(tmp_path, "route_llm") == second
    promote_bundle(first)
    assert champion_folder(tmp_path, "route_llm") == first


@pytest.mark.parametrize("name", ["arrays.npz", "manifest.json"])
def test_a_changed_byte_is_refused(tmp_path: Path, name: str):
    folder = write_bundle(tmp_path, MANIFEST, _arrays())
    content = bytearray((folder / name).read_bytes())
    place = content.index(b"alpha") if name == "manifest.json" else len(content) // 2
    content[place] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(DataError, match="SHA-256"):
        load_bundle(folder)


def test_a_missing_bundle_and_a_wild_champion_are_named(tmp_path: Path):
    with pytest.raises(NotFoundError, match=r"manifest\.json"):
        load_bundle(tmp_path / "nothing")
    (tmp_path / "bundles" / "route_llm").mkdir(parents=True)
    (tmp_path / "bundles" / "route_llm" / "champion").write_text("../../etc")
    with pytest.raises(DataError, match="champion"):
        champion_folder(tmp_path, "route_llm")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("coef", lambda a: a[:, :2]),
        ("idf", lambda a: a[:-1]),
        ("intercept", lambda a: a * np.nan),
        ("calib_x", lambda a: a[:, ::-1]),
        ("calib_y", lambda a: a + 1.0),
        ("mean_output_tokens", lambda a: -a),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, name: str, change: Any):
    arrays = _arrays()
    arrays[name] = change(arrays[name])
    with pytest.raises(DataError, match=name):
        write_bundle(tmp_path, MANIFEST, arrays)
    assert not list(tmp_path.rglob("*.npz"))


def test_an_estimator_serving_does_not_know_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"manifest\.json"):
        write_bundle(tmp_path, {**MANIFEST, "estimator": "forest"}, _arrays())
