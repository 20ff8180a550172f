"""Agents of the Dubai developer funnel (SYNTHETIC data): who they are, and that they act as brokers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from aurora.ingest.mapped_csv import Mapped, has_columns, read_mapped, write_csv
from aurora.ingest.portions import Portion, SourceFile
from aurora.ingest.sample_names import FIRST, LAST

CONTRACTS: Final = ("broker", "party")
_COLUMNS: Final = ("Agent_ID", "Agent_Name", "Agent_Department")
_UNDATED: Final = {"is_sample": "true", "updated_at": "2024-01-01T00:00:00Z"}
"""The files say of people and units nothing about when; the funnel begins then, so anything dated is newer."""
_PARTS: Final = (
    Mapped(
        contract="broker",
        columns={
            "broker_id": "Agent_ID",
            "party_id": "Agent_ID",
            "full_name": "Agent_Name",
            "broker_department": "Agent_Department",
        },
        always={**_UNDATED, "is_acting": "true"},
    ),
    Mapped(
        contract="party",
        columns={"party_id": "Agent_ID", "full_name": "Agent_Name"},
        always={**_UNDATED, "party_kind": "natural"},
    ),
)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with the funnel's columns of an agent."""
    return has_columns(head, _COLUMNS)


def read(file: SourceFile) -> Iterator[Portion]:
    """A broker and a party a line."""
    return read_mapped(file, _PARTS)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Agents, some of one name."""
    draw = random.Random(seed)
    names = [f"{draw.choice(FIRST)[0][0]} {draw.choice(LAST)[0][0]}" for _ in range(row_count)]
    rows = [(f"AGT-{seed}-{n:04d}", name, draw.choice(("Off-Plan Sales", "Leasing"))) for n, name in enumerate(names)]
    return write_csv(_COLUMNS, rows)
