"""Which system recorded the calls of a task: mostly the assistant itself, some of them a gateway or a tracer.

A task's calls are recorded once, by one system, so that each usage row is exported exactly once.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from twin.fleet.llms import Roster
from twin.fleet.tasks import Done
from twin.frame import Frame

OWN: Final = -1
"""The assistant's own export."""
SYSTEMS: Final = (
    "twin_litellm_log",
    "twin_litellm_spend",
    "twin_litellm_dump",
    "twin_langfuse",
    "twin_langfuse_observations",
    "twin_langfuse_v2",
    "twin_langfuse_csv",
    "twin_otel",
    "twin_otel_proto",
    "twin_responses",
    "twin_azure",
)
"""Landing sources of the systems that are no assistants; `twin/exports.py` says in which format each writes."""
BARE: Final = SYSTEMS.index("twin_azure")
"""Azure's bare log: it has only what was answered, and names neither provider nor language model."""
_TASKS_EACH: Final = 300
"""Of 90 days at scale 1."""
_BARE_PROVIDER: Final = "azure.ai.openai"
_PLAIN_PROVIDERS: Final = ("openai", "azure.ai.openai", "gcp.gemini")


def recorded_by(frame: Frame, roster: Roster, done: Done) -> npt.NDArray[np.int64]:
    """By task: the place of its system in `SYSTEMS`, or `OWN`.

    Only tasks whose calls need nothing that a foreign format cannot say: no cache counts, no announced price.
    """
    draw = frame.draws("systems")
    plain = np.array([one.provider_name in _PLAIN_PROVIDERS for one in roster.llms])
    settled = done.is_begun & done.is_settled
    may = np.nonzero(settled & plain[done.llm])[0]
    others = [place for place in range(len(SYSTEMS)) if place != BARE]
    each = min(frame.count(_TASKS_EACH), len(may) // (2 * len(SYSTEMS)))
    found = np.full(len(done.state), OWN, dtype=np.int64)
    found[draw.choice(may, size=each * len(others), replace=False)] = np.repeat(others, each)
    azure = np.array([one.provider_name == _BARE_PROVIDER for one in roster.llms])
    left = np.nonzero(settled & azure[done.llm] & (found == OWN))[0]
    found[draw.choice(left, size=min(each, len(left)), replace=False)] = BARE
    return found
