"""What the estimator sees of a prompt, and how prompts are kept apart: tokens, keys, folds, labelled blocks.

The point of truth for tokenisation: a bundle's manifest carries these constants, and serving follows the
manifest. Loading of data sets is in `sources`, fitting in `estimator`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

Floats = NDArray[np.float64]

TOKEN_PATTERN = r"(?u)\w+|[^\w\s]"  # noqa: S105 - a pattern of words
"""Words of any length and single marks: signs of formulas, code and choices tell kinds of question apart."""
NGRAM_RANGE = (1, 2)
MAX_TERMS = 30_000
MIN_PROMPTS_PER_TERM = 2
CHARACTERS_PER_TOKEN = 4.0
"""Rule of thumb for English: what a prompt costs is known before any tokenizer of a provider is asked."""
FOLD_COUNT = 5
HELD_OUT_SHARE = 0.2

_NOT_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """List price of a language model, USD for a million tokens."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPrompts:
    """Prompts that every one of `llms` has answered. `quality` and `cost_usd` are (prompts, llms).

    `task_types` are features (None where serving would not know it either); `groups` only name the rows
    for reports.
    """

    source: str
    prompts: tuple[str, ...]
    llms: tuple[str, ...]
    quality: Floats
    cost_usd: Floats
    prices: Mapping[str, Price]
    mean_output_tokens: Mapping[str, float]
    task_types: tuple[str | None, ...]
    groups: tuple[str, ...]
    is_sample: bool = False
    dropped_count: int = 0

    def take(self, rows: Sequence[int] | NDArray[Any]) -> LabelledPrompts:
        """The block with only these rows, in this order."""
        index = np.asarray(rows, dtype=np.intp)
        return LabelledPrompts(
            source=self.source,
            prompts=tuple(self.prompts[i] for i in index),
            llms=self.llms,
            quality=self.quality[index],
            cost_usd=self.cost_usd[index],
            prices=self.prices,
            mean_output_tokens=self.mean_output_tokens,
            task_types=tuple(self.task_types[i] for i in index),
            groups=tuple(self.groups[i] for i in index),
            is_sample=self.is_sample,
            dropped_count=self.dropped_count,
        )


def prompt_key(prompt: str) -> str:
    """Words of the prompt in lower case: prompts that differ only in case, space or punctuation are one."""
    return _NOT_WORD.sub(" ", prompt.lower()).strip()


def _fraction(key: str, salt: str) -> float:
    return int.from_bytes(hashlib.sha256(f"{salt}:{key}".encode()).digest()[:8], "big") / 2**64


def is_held_out(prompt: str) -> bool:
    """Whether this question is for evaluation only.

    It hangs on the question alone, so a duplicate never straddles the split, in no source, and a champion
    of last month never trained on what judges it today.
    """
    return _fraction(prompt_key(prompt), "held-out") < HELD_OUT_SHARE


def fold_of(prompt: str) -> int:
    """Cross-validation fold of a question, 0 to FOLD_COUNT - 1; duplicates share it."""
    return int(_fraction(prompt_key(prompt), "fold") * FOLD_COUNT)


def split(block: LabelledPrompts) -> tuple[LabelledPrompts, LabelledPrompts]:
    """The block's training and held-out rows."""
    held_out = np.array([is_held_out(prompt) for prompt in block.prompts], dtype=bool)
    return block.take(np.flatnonzero(~held_out)), block.take(np.flatnonzero(held_out))


def input_tokens(prompts: Sequence[str]) -> Floats:
    """Estimated input tokens of each prompt."""
    return np.array([len(prompt) for prompt in prompts], dtype=np.float64) / CHARACTERS_PER_TOKEN


def expected_cost_usd(
    prompts: Sequence[str],
    llms: Sequence[str],
    prices: Mapping[str, Price],
    output_tokens: Mapping[str, float] | Floats,
) -> Floats:
    """What each llm is expected to cost for each prompt, USD, (prompts, llms).

    `output_tokens` is one length of answers an llm, or one for each prompt and llm.
    """
    into = np.array([prices[llm].input_usd_per_mtok for llm in llms]) / 1e6
    out = np.array([prices[llm].output_usd_per_mtok for llm in llms]) / 1e6
    tokens = output_tokens if isinstance(output_tokens, np.ndarray) else np.array([output_tokens[i] for i in llms])
    return np.asarray(input_tokens(prompts)[:, None] * into[None, :] + tokens * out, dtype=np.float64)


def make_vectoriser(
    vocabulary: Sequence[str] | None = None, *, max_terms: int = MAX_TERMS, min_prompts: int = MIN_PROMPTS_PER_TERM
) -> TfidfVectorizer:
    """Sublinear TF-IDF of one and two tokens, rows of length one; not yet fitted."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=NGRAM_RANGE,
        token_pattern=TOKEN_PATTERN,
        lowercase=True,
        sublinear_tf=True,
        norm="l2",
        min_df=1 if vocabulary is not None else min_prompts,
        max_features=None if vocabulary is not None else max_terms,
        vocabulary=None if vocabulary is None else {term: i for i, term in enumerate(vocabulary)},
    )
