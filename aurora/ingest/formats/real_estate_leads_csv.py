"""Leads of the Dubai developer funnel (SYNTHETIC data): one row a lead with the day of each stage."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Final

from aurora.ingest.mapped_csv import Mapped, has_columns, read_mapped, write_csv
from aurora.ingest.portions import Portion, SourceFile

CONTRACTS: Final = ("lead",)
_STAGES: Final = {
    "enquired_at": "Lead_Date",
    "qualified_at": "Qualification_Date",
    "viewed_at": "Site_Visit_Date",
    "negotiated_at": "Negotiation_Date",
    "booked_at": "Booking_Date",
}
_COLUMNS: Final = (
    "Lead_ID",
    "Lead_Date",
    "Marketing_Channel",
    "Campaign_Name",
    "Marketing_Cost_AED",
    "Customer_ID",
    "Property_ID",
    "Agent_ID",
    "Lead_Status",
    "Qualification_Date",
    "Site_Visit_Date",
    "Negotiation_Date",
    "Booking_Date",
    "Lost_Reason",
)
_STATUSES: Final = {
    "Lead": "new",
    "Contacted": "contacted",
    "Qualified": "qualified",
    "Site Visit": "viewing",
    "Negotiation": "negotiation",
    "Booking": "booked",
    "Sold": "won",
    "Lost": "lost",
}
_PARTS: Final = (
    Mapped(
        contract="lead",
        columns={
            "lead_id": "Lead_ID",
            "party_id": "Customer_ID",
            "property_id": "Property_ID",
            "broker_id": "Agent_ID",
            "lead_status": "Lead_Status",
            "channel": "Marketing_Channel",
            "campaign_name": "Campaign_Name",
            "marketing_cost_aed": "Marketing_Cost_AED",
            "lost_reason": "Lost_Reason",
            **_STAGES,
        },
        words={"lead_status": _STATUSES},
        dates=frozenset(_STAGES),
        always={"is_sample": "true"},
    ),
)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with the funnel's columns of a lead."""
    return has_columns(head, ("Lead_ID", "Lead_Date", "Lead_Status"))


def read(file: SourceFile) -> Iterator[Portion]:
    """A lead a line; ingest dates its state by the last stage that it reached."""
    return read_mapped(file, _PARTS)


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Leads that came as far as chance had it."""
    draw = random.Random(seed)
    return write_csv(_COLUMNS, [_lead(draw, f"{seed}-{number:06d}") for number in range(row_count)])


def _lead(draw: random.Random, number: str) -> tuple[object, ...]:
    day = dt.date(2025, 1, 1) + dt.timedelta(days=draw.randrange(400))
    reached = draw.randrange(5)
    days = [day + dt.timedelta(days=7 * stage) if stage <= reached else None for stage in range(1, 5)]
    status = draw.choice(list(_STATUSES))
    cost = f"{draw.randrange(2000, 40000) / 100:.2f}"
    lost = "Budget mismatch" if status == "Lost" else None
    names = (f"CUST-{number}", f"PROP-{draw.randrange(600):05d}", f"AGT-{draw.randrange(45):04d}")
    return (f"LEAD-{number}", day, "Website", "Web_Organic", cost, *names, status, *days, lost)
