"""Seeded, made-up labelled prompts for machines without the public data sets. Every use of them says `sample`.

A small world with a known truth: work of a brokerage in nine kinds, each easy or hard by its wording, and
language models of known skill in each kind. So training, gate, bundle and decision run anywhere on one path,
and tests can ask whether the estimator finds what was put in.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.route_llm.features import LabelledPrompts, Price, expected_cost_usd

OUTPUT_TOKENS = 220.0
SAMPLE_COUNT = 2400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of work: templates with slots, and how hard it is (logit)."""

    templates: tuple[str, ...]
    difficulty: float


_SLOTS: Mapping[str, tuple[str, ...]] = {
    "area": ("Dubai Marina", "Jumeirah", "Business Bay", "Al Barsha", "Deira", "Arabian Ranches", "Downtown"),
    "unit": ("studio", "one-bedroom flat", "two-bedroom flat", "penthouse", "villa", "townhouse", "office"),
    "person": ("the buyer", "the tenant", "the landlord", "a new lead", "the investor", "the seller"),
    "number": tuple(str(n) for n in range(120, 990, 7)),
    "share": ("two", "four", "five", "seven", "ten"),
    "day": ("Sunday", "Monday", "Tuesday", "Thursday", "Saturday"),
    "table": ("leads", "viewings", "contracts", "payments", "listings"),
    "tone": ("friendly", "formal", "short", "warm"),
    "document": ("title deed", "tenancy contract", "power of attorney", "sale agreement", "passport copy"),
}
_EASY = ("", " Keep it brief.", " One sentence is enough.")
_HARD = (
    " Explain each step and name every exception with its legal basis.",
    " Consider all edge cases and prove that nothing is missed.",
    " The figures contradict each other: find out which is wrong before you answer.",
)
_KINDS: Mapping[str, _Kind] = {
    "reply": _Kind(
        difficulty=-1.6,
        templates=(
            "Write a {tone} reply to {person} who asks whether the {unit} in {area} is still available.",
            "Answer {person}: can the viewing of the {unit} be moved to {day}?",
        ),
    ),
    "translate": _Kind(
        difficulty=-0.6,
        templates=(
            "Translate into Arabic for {person}: the {unit} in {area} is ready for handover on {day}.",
            "Translate this listing of a {unit} in {area} into {tone} Arabic.",
        ),
    ),
    "summarise": _Kind(
        difficulty=-1.0,
        templates=(
            "Summarise the call with {person} about the {unit} in {area}.",
            "Give the three main points of the {document} for {person}.",
        ),
    ),
    "extract": _Kind(
        difficulty=-0.4,
        templates=(
            "Extract names, dates and amounts from the {document} of {person} as JSON.",
            "Which fields of the {document} for the {unit} in {area} are missing?",
        ),
    ),
    "arithmetic": _Kind(
        difficulty=0.8,
        templates=(
            "The {unit} costs {number} thousand dirhams, {share} percent is paid each quarter. How much is left?",
            "Compute the yield: rent {number} a month, price {number} thousand, service charge {share} percent.",
        ),
    ),
    "sql": _Kind(
        difficulty=0.5,
        templates=(
            "Write a SQL query that counts {table} in {area} by weekday for the last {number} days.",
            "Write a function that joins {table} with payments and returns the top {share} rows.",
        ),
    ),
    "regulation": _Kind(
        difficulty=1.1,
        templates=(
            "May we market the {unit} in {area} before the permit is issued, and which rule says so?",
            "Does a cash payment of {number} thousand by {person} have to be reported, and to whom?",
        ),
    ),
    "valuation": _Kind(
        difficulty=0.9,
        templates=(
            "Estimate a fair price of the {unit} in {area} from {share} comparable sales near {number} thousand.",
            "Is {number} thousand a fair rent for a {unit} in {area}? Weigh the comparables.",
        ),
    ),
    "schedule": _Kind(
        difficulty=0.1,
        templates=(
            "Plan {share} viewings on {day} between {area} and Al Barsha with the least driving.",
            "{person} can only come on {day}: propose {share} slots for the {unit}.",
        ),
    ),
}
_SMALL, _LARGE = 0.20, 0.90
# candidate: price for a million tokens, general skill (logit), and what it is unusually good or bad at.
_LLMS: Mapping[str, tuple[float, float, Mapping[str, float]]] = {
    "codegemma-7b": (_SMALL, -0.9, {"sql": 2.6, "extract": 0.8}),
    "gemma-2-9b-it": (0.10, 0.4, {"translate": 1.2}),
    "llama-3.1-8b-instruct": (_SMALL, 0.5, {"reply": 0.6}),
    "llama-3.1-nemotron-51b-instruct": (_LARGE, 1.5, {"regulation": 0.8}),
    "llama-3.3-nemotron-super-49b-v1": (_LARGE, 1.3, {"arithmetic": 1.4, "valuation": 0.6}),
    "llama3-chatqa-1.5-70b": (_LARGE, -0.8, {"summarise": 1.6}),
    "llama3-chatqa-1.5-8b": (_SMALL, -1.2, {"summarise": 1.0}),
    "mistral-7b-instruct-v0.3": (_SMALL, -0.4, {}),
    "qwen2.5-7b-instruct": (_SMALL, 0.2, {"arithmetic": 1.6, "translate": 0.4}),
}


def make_samples(*, seed: int, count: int = SAMPLE_COUNT, source: str = "sample") -> LabelledPrompts:
    """`count` made-up prompts with made-up 0/1 quality of nine llms. Same seed, same rows."""
    draw = random.Random(seed)
    kinds = [draw.choice(sorted(_KINDS)) for _ in range(count)]
    is_hard = [draw.random() < 0.4 for _ in range(count)]
    prompts = tuple(_fill(draw, kind, hard=hard) for kind, hard in zip(kinds, is_hard, strict=True))
    llms = tuple(sorted(_LLMS))
    chance = np.array([[_chance(llm, kind, hard=h) for llm in llms] for kind, h in zip(kinds, is_hard, strict=True)])
    quality = (np.random.default_rng(seed).random(chance.shape) < chance).astype(np.float64)
    prices = {llm: Price(input_usd_per_mtok=_LLMS[llm][0], output_usd_per_mtok=_LLMS[llm][0]) for llm in llms}
    tokens = dict.fromkeys(llms, OUTPUT_TOKENS)
    return LabelledPrompts(
        source=source,
        prompts=prompts,
        llms=llms,
        quality=quality,
        cost_usd=expected_cost_usd(prompts, llms, prices, tokens),
        prices=prices,
        mean_output_tokens=tokens,
        task_types=(None,) * count,
        groups=tuple(kinds),
        is_sample=True,
    )


def _fill(draw: random.Random, kind: str, *, hard: bool) -> str:
    template = draw.choice(_KINDS[kind].templates)
    filled = template.format(**{slot: draw.choice(values) for slot, values in _SLOTS.items()})
    return filled[0].upper() + filled[1:] + draw.choice(_choices(hard=hard))


def _choices(*, hard: bool) -> Sequence[str]:
    return _HARD if hard else _EASY


def _chance(llm: str, kind: str, *, hard: bool) -> float:
    _, skill, gifts = _LLMS[llm]
    logit = 1.2 + skill + gifts.get(kind, 0.0) - _KINDS[kind].difficulty - (1.4 if hard else 0.0)
    return float(1.0 / (1.0 + np.exp(-logit)))
