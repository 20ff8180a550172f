"""Sales of the Dubai developer funnel (SYNTHETIC data): deals that were closed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Final

from aurora.ingest.mapped_csv import Mapped, has_columns, read_mapped, write_csv
from aurora.ingest.portions import Portion, SourceFile

CONTRACTS: Final = ("deal",)
_COLUMNS: Final = (
    "Sale_ID",
    "Lead_ID",
    "Customer_ID",
    "Property_ID",
    "Agent_ID",
    "Sale_Date",
    "Sale_Value_AED",
    "Commission_AED",
)
_PARTS: Final = (
    Mapped(
        contract="deal",
        columns={
            "deal_id": "Sale_ID",
            "lead_id": "Lead_ID",
            "buyer_party_id": "Customer_ID",
            "property_id": "Property_ID",
            "broker_id": "Agent_ID",
            "closed_at": "Sale_Date",
            "price_aed": "Sale_Value_AED",
            "commission_aed": "Commission_AED",
        },
        dates=frozenset({"closed_at"}),
        always={"deal_stage": "closed", "is_sample": "true"},
    ),
)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with the funnel's columns of a sale."""
    return has_columns(head, ("Sale_ID", "Sale_Date", "Sale_Value_AED"))


def read(file: SourceFile) -> Iterator[Portion]:
    """A deal a line; the day of the sale is the time of its state."""
    return read_mapped(file, _PARTS)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Sales of one year."""
    draw = random.Random(seed)
    rows = []
    for number in range(row_count):
        day = dt.date(2025, 1, 1) + dt.timedelta(days=draw.randrange(365))
        price = draw.randrange(600, 9000) * 1000
        names = (f"LEAD-{number:06d}", f"CUST-{draw.randrange(5000):06d}", f"PROP-{draw.randrange(600):05d}")
        rows.append((f"SALE-{seed}-{number:05d}", *names, f"AGT-{draw.randrange(45):04d}", day, price, price // 50))
    return write_csv(_COLUMNS, rows)
