"""Prompts are kept apart by their words alone."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ml.route_llm import samples
from ml.route_llm.features import FOLD_COUNT, expected_cost_usd, fold_of, is_held_out, prompt_key, split


@given(st.text(max_size=80))
def test_a_prompt_that_differs_in_case_and_space_is_the_same_question(prompt):
    twin = f"  {prompt.lower()} !\n"

    assert prompt_key(twin) == prompt_key(prompt)
    assert is_held_out(twin) == is_held_out(prompt)
    assert fold_of(twin) == fold_of(prompt)
    assert 0 <= fold_of(prompt) < FOLD_COUNT


def test_duplicates_never_straddle_the_split():
    block = samples.make_samples(seed=3, count=600)
    doubled = block.take([*range(600), *range(0, 600, 2)])

    kept, held = split(doubled)

    assert len(kept.prompts) + len(held.prompts) == 900
    assert not {prompt_key(p) for p in kept.prompts} & {prompt_key(p) for p in held.prompts}


def test_the_held_out_share_is_about_a_fifth():
    prompts = [f"question number {i}" for i in range(4000)]

    assert 0.17 < sum(map(is_held_out, prompts)) / 4000 < 0.23


def test_samples_are_the_same_for_the_same_seed_and_say_that_they_are_samples():
    one, two, other = (samples.make_samples(seed=seed, count=200) for seed in (1, 1, 2))

    assert one.prompts == two.prompts
    assert (one.quality == two.quality).all()
    assert one.prompts != other.prompts
    assert one.is_sample


def test_expected_cost_grows_with_the_prompt_and_the_price():
    block = samples.make_samples(seed=1, count=2)
    cost = expected_cost_usd(["x" * 40, "x" * 4000], block.llms, block.prices, block.mean_output_tokens)

    assert (cost[1] > cost[0]).all()
    cheap, dear = block.llms.index("gemma-2-9b-it"), block.llms.index("llama-3.1-nemotron-51b-instruct")
    assert (cost[:, dear] > cost[:, cheap]).all()


def test_only_tracking_imports_mlflow():
    root = Path(__file__).parents[2] / "ml"
    guilty = [
        file.relative_to(root).as_posix()
        for file in root.rglob("*.py")
        if "import mlflow" in (text := file.read_text(encoding="utf-8")) or "from mlflow" in text
    ]

    assert guilty == ["tracking.py"]
