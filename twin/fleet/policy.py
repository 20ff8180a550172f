"""Who takes a task today: a plausible, mediocre rule, which a router that learns should beat.

It prefers large assistants and what they are declared for first, knows nothing of how good they are, and tries the
others now and then. Who is not cleared for the data does not get it. Where the chosen one is down, its backup takes
over, else the next best that is up; nobody up means that the task waits. The propensity of each choice is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.fleet.outages import Spells
from twin.fleet.skill import Skills
from twin.frame import Frame

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

POLICY: Final = "capacity_and_declaration"
_TRIES: Final = 0.12
"""Share of choices made at random among those who could."""
_FIRST: Final = (2.4, 1.6, 1.2)
"""How much more is given to what stands first, second, third among an assistant's skills."""
_CLASSES: Final = ("public", "internal", "personal", "sensitive")


@dataclass(frozen=True, slots=True)
class Routed:
    """Who takes each task; `first` is who was chosen before anyone was found to be down."""

    assistant: Ints
    first: Ints
    propensity: Floats


def route(frame: Frame, skills: Skills, tasks: pl.DataFrame, types: Ints, down: list[Spells]) -> Routed:
    """Choose for every task of `tasks`; `types` are places in `skills.task_types`, `down` is by assistant."""
    draw = frame.draws("routing")
    preferred = _preferences(skills)
    cleared = np.array([[name in (one.privacy_classes or _CLASSES) for name in _CLASSES] for one in skills.assistants])
    classes = tasks["privacy_class"].fill_null("internal").to_list()
    privacy = np.array([_CLASSES.index(one) for one in classes], dtype=np.int64)
    shares = _shares(preferred, cleared)
    given = shares[types, privacy]
    bounds = np.cumsum(given, axis=1)
    chosen = (draw.random(len(types))[:, None] * bounds[:, -1:] > bounds).sum(axis=1)
    first = np.minimum(chosen, given.shape[1] - 1).astype(np.int64)
    propensity = given[np.arange(len(types)), first]
    us = tasks["requested_at"].dt.timestamp("us").to_numpy()
    return Routed(_failed_over(skills, first, types, us, down, given), first, propensity)


def _preferences(skills: Skills) -> Floats:
    """Weights by assistant and task type."""
    found = np.zeros(skills.has_skill.shape)
    for who, assistant in enumerate(skills.assistants):
        for place, name in enumerate(assistant.skills):
            given = _FIRST[place] if place < len(_FIRST) else 1.0
            found[who, skills.task_types.index(name)] = given * assistant.capacity_count**0.5
    return found


def _shares(preferred: Floats, cleared: npt.NDArray[np.bool_]) -> Floats:
    """Propensities by task type, privacy class and assistant; a type nobody is cleared for is taken regardless."""
    weights = preferred.T[:, None, :] * cleared.T[None, :, :]
    weights = np.where(weights.sum(axis=2, keepdims=True) > 0, weights, preferred.T[:, None, :])
    weights = np.where(weights.sum(axis=2, keepdims=True) > 0, weights, 1.0)
    can = weights > 0
    greedy = weights / weights.sum(axis=2, keepdims=True)
    return np.asarray((1 - _TRIES) * greedy + _TRIES * can / can.sum(axis=2, keepdims=True))


def _failed_over(skills: Skills, first: Ints, types: Ints, us: Ints, down: list[Spells], given: Floats) -> Ints:
    """The chosen one, or who takes over while it is down."""
    ids = [one.assistant_id for one in skills.assistants]
    is_down = np.stack([spells.place(us) >= 0 for spells in down], axis=1)
    taken = first.copy()
    for place in np.nonzero(is_down[np.arange(len(first)), first])[0]:
        backup = skills.assistants[first[place]].backup_assistant_id
        other = ids.index(backup) if backup in ids else -1
        if other >= 0 and skills.has_skill[other, types[place]] and not is_down[place, other]:
            taken[place] = other
            continue
        left = np.where(is_down[place], 0.0, given[place])
        if left.sum() > 0:
            taken[place] = int(left.argmax())
    return taken
