"""What the API answers besides the contract's own messages: pages, lists, states. One Struct a document.

`apps.api.openapi` publishes them; decisions, outcomes and overrides are `contracts.messages.decisions`.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from aurora.identity.keys import Scope
from contracts.messages.decisions import Decision, DecisionKind, DecisionMode, DecisionStatus, Outcome, Override, Text

encode = msgspec.json.Encoder(decimal_format="string").encode


class ProblemPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong: where, what, and the rule it breaks."""

    detail: str
    pointer: str | None = None
    """JSON pointer into the body."""
    parameter: str | None = None
    """Name of a parameter of the path or the query."""
    header: str | None = None
    """Name of a header."""
    part: str | None = None
    """Part of the server that is not ready."""
    rule: str | None = None


class Problem(Struct, frozen=True, kw_only=True):
    """An error (RFC 9457): what was wrong where, and the one thing to do now."""

    type: str
    """Address of the page that explains it, below this server."""
    title: str
    status: int
    detail: str
    next_step: str
    trace_id: str
    """Finds the request in the log."""
    errors: list[ProblemPart] = []


class DecisionHistory(Struct, frozen=True, kw_only=True):
    """A decision and what followed."""

    decision: Decision
    journal_seq: int
    """Its place in the tenant's audit log, from 1."""
    outcomes: list[Outcome]
    overrides: list[Override]


class BatchItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one request of a batch: its decision, or why there is none."""

    status: int
    decision: Decision | None = None
    problem: Problem | None = None


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """What came of a batch, in the order of its requests."""

    results: list[BatchItem]
    decided_count: int
    refused_count: int


class DecisionSummary(Struct, frozen=True, kw_only=True):
    """One line of a list of decisions; the whole receipt is at /api/v1/decisions/{decision_id}."""

    decision_id: str
    kind: DecisionKind
    mode: DecisionMode
    status: DecisionStatus
    action: str | None
    reason: str
    confidence: float
    decided_at: dt.datetime
    actor_id: str
    policy_id: str
    expected_cost_usd: Decimal | None = None


class DecisionPage(Struct, frozen=True, kw_only=True):
    """Decisions, newest first."""

    decisions: list[DecisionSummary]
    next_cursor: str | None
    """Send it as `cursor` for the next page; null behind the last one. A page may hold fewer than `limit`."""


class FleetAssistant(Struct, frozen=True, kw_only=True):
    """One assistant as the engine sees it now."""

    assistant_id: str
    assistant_name: str
    role: str
    assistant_state: str
    priority: str
    control_level: str
    skills: tuple[str, ...]
    """Task types it can take."""
    regions: tuple[str, ...]
    compliance_levels: tuple[str, ...]
    privacy_classes: tuple[str, ...]
    capacity_count: int
    open_task_count: int
    """Tasks it had open in the published features; 0 before the first build."""
    cost_per_task_usd: Decimal
    backup_assistant_id: str | None
    is_sample: bool
    description: str


class Fleet(Struct, frozen=True, kw_only=True):
    """The tenant's assistants, by id."""

    pack: str
    pack_version: str
    assistants: list[FleetAssistant]


class EngineStatus(Struct, frozen=True, kw_only=True):
    """What decides now."""

    is_ready: bool
    version: str | None
    """Changes when pack, router or features do."""
    bundle_hash: str | None
    """The trained router in use; null while the pack's priors decide."""
    feature_hash: str | None
    error: str | None
    """Why the newest files were not loaded; the engine before them goes on."""


class JournalStatus(Struct, frozen=True, kw_only=True):
    """The audit log: every record is one leaf."""

    record_count: int
    is_writable: bool


class LakeStatus(Struct, frozen=True, kw_only=True):
    """Newest snapshots; null before a lake is made."""

    raw_snapshot_id: int | None
    mart_snapshot_id: int | None


class TenantStatus(Struct, frozen=True, kw_only=True):
    """The caller's tenant at a glance."""

    tenant_id: str
    region: str
    engine: EngineStatus
    journal: JournalStatus
    lake: LakeStatus


class KeyRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A key to be made."""

    actor_id: Text
    """Who holds it: an assistant's id, or a person such as person:amal."""
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)]
    label: Annotated[str, Meta(max_length=256)] = ""
    rate_per_s: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000


class KeyInfo(Struct, frozen=True, kw_only=True):
    """A key without its secret."""

    prefix: str
    actor_id: str
    label: str
    scopes: list[str]
    rate_per_s: int
    created_at: str
    revoked_at: str | None


class KeyCreated(Struct, frozen=True, kw_only=True):
    """A new key. `key` is shown here and never again: a repeat with the same Idempotency-Key has null there."""

    key: str | None
    info: KeyInfo


class KeyList(Struct, frozen=True, kw_only=True):
    """Every key there ever was, oldest first."""

    keys: list[KeyInfo]


class AuditCheckpoint(Struct, frozen=True, kw_only=True):
    """The newest signed tree head (a C2SP signed note). Keep one: later logs must begin with it."""

    tree_size: int
    note: str


class AuditProof(Struct, frozen=True, kw_only=True):
    """That a decision stands in the log: checked offline with the tenant's verifier key."""

    decision_id: str
    leaf_index: int
    """Place in the log, from 0."""
    tree_size: int
    entry: str
    """The sealed bytes in base64: SHA-256 over 0x00 and them is the leaf."""
    path: list[str]
    """Sibling hashes from the leaf upwards, in base64."""
    checkpoint: str
    """The signed note over the log of `tree_size` records."""


class Alive(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


Part = Literal["lake", "journal", "engine"]


class PartState(Struct, frozen=True, kw_only=True):
    """One thing that serving depends on."""

    part: Part
    is_ready: bool
    detail: str = ""
    """Why not, and the next step; only for those who hold a key of the tenant."""


class Health(Struct, frozen=True, kw_only=True):
    """Whether everything that serving depends on works."""

    status: Literal["ok", "not_ready"]
    parts: list[PartState]


class ProblemPage(Struct, frozen=True, kw_only=True):
    """What a problem type means."""

    type: str
    status: int
    title: str
    meaning: str
    next_step: str
