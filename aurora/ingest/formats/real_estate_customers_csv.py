"""Customers of the Dubai developer funnel (SYNTHETIC data). They have no names."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from aurora.ingest.mapped_csv import Mapped, has_columns, read_mapped, write_csv
from aurora.ingest.portions import Portion, SourceFile

CONTRACTS: Final = ("party",)
_COLUMNS: Final = (
    "Customer_ID",
    "Customer_Type",
    "Nationality",
    "Preferred_Location",
    "Preferred_Property_Type",
    "Budget_AED",
)
_COUNTRIES: Final = {
    "American": "US",
    "British": "GB",
    "Canadian": "CA",
    "Chinese": "CN",
    "Egyptian": "EG",
    "Emirati": "AE",
    "Filipino": "PH",
    "French": "FR",
    "German": "DE",
    "Indian": "IN",
    "Iranian": "IR",
    "Italian": "IT",
    "Jordanian": "JO",
    "Kuwaiti": "KW",
    "Lebanese": "LB",
    "Nigerian": "NG",
    "Pakistani": "PK",
    "Russian": "RU",
    "Saudi": "SA",
    "South African": "ZA",
    "Ukrainian": "UA",
}
_PARTS: Final = (
    Mapped(
        contract="party",
        columns={
            "party_id": "Customer_ID",
            "country": "Nationality",
            "preferred_location": "Preferred_Location",
            "preferred_property_kind": "Preferred_Property_Type",
            "budget_aed": "Budget_AED",
        },
        words={"country": _COUNTRIES},
        always={"party_kind": "natural", "is_sample": "true", "updated_at": "2024-01-01T00:00:00Z"},
    ),
)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with the funnel's columns of a customer."""
    return has_columns(head, ("Customer_ID", "Nationality", "Budget_AED"))


def read(file: SourceFile) -> Iterator[Portion]:
    """A party a line; investor or end user is not kept."""
    return read_mapped(file, _PARTS)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Customers, a few without a nationality or a budget."""
    draw = random.Random(seed)
    rows = [
        (
            f"CUST-{seed}-{number:06d}",
            draw.choice(("Investor", "End User")),
            draw.choice((*_COUNTRIES, None)),
            draw.choice(("Dubai Marina", "Business Bay")),
            draw.choice(("Apartment", "Villa", "Studio")),
            draw.choice((None, f"{draw.randrange(500, 9000) * 1000}.0")),
        )
        for number in range(row_count)
    ]
    return write_csv(_COLUMNS, rows)
