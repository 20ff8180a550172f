"""Where assistants and people disagree: contradictory recommendations, and what humans would have chosen instead.

Who was right is known here. Overrides are of the journal's kinds, which no file brings in: they wait as a table of
the truth, to be replayed against the decisions of a live Aurora.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from twin.fleet.skill import Skills, expit
from twin.fleet.tasks import Done, known_logit
from twin.frame import Frame
from twin.ids import hex_texts, mixed, of_list, texts, times

CONTRADICTIONS: Final = 2400
OPINIONS: Final = 3000
"""Of 90 days at scale 1."""
_OVERRIDERS: Final = 12
_LOOKED_AT: Final = 3
"""Tasks that people look at, for each opinion."""
_LATEST_US: Final = 90_000_000
"""A recommendation comes at most so long after its task ended."""
_STATED: Final = 0.82
"""What assistants say of themselves on average, however good they are."""
_MIN_CONFIDENCE: Final = 0.6
"""Below it a material decision is looked at by a person before it takes effect."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Something two assistants may answer differently."""

    task_type: str
    yes: str
    no: str
    is_material: bool


_QUESTIONS: Final = (
    _Question("lead_qualification", "lead_pursue", "lead_drop", is_material=False),
    _Question("valuation", "price_fair", "price_too_high", is_material=True),
    _Question("kyc_check", "kyc_pass", "kyc_hold", is_material=True),
    _Question("compliance_review", "deal_proceed", "deal_stop", is_material=True),
    _Question("listing_publication", "listing_publish", "listing_hold", is_material=False),
)


def contradictions(frame: Frame, skills: Skills, done: Done) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of the contract `ai_decision`, two a contradiction, and the truth: who of the two was right."""
    draw = frame.draws("contradictions")
    known = [
        one
        for one in _QUESTIONS
        if one.task_type in skills.task_types and skills.has_skill[:, skills.task_types.index(one.task_type)].sum() > 1
    ]
    places = {skills.task_types.index(one.task_type): number for number, one in enumerate(known)}
    is_told = done.is_begun & (times(done.ended_us + _LATEST_US) < frame.until).to_numpy()
    about = np.nonzero(np.isin(done.types, list(places)) & is_told)[0]
    mine = np.sort(draw.choice(about, size=min(frame.count(CONTRADICTIONS), len(about)), replace=False))
    question = np.array([places[kind] for kind in done.types[mine].tolist()], dtype=np.int64)
    first, second = _two(draw, skills, done.types[mine])
    chance = expit(known_logit(skills))
    p_first, p_second = chance[first, done.types[mine]], chance[second, done.types[mine]]
    odds = p_first * (1 - p_second)
    is_first_right = draw.random(len(mine)) < odds / (odds + p_second * (1 - p_first))
    is_yes = draw.random(len(mine)) < 0.6
    draw.normal(0.04, 0.08, len(skills.assistants))  # keeps what is drawn after it as it was
    stated = _stated(frame, chance, skills.has_skill)
    ids = [one.assistant_id for one in skills.assistants]
    truth = pl.DataFrame(
        {
            "contradiction_id": texts(f"contradiction-{frame.seed}-", np.arange(len(mine))),
            "task_id": done.task_ids.gather(mine),
            "task_type": done.asked["task_type"].gather(mine),
            "first_assistant_id": of_list(ids, first),
            "second_assistant_id": of_list(ids, second),
            "right_assistant_id": of_list(ids, np.where(is_first_right, first, second)),
            "right_ai_decision_kind": _said(known, question, is_yes),
        }
    )
    sides = [
        _side(draw, frame, done, mine, known, question, said, who, ids, stated, name)
        for name, who, said in (("a", first, is_yes == is_first_right), ("b", second, is_yes != is_first_right))
    ]
    return pl.concat(sides).sort("decided_at", "ai_decision_id"), truth


def _stated(frame: Frame, chance: np.ndarray, has_skill: np.ndarray) -> np.ndarray:
    """How sure each assistant usually says it is of each task type.

    What language models say of themselves bunches at 0.8 to 1 and follows their skill weakly, some not at all: the
    surest is not the one to follow, and what an assistant's word is worth shows in what came of it.
    """
    draw = frame.draws("stated confidence")
    count = len(chance)
    tracking, bias = draw.uniform(0.0, 0.6, count), draw.normal(0.0, 0.07, count)
    usual = chance[has_skill].mean()
    return np.asarray(_STATED + tracking[:, None] * (chance - usual) + bias[:, None])


def _two(draw: np.random.Generator, skills: Skills, types: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two different assistants that can take each type."""
    rank = np.where(skills.has_skill.T[types], draw.random((len(types), len(skills.assistants))), -1.0)
    order = np.argsort(-rank, axis=1)
    return order[:, 0], order[:, 1]


def _said(known: list[_Question], question: np.ndarray, is_yes: np.ndarray) -> pl.Series:
    words = [word for one in known for word in (one.no, one.yes)]
    return of_list(words, 2 * question + is_yes)


def _side(
    draw: np.random.Generator, frame: Frame, done: Done, mine: np.ndarray, known: list[_Question],
    question: np.ndarray, is_yes: np.ndarray, who: np.ndarray, ids: list[str], stated: np.ndarray,
    name: str,
) -> pl.DataFrame:  # fmt: skip
    sure = np.clip(stated[who, done.types[mine]] + draw.normal(0, 0.06, len(mine)), 0.05, 0.99)
    at = times(done.ended_us[mine] + draw.integers(1, _LATEST_US // 1000, len(mine)) * 1000)
    subject = pl.coalesce(done.asked["subject_id"].gather(mine), texts("client-", draw.integers(0, 9000, len(mine))))
    is_material = np.array([one.is_material for one in known])[question]
    is_unsure = is_material & (sure.round(4) < _MIN_CONFIDENCE)
    leaf = [mixed(mine, salt=f"receipt/{frame.seed}/{name}/{word}") for word in range(4)]
    return pl.DataFrame(
        {
            "ai_decision_id": texts(f"twin-{frame.seed}-{name}-", np.arange(len(mine))),
            "assistant_id": of_list(ids, who),
            "subject_id": pl.select(subject).to_series(),
            "about_contract": pl.Series(["task"]).new_from_index(0, len(mine)),
            "about_id": done.task_ids.gather(mine),
            "ai_decision_kind": _said(known, question, is_yes),
            "decided_at": at,
            "is_automated": pl.repeat(value=True, n=len(mine), eager=True),
            "is_material": is_material,
            "confidence": sure.round(4),
            "min_confidence": np.full(len(mine), _MIN_CONFIDENCE),
            "human_reviewed_at": pl.select(pl.when(pl.Series(is_unsure)).then(at)).to_series(),
            "receipt_hash": hex_texts(*leaf),
            "snapshot_id": np.arange(1, len(mine) + 1),
            "updated_at": at,
            "is_sample": pl.repeat(value=True, n=len(mine), eager=True),
        }
    )


def override_opinions(frame: Frame, skills: Skills, done: Done) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What people would have changed, and how far each of them can be trusted (`reliability`)."""
    draw = frame.draws("overriders")
    reliability = np.clip(draw.beta(4, 2, _OVERRIDERS), 0.3, 0.97)
    lag_s = draw.lognormal(np.log(1800), 0.8, _OVERRIDERS)
    people = pl.DataFrame(
        {
            "overrider_id": [f"overrider-{number + 1:02d}" for number in range(_OVERRIDERS)],
            "reliability": reliability,
            "median_lag_s": lag_s,
        }
    )
    settled = np.nonzero(done.is_settled)[0]
    mine = np.sort(draw.choice(settled, size=min(_LOOKED_AT * frame.count(OPINIONS), len(settled)), replace=False))
    person = draw.integers(0, _OVERRIDERS, len(mine))
    knows = draw.random(len(mine)) < reliability[person]
    chance = expit(known_logit(skills))
    may = skills.has_skill.T[done.types[mine]]
    may[np.arange(len(mine)), done.assistant[mine]] = False
    best = np.where(may, chance.T[done.types[mine]], -1.0).argmax(axis=1)
    guess = np.where(may, draw.random(may.shape), -1.0).argmax(axis=1)
    other = np.where(knows, best, guess)
    ours, theirs = chance[done.assistant[mine], done.types[mine]], chance[other, done.types[mine]]
    speaks = may.any(axis=1) & (~knows | (theirs > ours))  # who knows better says so only where it is better
    speaks &= np.cumsum(speaks) <= frame.count(OPINIONS)
    mine, person, other, ours, theirs = (one[speaks] for one in (mine, person, other, ours, theirs))
    ids = [one.assistant_id for one in skills.assistants]
    at = done.ended_us[mine] + (draw.lognormal(0, 0.7, len(mine)) * lag_s[person] * 1e6).astype(np.int64)
    opinions = pl.DataFrame(
        {
            "opinion_id": texts(f"opinion-{frame.seed}-", np.arange(len(mine))),
            "overrider_id": people["overrider_id"].gather(person),
            "task_id": done.task_ids.gather(mine),
            "occurred_at": times(at),
            "chosen_assistant_id": of_list(ids, done.assistant[mine]),
            "override_assistant_id": of_list(ids, other),
            "chosen_success_probability": ours,
            "override_success_probability": theirs,
            "is_right": theirs > ours,
            "would_have_succeeded": draw.random(len(mine)) < theirs,
        }
    )
    return opinions, people
