"""What the learning loop writes down: each step of a policy bundle, with its evidence."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct

from contracts.messages.decisions import DecisionKind, Text

PolicyStepKind = Literal["challenged", "held_back", "promoted", "dropped", "rolled_back"]


class PolicyStep(Struct, frozen=True, kw_only=True):
    """A step of a kind's bundles: a record of the journal. `evidence` is what it was decided by."""

    step_id: Text
    kind: DecisionKind
    step: PolicyStepKind
    bundle_hash: str
    champion_hash: str | None
    """The champion before the step."""
    actor_id: Text
    happened_at: dt.datetime
    reasons: tuple[str, ...] = ()
    evidence: dict[str, Any] = {}
