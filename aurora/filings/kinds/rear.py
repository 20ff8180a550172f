"""REAR: the real estate activity report, of cash from a threshold on and of virtual assets in a freehold sale."""

from __future__ import annotations

from decimal import Decimal

from aurora.filings.goaml import add_head, add_indicators, add_transactions, unit_of
from aurora.filings.kind import Kind, Parts, Source, aed
from aurora.filings.records import Row

_RULES = ("AML-002", "AML-003", "AML-004")
_METHODS = ("cash", "virtual_asset")


def _build(source: Source) -> Parts:
    deal, parts = source.about, source.parts()
    payments = source.records.of("payment", deal_id=deal["deal_id"])
    told = [one for one in payments if one["payment_method"] in _METHODS]
    told = told or (payments if deal["is_source_of_funds_virtual_asset"] else [])
    add_head(
        parts,
        source,
        "REAR",
        reason=_reason(source, deal, told),
        action="Identity papers, receipt and sale agreement were taken and are kept."
        if deal["has_rear_documents"]
        else None,
        acted_why="That IDs, receipts and the agreement were taken and are kept (MoE Circular 05/2022).",
    )
    if told:
        add_transactions(parts, source, deal, told, unit_of(source, deal))
    else:
        parts.add("transaction[1].transactionnumber", "Payment", None, why="A payment in cash or virtual assets is what is reported.", where=f"a payment of deal {deal['deal_id']} with its method")  # fmt: skip
    add_indicators(parts, source, "rear")
    if not deal["is_freehold"]:
        parts.notes.append("The deal is not marked as freehold: the circular speaks of freehold sales.")
    return parts


def _reason(source: Source, deal: Row, told: list[Row]) -> str | None:
    """What triggered the report, by the rules' own threshold; null when nothing did."""
    limit = source.rulebook.pack("uae_aml").parameters["rear_cash_threshold_aed"].value
    cash = sum((one["amount_aed"] for one in told if one["payment_method"] == "cash"), Decimal(0))
    cash = max(cash, deal["cash_total_aed"] or Decimal(0))
    said = []
    if cash >= Decimal(str(limit)):
        said.append(
            f"cash of AED {aed(cash)}, at or above AED {aed(Decimal(str(limit)))}, in single or linked payments"
        )
    if deal["has_virtual_asset_payment"] or any(one["payment_method"] == "virtual_asset" for one in told):
        said.append("payment in virtual assets")
    if deal["is_source_of_funds_virtual_asset"]:
        said.append("funds that were converted from or to virtual assets")
    return f"Sale of freehold property, deal {deal['deal_id']}: {'; '.join(said)}." if said else None


KINDS = (
    Kind(
        kind="rear",
        title="Real estate activity report (REAR)",
        authority="UAE Financial Intelligence Unit, by goAML",
        contract="deal",
        says="Cash of AED 55,000 or more, or virtual assets, in a freehold sale.",
        exports=("xml", "pdf", "html", "json"),
        build=_build,
        rules=_RULES,
        root="report",
    ),
)
