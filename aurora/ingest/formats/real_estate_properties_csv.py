"""Units of the Dubai developer funnel (SYNTHETIC data). They have no unit numbers and no deeds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from aurora.ingest.mapped_csv import Mapped, has_columns, read_mapped, write_csv
from aurora.ingest.portions import Portion, SourceFile
from aurora.ingest.sample_names import PROJECTS

CONTRACTS: Final = ("property",)
_COLUMNS: Final = (
    "Property_ID",
    "Project_Name",
    "Developer_Name",
    "Location",
    "Property_Type",
    "Bedrooms",
    "Property_Price_AED",
    "Payment_Plan",
)
_KINDS: Final = {
    "Apartment": "apartment",
    "Studio": "apartment",
    "Villa": "villa",
    "Townhouse": "townhouse",
    "Penthouse": "penthouse",
}
"""A studio is an apartment without bedrooms."""
_PARTS: Final = (
    Mapped(
        contract="property",
        columns={
            "property_id": "Property_ID",
            "property_kind": "Property_Type",
            "project_name": "Project_Name",
            "developer_name": "Developer_Name",
            "location": "Location",
            "bedroom_count": "Bedrooms",
            "price_aed": "Property_Price_AED",
            "payment_plan": "Payment_Plan",
        },
        words={"property_kind": _KINDS},
        always={"is_sample": "true", "updated_at": "2024-01-01T00:00:00Z"},
    ),
)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with the funnel's columns of a unit."""
    return has_columns(head, ("Property_ID", "Project_Name", "Property_Price_AED"))


def read(file: SourceFile) -> Iterator[Portion]:
    """A property a line."""
    return read_mapped(file, _PARTS)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Units of a few projects."""
    draw = random.Random(seed)
    rows = []
    for number in range(row_count):
        project, developer, location = draw.choice(PROJECTS)
        kind, price = draw.choice(list(_KINDS)), draw.randrange(600, 9000) * 1000
        rows.append(
            (f"PROP-{seed}-{number:05d}", project, developer, location, kind, draw.randrange(6), price, "60/40")
        )
    return write_csv(_COLUMNS, rows)
