"""The language models that the fleet calls, how good they really are, and what they cost when.

Three kinds: those of the pack at their own endpoints, public ones at list price (as the samples use them), and two
of a simulated regional provider whose prices are announced and change within the frame. The price book cannot know
these, so their price of the day comes with each call, as a gateway would log it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from aurora.ingest.sample_operations import LLMS
from twin.fleet.skill import Skills
from twin.frame import Frame

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

REGIONAL: Final = "simulated_gulf"
"""The simulated provider whose prices change."""
_QUALITY: Final = {
    "gpt-5-mini": 0.76,
    "gpt-4o-mini": 0.64,
    "gpt-4.1-mini": 0.7,
    "claude-haiku-4-5": 0.74,
    "claude-sonnet-4-5": 0.82,
    "gemini-2.5-flash": 0.71,
}
_REGIONAL: Final = (("gulf-falcon-40b", 0.66, "0.55", "0.95"), ("gulf-jais-30b", 0.58, "0.30", "0.60"))
"""Name, quality, and the first prices: USD a million tokens in, and out."""
_CHANGES: Final = ((0.33, 0.8), (0.55, 1.35), (0.78, 0.7))
"""Where in the frame prices change, and what about they are multiplied by."""
_DEFAULT_SHARE, _SECOND_SHARE = 0.58, 0.24
_PACK_INPUT_TOKENS: Final = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinLlm:
    """One language model as the twin knows it; sizes and times are typical ones of a call."""

    provider_name: str
    llm: str
    operation_name: str
    quality: float
    input_tokens: float
    output_tokens: float
    duration_ms: float
    error_share: float
    privacy_classes: tuple[str, ...] = ("public", "internal", "personal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """All of them, and the truth of their quality by task type (language models x task types)."""

    llms: tuple[TwinLlm, ...]
    quality: Floats
    habits: Floats
    """Shares of language models (columns) in the calls of an assistant (rows); embedders have none."""
    embedder: int
    prices: pl.DataFrame
    """Announced prices: provider, language model, `valid_from`, `input_usd_per_mtok`, `output_usd_per_mtok`."""

    def table(self, task_types: tuple[str, ...]) -> pl.DataFrame:
        """Quality as rows, one a language model and task type."""
        return pl.DataFrame(
            [
                {"provider_name": one.provider_name, "request_model": one.llm, "task_type": name, "quality": q}
                for one, row in zip(self.llms, self.quality.tolist(), strict=True)
                if one.operation_name != "embeddings"
                for name, q in zip(task_types, row, strict=True)
            ]
        )


def draw_roster(frame: Frame, skills: Skills) -> Roster:
    """The language models of this seed."""
    draw = frame.draws("language models")
    llms = (*_of_pack(frame), *_public(), *_regional())
    prior = np.array([one.quality for one in llms])[:, None]
    quality = np.clip(prior + draw.normal(0, 0.07, (len(llms), len(skills.task_types))), 0.05, 0.98)
    return Roster(
        llms=llms,
        quality=quality,
        habits=_habits(draw, skills, llms),
        embedder=next(place for place, one in enumerate(llms) if one.operation_name == "embeddings"),
        prices=_announced(frame, draw),
    )


def _of_pack(frame: Frame) -> list[TwinLlm]:
    return [
        TwinLlm(
            provider_name=one.provider_name,
            llm=one.request_model,
            operation_name="chat",
            quality=one.prior.quality,
            input_tokens=_PACK_INPUT_TOKENS,
            output_tokens=one.prior.output_tokens,
            duration_ms=one.prior.duration_ms,
            error_share=0.02,
            privacy_classes=one.privacy_classes or ("public", "internal"),
        )
        for one in frame.pack.llms
    ]


def _public() -> list[TwinLlm]:
    return [
        TwinLlm(
            provider_name=one.provider_name,
            llm=one.llm,
            operation_name=one.operation_name,
            quality=_QUALITY.get(one.llm, 0.6),
            input_tokens=one.input_tokens,
            output_tokens=one.output_tokens,
            duration_ms=one.duration_ms,
            error_share=one.error_share,
        )
        for one in LLMS
    ]


def _regional() -> list[TwinLlm]:
    return [
        TwinLlm(
            provider_name=REGIONAL,
            llm=name,
            operation_name="chat",
            quality=quality,
            input_tokens=1100,
            output_tokens=260,
            duration_ms=1500,
            error_share=0.03,
            privacy_classes=("public", "internal", "personal", "sensitive"),
        )
        for name, quality, _, _ in _REGIONAL
    ]


def _habits(draw: np.random.Generator, skills: Skills, llms: tuple[TwinLlm, ...]) -> Floats:
    """An assistant mostly calls the language model it was built with; how good that is played no part."""
    speaks = np.array([one.operation_name != "embeddings" for one in llms])
    found = np.zeros((len(skills.assistants), len(llms)))
    for who, assistant in enumerate(skills.assistants):
        cleared = [set(assistant.privacy_classes) <= {*one.privacy_classes, "sensitive"} for one in llms]
        may = np.nonzero(speaks & np.array(cleared))[0]
        first, second = draw.choice(may, size=2, replace=False)
        found[who, speaks] = (1 - _DEFAULT_SHARE - _SECOND_SHARE) / speaks.sum()
        found[who, first] += _DEFAULT_SHARE
        found[who, second] += _SECOND_SHARE
    return found


def _announced(frame: Frame, draw: np.random.Generator) -> pl.DataFrame:
    rows = []
    for name, _, first_in, first_out in _REGIONAL:
        usd_in, usd_out, last = float(first_in), float(first_out), -1
        for share, factor in ((0.0, 1.0), *_CHANGES):
            day = int(frame.days * share)
            moved = factor * float(draw.uniform(0.92, 1.08)) if share else 1.0
            usd_in, usd_out = round(usd_in * moved, 4), round(usd_out * moved, 4)
            if day > last:
                rows.append((REGIONAL, name, frame.first_day + dt.timedelta(days=day), usd_in, usd_out))
            last = day
    names = ["provider_name", "request_model", "valid_from", "input_usd_per_mtok", "output_usd_per_mtok"]
    return pl.DataFrame(rows, schema=names, orient="row")


def choose_llms(frame: Frame, roster: Roster, assistant: Ints, privacy: list[str]) -> Ints:
    """The language model of each task by its assistant's habit; for sensitive work one that is cleared, where it may."""
    draw = frame.draws("choice of language models")
    bounds = np.cumsum(roster.habits, axis=1)[assistant]
    chosen = (draw.random(len(assistant))[:, None] * bounds[:, -1:] > bounds).sum(axis=1).astype(np.int64)
    cleared = np.array([place for place, one in enumerate(roster.llms) if "sensitive" in one.privacy_classes])
    is_bad = np.array([one == "sensitive" for one in privacy], dtype=bool) & ~np.isin(chosen, cleared)
    if len(cleared):
        chosen[is_bad] = cleared[draw.integers(0, len(cleared), size=int(is_bad.sum()))]
    return np.asarray(np.minimum(chosen, len(roster.llms) - 1))
