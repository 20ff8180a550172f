"""What the live assistants are truly like: the fleet's skills of the twin's history, of the same seed."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Final

import numpy as np

from aurora.packs import Pack
from twin.fleet.skill import draw_skills, expit
from twin.frame import TASKS, USAGE_ROWS, Frame

_ANY_DAY: Final = dt.date(2026, 1, 1)
"""Skills are the same for every frame of a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """How an assistant truly does one type of task."""

    success_share: float
    quality_mean: float
    service_s: float
    """Median of the time at work, without waiting."""
    cost_usd: float
    call_count: float
    """Calls of language models a task takes, on average."""


def true_skills(pack: Pack, *, seed: int) -> dict[str, dict[str, Skill]]:
    """Skills by assistant and task type; an assistant without capacity has none."""
    skills = draw_skills(Frame(pack=pack, seed=seed, first_day=_ANY_DAY))
    found: dict[str, dict[str, Skill]] = {one.assistant_id: {} for one in pack.assistants}
    for who, what in zip(*np.nonzero(skills.has_skill), strict=True):
        assistant, task_type = skills.assistants[who], skills.task_types[what]
        draw = random.Random(f"{seed}/cost/{assistant.assistant_id}/{task_type}")
        found[assistant.assistant_id][task_type] = Skill(
            success_share=float(expit(skills.success_logit[who, what])),
            quality_mean=float(skills.quality_mean[who, what]),
            service_s=float(skills.service_ms[who, what]) / 1000,
            cost_usd=float(assistant.cost_per_task_usd) * draw.lognormvariate(0, 0.15),
            call_count=max(1.0, USAGE_ROWS / TASKS * draw.lognormvariate(-0.08, 0.4)),
        )
    return found
