"""How good and how quick each assistant really is, and what its pack only believes of it.

Drawn by seed around the pack's prior, so that a router that learns has something to find: an assistant may be much
better at one of its task types than at another, and some are overrated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from aurora.packs import Assistant
from twin.frame import Frame

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skills:
    """The truth about a fleet: arrays of assistants x task types, NaN where it lacks the skill."""

    assistants: tuple[Assistant, ...]
    task_types: tuple[str, ...]
    success_logit: Floats
    quality_mean: Floats
    """Of what it does well; what fails has a third of it."""
    service_ms: Floats
    """Median time of the work itself."""

    @property
    def has_skill(self) -> npt.NDArray[np.bool_]:
        """Who can take what."""
        return ~np.isnan(self.success_logit)

    def table(self) -> pl.DataFrame:
        """The truth as rows, one an assistant and task type."""
        who, what = np.nonzero(self.has_skill)
        return pl.DataFrame(
            {
                "assistant_id": [self.assistants[place].assistant_id for place in who],
                "task_type": [self.task_types[place] for place in what],
                "success_probability": expit(self.success_logit[who, what]),
                "prior_success_share": [self.assistants[place].prior.success_share for place in who],
                "quality_mean": self.quality_mean[who, what],
                "service_ms": self.service_ms[who, what],
            }
        )


def draw_skills(frame: Frame) -> Skills:
    """The fleet's skills of this seed: the same for every frame of it."""
    draw = frame.draws("skills")
    fleet = tuple(one for one in frame.pack.assistants if one.capacity_count)
    types = tuple(frame.pack.task_types)
    shape = (len(fleet), len(types))
    prior = np.array([min(0.985, max(0.02, one.prior.success_share)) for one in fleet])
    logit = np.log(prior / (1 - prior))[:, None] + draw.normal(0, 0.25, (shape[0], 1)) + draw.normal(0, 0.8, shape)
    quality = np.clip(0.5 + 0.38 * expit(logit) + draw.normal(0, 0.05, shape), 0.3, 0.97)
    service = np.array([one.prior.duration_ms for one in fleet])[:, None] * draw.lognormal(0.0, 0.3, shape)
    can = np.array([[name in one.skills for name in types] for one in fleet])
    return Skills(
        assistants=fleet,
        task_types=types,
        success_logit=np.where(can, logit, np.nan),
        quality_mean=np.where(can, quality, np.nan),
        service_ms=np.where(can, service, np.nan),
    )


def expit(values: Floats) -> Floats:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-values)))
