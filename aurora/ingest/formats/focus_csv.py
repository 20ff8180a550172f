"""FOCUS as CSV: charges of any provider, versions 1.0 to 1.2; what becomes of them is `aurora.ingest.focus`'s."""

from __future__ import annotations

import datetime as dt
import io
import random
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from aurora.ingest.focus import MARKS, Charges, unknown
from aurora.ingest.portions import Portion, SourceFile, refusals
from aurora.ingest.tables import csv_header, csv_tables

CONTRACTS: Final = ("focus_charge",)


def matches(head: bytes, file_name: str) -> bool:  # noqa: ARG001 - one signature for all formats
    """A header with FOCUS's columns."""
    names = {name.encode() for name in csv_header(head.lstrip().split(b"\n", 1)[0])}
    return names >= set(MARKS)


def read(file: SourceFile) -> Iterator[Portion]:
    """One row a charge."""
    charges = Charges()
    for header, frame, refused in csv_tables(file):
        yield Portion(
            contract="focus_charge", rows=charges.rows(frame), refused=refusals(refused), ignored=unknown(header)
        )


def sample(*, contract: str, row_count: int, seed: int) -> bytes:  # noqa: ARG001 - one signature for all formats
    """Charges of a cloud provider, a credit among them."""
    out = io.BytesIO()
    sample_frame(row_count, seed=seed).write_csv(out)
    return out.getvalue()


def sample_frame(row_count: int, *, seed: int) -> pl.DataFrame:
    """Made-up charges with FOCUS's columns, as text."""
    draw = random.Random(seed)
    rows = [_charge(draw, number) for number in range(row_count)]
    return pl.DataFrame(rows, schema=dict.fromkeys(rows[0] if rows else ("BilledCost",), pl.String()))


def _charge(draw: random.Random, number: int) -> dict[str, Any]:
    day = dt.date(2026, 9, 1) + dt.timedelta(days=number % 28)
    quantity, price = draw.randrange(1, 5000), draw.choice(("0.000125", "0.004", "2.5"))
    is_credit = draw.random() < 0.1
    cost = f"{-float(draw.randrange(1, 90)):.2f}" if is_credit else f"{quantity * float(price):.6f}"
    return {
        "BilledCost": cost,
        "BillingAccountId": "123456789012",
        "BillingAccountName": "Fleet",
        "BillingCurrency": "USD",
        "BillingPeriodEnd": "2026-10-01T00:00:00Z",
        "BillingPeriodStart": "2026-09-01T00:00:00Z",
        "ChargeCategory": "Credit" if is_credit else "Usage",
        "ChargeClass": None,
        "ChargeDescription": "made up, with a comma",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": f"{day + dt.timedelta(days=1)}T00:00:00Z",
        "ChargePeriodStart": f"{day}T00:00:00Z",
        "ConsumedQuantity": None if is_credit else str(quantity),
        "ConsumedUnit": None if is_credit else "Tokens",
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "InvoiceIssuerName": "AWS",
        "ListCost": cost,
        "ListUnitPrice": None if is_credit else price,
        "PricingCategory": "Standard",
        "PricingQuantity": None if is_credit else str(quantity),
        "PricingUnit": None if is_credit else "Tokens",
        "ProviderName": "AWS",
        "PublisherName": "AWS",
        "RegionId": "me-central-1",
        "ResourceId": f"arn:aws:bedrock:me-central-1::{draw.randrange(9)}",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Amazon Bedrock",
        "ServiceSubcategory": "Generative AI",
        "SkuId": f"SKU{draw.randrange(20)}",
        "SubAccountId": f"{draw.randrange(10**12):012d}",
        "Tags": '{"team": "fleet"}',
    }
