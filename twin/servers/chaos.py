"""Trouble that is made on purpose: an assistant that is slow, speaks nonsense, or comes and goes. Simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

TroubleKind = Literal["stop", "slow", "corrupt", "flap", "restore"]
FLAP_S: Final = 2.0
"""A flapping assistant is up so long, then down so long."""

_NONSENSE: Final = {
    "assistant_state": "splendid",
    "uptime_share": 1.7,
    "error_share": "none",
    "command_state": "perhaps",
    "task_state": "done",
    "aurora_export": {"version": 0},
}


class ChaosRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done to an assistant, and for how long."""

    assistant_id: str
    kind: TroubleKind
    for_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    """Until `restore` when absent."""
    by_ms: Annotated[int, Meta(ge=1, le=600_000)] = 1000
    """Added to each answer of a slow assistant."""


@dataclass(slots=True)
class Trouble:
    """What is wrong with one assistant now."""

    delay_s: float = 0.0
    is_corrupt: bool = False
    is_stopped: bool = False
    """Its socket is closed: connections are refused."""
    is_flapping: bool = False
    _turn: int = 0

    @property
    def words(self) -> str:
        """In a few words; `none` where nothing is wrong."""
        found = {
            "stopped": self.is_stopped,
            "flapping": self.is_flapping,
            f"slow by {self.delay_s * 1000:.0f} ms": bool(self.delay_s),
            "corrupt": self.is_corrupt,
        }
        return ", ".join(name for name, is_so in found.items() if is_so) or "none"

    def spoil(self, body: bytes) -> bytes:
        """A body that is broken: by turns JSON that ends too soon, and values no contract allows."""
        self._turn += 1
        if self._turn % 2:
            return body[: max(1, len(body) // 2)]
        try:
            value = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return body[:1] + b"?" + body[2:]
        if isinstance(value, dict):
            value = value | {name: nonsense for name, nonsense in _NONSENSE.items() if name in value}
        return msgspec.json.encode(value)
