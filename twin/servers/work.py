"""One piece of work of a live assistant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

TaskState = Literal["submitted", "working", "completed", "failed", "canceled", "rejected"]
FINAL: Final = frozenset({"completed", "failed", "canceled", "rejected"})
RANKS: Final = {"critical": 0, "high": 1, "medium": 2, "low": 3}
"""What is served first, by priority."""


@dataclass(slots=True, kw_only=True, eq=False)
class Work:
    """A task from when it was asked for to its end. Moments are the life's seconds."""

    task_id: str
    task_type: str
    submitted_at: float
    number: int
    """Order of arrival."""
    priority: str = "medium"
    privacy_class: str | None = None
    case_id: str | None = None
    decision_id: str | None = None
    command_id: str | None = None
    """The command that asked for it; None where it came by itself."""
    deadline_at: float | None = None
    is_sample: bool = True
    state: TaskState = "submitted"
    started_at: float | None = None
    ends_at: float | None = None
    """When it will be done, while it is worked on."""
    ended_at: float | None = None
    begun_at: float | None = None
    """When it was last taken up; before it, it may have been held."""
    remaining_s: float | None = None
    """Work to do from `begun_at` on."""
    is_late: bool = False
    """Its deadline comes before its end."""
    is_held: bool = False
    is_success: bool | None = None
    quality: float | None = None
    cost_usd: float = 0.0
    error_type: str | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Its place in the queue: by priority, then by arrival."""
        return RANKS.get(self.priority, 2), self.number

    @property
    def is_final(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in FINAL
