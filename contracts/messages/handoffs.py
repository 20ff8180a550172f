"""Handoffs: one assistant gives another work, with the data it needs. Requests are strict, records are canonical.

A record holds no value of the payload: its hash, its size and where it was at fault say enough, and the
audit log must not keep what a person may have erased.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import PrivacyClass, Text

MAX_ROWS = 1000
HandoffVerdict = Literal["accepted", "refused"]
FaultSource = Literal["sharing", "contract"]


class HandoffRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Work for another assistant. The payload is rows of one contract of the registry."""

    to_assistant_id: Text
    purpose: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.\-]{0,63}$")]
    """What the receiver may use the data for: one of the pack's sharing.yaml."""
    contract: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    rows: Annotated[tuple[dict[str, Any], ...], Meta(min_length=1, max_length=MAX_ROWS)]
    from_assistant_id: Text | None = None
    """The caller when absent; another one only with the scope admin."""
    task_id: Text | None = None
    case_id: Text | None = None
    decision_id: Text | None = None


class HandoffFault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason for a refusal: where in the request, and which rule of the contract or the sharing policy."""

    pointer: str
    """JSON pointer into the request."""
    rule: str
    source: FaultSource


class Handoff(Struct, frozen=True, kw_only=True):
    """The journal's record of a handoff and its receipt: the receiver takes a payload only if it has this hash."""

    handoff_id: str
    tenant_id: str
    region: str
    verdict: HandoffVerdict
    from_assistant_id: str
    to_assistant_id: str
    purpose: str
    contract: str
    row_count: int
    payload_hash: str
    """SHA-256 of the rows as canonical JSON, hex."""
    privacy_classes: tuple[PrivacyClass, ...]
    """Classes of the data that the payload holds."""
    is_edge_allowed: bool
    is_contract_valid: bool
    faults: tuple[HandoffFault, ...]
    actor_id: str
    requested_at: dt.datetime
    task_id: str | None = None
    case_id: str | None = None
    decision_id: str | None = None
