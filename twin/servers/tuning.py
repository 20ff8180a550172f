"""What Aurora may change of an assistant, and what that does to its work.

A parameter of the pack is told by its name. More at once means more capacity; asking for more confidence, or looking
back further, means slower, dearer and better; any other is best where it is declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aurora.packs import Parameter

_PARALLEL: Final = ("parallel", "concurren", "worker", "capacity")
_EFFORT: Final = ("confidence", "effort", "depth", "context", "lookback", "horizon")
_EFFORT_GAIN: Final = 0.06
_OFF_LOSS: Final = 0.12


@dataclass(slots=True)
class Effect:
    """What the values in force do to each task."""

    time_factor: float = 1.0
    cost_factor: float = 1.0
    success_gain: float = 0.0
    capacity_factor: float = 1.0


def effect_of(declared: Mapping[str, Parameter], values: Mapping[str, float]) -> Effect:
    """The effect of `values`; none where each is as declared."""
    effect = Effect()
    for name, parameter in declared.items():
        value = values.get(name, parameter.value)
        width = parameter.maximum - parameter.minimum
        moved = (value - parameter.value) / width if width > 0 else 0.0
        if any(word in name for word in _PARALLEL):
            effect.capacity_factor *= value / parameter.value if parameter.value > 0 else 1.0
        elif any(word in name for word in _EFFORT):
            effect.time_factor *= 2.0**moved
            effect.cost_factor *= 2.0**moved
            effect.success_gain += _EFFORT_GAIN * moved
        else:
            effect.success_gain -= _OFF_LOSS * abs(moved)
    return effect
