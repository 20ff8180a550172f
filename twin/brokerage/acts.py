"""What AI did under the law's eyes: operations at the gateway, decisions about people, commands and handoffs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from contracts.messages.assistants import CONTROL
from twin.brokerage.data_estate import PURPOSES
from twin.brokerage.draws import DAY, HOUR, NEVER, Flags, choose, ids, moments
from twin.frame import Frame

_DECIDED: Final = (
    # kind, purpose, has legal effect, is material
    ("lead_score", "lead_to_viewing", False, False),
    ("listing_copy", "listing_care", False, False),
    ("kyc_result", "due_diligence", True, True),
    ("credit_check", "due_diligence", True, True),
    ("tenant_screening", "client_care", True, True),
)
_BASES: Final = ("contract", "law", "explicit_consent")
GATEWAY: Final = "twin_ai_gateway"


def operations(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """AI operations under a compliance regime, as the AI gateway logs them: each with its verdict."""
    count = max(count, 40)
    automotive = draw.random(count) < 0.3
    return pl.DataFrame(
        {
            "usage_id": ids("gateway-", count),
            "occurred_at": moments(np.sort(draw.integers(start, end - HOUR, count))),
            "operation_name": ["chat"] * count,
            "provider_name": ["nvidia_nim"] * count,
            "request_model": ["google/gemma-2-9b-it"] * count,
            "input_tokens": draw.integers(200, 3000, count),
            "output_tokens": draw.integers(40, 700, count),
            "duration_ms": draw.integers(300, 4000, count),
            "industry": pl.Series(["automotive"] * count).zip_with(
                pl.Series(automotive), pl.Series(["real_estate"] * count)
            ),
            "data_label": choose(draw, ("public", "internal"), count),
            "compliance_level": choose(draw, ("rera", "uae_aml", "uae_pdpl"), count),
            "is_compliance_validated": [True] * count,
        }
    )


def decisions(
    draw: np.random.Generator, subject: pl.Series, assistants: Sequence[str], *, start: int, end: int
) -> pl.DataFrame:
    """Decisions about people and listings: with receipt, notice and ground, unsure ones seen by a person."""
    count = len(subject)
    which = draw.choice(len(_DECIDED), count, p=(0.3, 0.24, 0.18, 0.14, 0.14))
    at = np.sort(draw.integers(start, end - 3 * DAY, count))
    legal = np.array([one[2] for one in _DECIDED])[which]
    material = np.array([one[3] for one in _DECIDED])[which]
    sure = np.round(draw.uniform(0.35, 0.99, count), 3)
    objected, contested = legal & (draw.random(count) < 0.12), legal & (draw.random(count) < 0.1)
    seen = objected | contested | (material & (sure < 0.6)) | (draw.random(count) < 0.1)
    purpose = pl.Series([one[1] for one in _DECIDED]).gather(which)
    needed = {name: json.dumps(one[1][:3]) for name, one in PURPOSES.items()}
    difc = draw.random(count) < 0.25
    receipts = [hashlib.sha256(f"receipt {number}".encode()).hexdigest() for number in range(count)]
    return pl.DataFrame(
        {
            "ai_decision_id": ids("AD-", count),
            "assistant_id": choose(draw, assistants, count),
            "subject_id": subject,
            "ai_decision_kind": pl.Series([one[0] for one in _DECIDED]).gather(which),
            "decided_at": moments(at),
            "jurisdiction": pl.Series(["DIFC"] * count).zip_with(pl.Series(difc), pl.Series(["AE"] * count)),
            "purpose": purpose,
            "has_legal_effect": legal,
            "is_automated": legal & ~seen,
            "is_material": material,
            "decision_basis": choose(draw, _BASES, count).zip_with(
                pl.Series(legal), pl.Series(["legitimate_interest"] * count)
            ),
            "confidence": sure,
            "min_confidence": np.full(count, 0.6),
            "input_fields": purpose.replace_strict(needed, return_dtype=pl.String),
            "has_notice_shown": [True] * count,
            "objection_at": moments(np.where(objected, at + 10 * HOUR, NEVER)),
            "has_contest_request": contested,
            "human_reviewed_at": moments(np.where(seen, at + 30 * HOUR, NEVER)),
            "has_permit_conflict": pl.Series(np.zeros(count, dtype=np.bool_)).set(pl.Series(which != 1), None),
            "receipt_hash": receipts,
            "snapshot_id": draw.integers(1, 4000, count),
            "updated_at": moments(at + 32 * HOUR),
        }
    )


def commands(draw: np.random.Generator, frame: Frame, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Commands to assistants, each of a kind that its control level lets through; some that are not were refused."""
    fleet = frame.pack.assistants
    who = draw.integers(0, len(fleet), count)
    allowed = [sorted(CONTROL[one.control_level]) for one in fleet]
    kinds = [
        allowed[place][pick % len(allowed[place])]
        for place, pick in zip(who.tolist(), draw.integers(0, 99, count).tolist(), strict=True)
    ]
    at = np.sort(draw.integers(start, end - HOUR, count))
    refused: Flags = np.array(["tune" not in allowed[place] for place in who]) & (draw.random(count) < 0.2)
    kind = pl.Series(kinds).zip_with(pl.Series(~refused), pl.Series(["tune"] * count))
    done = at + draw.integers(1, 900, count) * 1_000_000
    return pl.DataFrame(
        {
            "command_id": ids("CD-", count),
            "assistant_id": pl.Series([one.assistant_id for one in fleet]).gather(who),
            "command_kind": kind,
            "command_state": pl.Series(["completed"] * count).zip_with(
                pl.Series(~refused), pl.Series(["refused"] * count)
            ),
            "control_level": pl.Series([one.control_level for one in fleet]).gather(who),
            "allowed_command_kinds": pl.Series([json.dumps(one) for one in allowed]).gather(who),
            "actor_id": choose(draw, ("person-0007", "person-0008"), count),
            "attempt_count": [1] * count,
            "issued_at": moments(at),
            "completed_at": moments(np.where(refused, at, done)),
            "updated_at": moments(np.where(refused, at, done)),
        }
    )


def handoffs(
    draw: np.random.Generator, edges: Sequence[tuple[str, str]], count: int, *, start: int, end: int
) -> pl.DataFrame:
    """Handoffs along allowed edges with a payload that keeps its contract; others were refused."""
    which = draw.integers(0, len(edges), count)
    at = np.sort(draw.integers(start, end - HOUR, count))
    refused = draw.random(count) < 0.15
    taken = at + draw.integers(1, 60, count) * 1_000_000
    return pl.DataFrame(
        {
            "handoff_id": ids("HO-", count),
            "from_assistant_id": pl.Series([one for one, _ in edges]).gather(which),
            "to_assistant_id": pl.Series([other for _, other in edges]).gather(which),
            "handoff_state": pl.Series(["completed"] * count).zip_with(
                pl.Series(~refused), pl.Series(["refused"] * count)
            ),
            "contract": choose(draw, ("lead", "deal", "viewing", "message"), count),
            "is_edge_allowed": [True] * count,
            "is_contract_valid": ~refused,
            "requested_at": moments(at),
            "accepted_at": moments(np.where(refused, NEVER, taken)),
            "completed_at": moments(np.where(refused, NEVER, taken + 30_000_000)),
            "updated_at": moments(np.where(refused, at, taken + 30_000_000)),
        }
    )
