"""Where labelled prompts come from: public benchmarks read in place, or samples that Aurora makes itself.

One function a data set, each giving `LabelledPrompts`; none of their rows is ever copied into the project.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from aurora.errors import DataError
from ml.route_llm.features import Floats, LabelledPrompts, Price, expected_cost_usd, input_tokens

LLMROUTER = Path("llmrouter") / "dc_train.json"
LLMROUTER_PRICES = Path("llmrouter") / "default_llm.json"
ROUTERBENCH = Path("routerbench") / "routerbench_0shot_train.parquet"
ASSUMED_OUTPUT_TOKENS = 220.0
"""Length of an answer where the data records none: the same for every llm, so it only scales the cost."""

_ROUTERBENCH_USD_PER_MTOK: Mapping[str, tuple[float, float]] = {
    # The list prices of the months in which RouterBench was recorded (input, output).
    "WizardLM/WizardLM-13B-V1.2": (0.30, 0.30),
    "claude-instant-v1": (0.80, 2.40),
    "claude-v1": (8.00, 24.00),
    "claude-v2": (8.00, 24.00),
    "gpt-3.5-turbo-1106": (1.00, 2.00),
    "gpt-4-1106-preview": (10.00, 30.00),
    "meta/code-llama-instruct-34b-chat": (0.776, 0.776),
    "meta/llama-2-70b-chat": (0.90, 0.90),
    "mistralai/mistral-7b-chat": (0.20, 0.20),
    "mistralai/mixtral-8x7b-chat": (0.60, 0.60),
    "zero-one-ai/Yi-34B-Chat": (0.80, 0.80),
}


def find_sources(data: Path) -> list[Path]:
    """Files below `data` that real training reads, in order; empty on a machine without them."""
    files = [data / LLMROUTER, data / LLMROUTER_PRICES, data / ROUTERBENCH]
    return [file for file in files if file.is_file()]


def hash_sources(files: Sequence[Path], *, recipe: str) -> str:
    """SHA-256 over the files' content and the recipe: what a training run depends on."""
    digest = hashlib.sha256(recipe.encode())
    for file in files:
        digest.update(file.name.encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def load_real(data: Path) -> list[LabelledPrompts]:
    """Blocks of the public data sets that stand below `data`."""
    blocks = []
    if (data / LLMROUTER).is_file() and (data / LLMROUTER_PRICES).is_file():
        blocks.append(read_llmrouter(data / LLMROUTER, data / LLMROUTER_PRICES))
    if (data / ROUTERBENCH).is_file():
        blocks.append(read_routerbench(data / ROUTERBENCH))
    return blocks


def _decode(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except msgspec.DecodeError as error:
        raise DataError(
            f"{file.name} is not JSON: {error}.",
            field=str(file.name),
            rule="JSON",
            next_step="Fetch the file again, or remove it to train on samples.",
        ) from error


def read_llmrouter(questions: Path, prices: Path) -> LabelledPrompts:
    """LLMRouter: each question with the score (0 to 1) of every llm; prices apart; no token counts."""
    rows, book = _decode(questions), _decode(prices)
    try:
        llms = tuple(sorted(rows[0]["scores"]))
        texts = tuple(str(row["question"]) for row in rows)
        quality = np.array([[float(row["scores"][llm]) for llm in llms] for row in rows])
        priced = {
            llm: Price(
                input_usd_per_mtok=float(book[llm]["input_price"]), output_usd_per_mtok=float(book[llm]["output_price"])
            )
            for llm in llms
        }
        groups = tuple(str(row.get("task_name") or f"cluster_{row.get('cluster_id')}") for row in rows)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"{questions.name} does not hold LLMRouter's rows: {error!r}.",
            field="scores",
            rule="every question has a score of every llm, and every llm a price",
            next_step="Fetch the file again, or remove it to train on samples.",
        ) from error
    tokens = dict.fromkeys(llms, ASSUMED_OUTPUT_TOKENS)
    return LabelledPrompts(
        source="llmrouter",
        prompts=texts,
        llms=llms,
        quality=quality,
        cost_usd=expected_cost_usd(texts, llms, priced, tokens),
        prices=priced,
        mean_output_tokens=tokens,
        task_types=(None,) * len(texts),
        groups=groups,
    )


def read_routerbench(file: Path) -> LabelledPrompts:
    """RouterBench: each prompt with quality and recorded cost of every llm. Rows with a gap are counted, not used."""
    frame = pl.read_parquet(file)
    llms = tuple(sorted(c.removesuffix("|total_cost") for c in frame.columns if c.endswith("|total_cost")))
    costs = [f"{llm}|total_cost" for llm in llms]
    numbers = pl.col([*llms, *costs])
    whole = frame.filter(pl.all_horizontal(numbers.is_not_null() & numbers.is_not_nan()))
    texts = tuple(_unquote(prompt) for prompt in whole["prompt"])
    cost = whole.select(costs).to_numpy().astype(np.float64)
    prices = {llm: _routerbench_price(llm) for llm in llms}
    return LabelledPrompts(
        source="routerbench",
        prompts=texts,
        llms=llms,
        quality=whole.select(llms).to_numpy().astype(np.float64),
        cost_usd=cost,
        prices=prices,
        mean_output_tokens=_fit_output_tokens(texts, llms, cost, prices),
        task_types=(None,) * len(texts),
        groups=tuple(whole["task"].to_list()) if "task" in whole.columns else ("all",) * len(texts),
        dropped_count=frame.height - whole.height,
    )


def _routerbench_price(llm: str) -> Price:
    try:
        given = _ROUTERBENCH_USD_PER_MTOK[llm]
    except KeyError:
        raise DataError(
            f"RouterBench names an llm without a price: {llm!r}.",
            field=llm,
            rule="every llm has a list price",
            next_step="Add its list price in ml/route_llm/sources.py.",
        ) from None
    return Price(input_usd_per_mtok=given[0], output_usd_per_mtok=given[1])


def _unquote(prompt: str) -> str:
    """RouterBench stores a prompt as the text of a Python list."""
    if not prompt.startswith("["):
        return prompt
    try:
        parts = ast.literal_eval(prompt)
    except (ValueError, SyntaxError):
        return prompt
    return "\n".join(str(part) for part in parts)


def _fit_output_tokens(
    prompts: Sequence[str], llms: Sequence[str], cost_usd: Floats, prices: Mapping[str, Price]
) -> dict[str, float]:
    """Mean answer length that explains the recorded cost beyond the prompt's own."""
    prompt_usd = input_tokens(prompts).mean() / 1e6
    return {
        llm: max(0.0, float(cost_usd[:, i].mean() - prompt_usd * prices[llm].input_usd_per_mtok))
        / (prices[llm].output_usd_per_mtok / 1e6)
        for i, llm in enumerate(llms)
    }
