"""The cost sheet of a sale in Dubai: who pays what to whom, by which parameter, beside what was quoted or charged."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from aurora.errors import DataError
from aurora.filings.costs import Cost, Sale, costs_of, declared
from aurora.filings.goaml import unit_of
from aurora.filings.kind import Kind, Parts, Source, aed
from aurora.filings.records import Row
from contracts.messages.filings import FilingTable


def _build(source: Source) -> Parts:
    deal, parts = source.about, source.parts()
    charged = source.records.of("deal_cost", deal_id=deal["deal_id"])
    unit = unit_of(source, deal)
    where = f"deal {deal['deal_id']} at {deal['source']}"
    loan, has_mortgage = _loan(source, deal, charged)
    off_plan = deal["is_off_plan"] if deal["is_off_plan"] is not None or unit is None else unit["is_off_plan"]
    parts.add("price_aed", "Price (AED)", deal["price_aed"], why="Most fees are a share of it.", where=f"price_aed of {where}")  # fmt: skip
    kind = None if unit is None else unit["property_kind"]
    parts.add("property_kind", "What is sold", kind, why="The administration fee goes by it.", where=f"property_kind of the property of {where}")  # fmt: skip
    parts.add("is_off_plan", "Off-plan", off_plan, why="The administration fee goes by it.", where=f"is_off_plan of {where}")  # fmt: skip
    parts.add("loan_aed", "Mortgage loan (AED)", loan, why="Registration of the mortgage is a share of it.", where=f"loan_aed of a deal_cost of {where}", mandatory=has_mortgage)  # fmt: skip
    parts.add("commission_share", "Commission agreed (share)", _agreed(charged), why="The usual one is taken without it.", where=f"rate_share of the commission of {where}", mandatory=False)  # fmt: skip
    parts.tables += sheet(parts.values, source, charged)
    parts.notes += [
        "An estimate from declared parameters, not an invoice; the Land Department's own figure counts.",
        "From 2026 on fees cannot be added to the mortgage.",
    ]
    return parts


def sheet(values: dict[str, str | None], source: Source, charged: list[Row]) -> list[FilingTable]:
    """Lines, totals by payer and parameters, from the fields' values; none while the price or kind is missing."""
    sale = _sale(values)
    if sale is None:
        return []
    found = costs_of(sale, source.rulebook)
    return [_lines(found, source, charged), _totals(found), _parameters(found, source)]


def _sale(values: dict[str, str | None]) -> Sale | None:
    price, kind, off_plan = _amount(values, "price_aed"), values["property_kind"], values["is_off_plan"]
    if price is None or kind is None or off_plan is None:
        return None
    return Sale(price, kind, off_plan == "yes", _amount(values, "loan_aed"), _amount(values, "commission_share"))


def _amount(values: dict[str, str | None], path: str) -> Decimal | None:
    text = values[path]
    try:
        amount = None if text is None else Decimal(text.replace(",", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not (amount.is_finite() and amount >= 0):
        raise DataError(
            f"{path} is {text!r}, which is no amount.", field=path, rule="decimal", next_step="Write it as 1250000.00."
        )
    return amount


def _loan(source: Source, deal: Row, charged: list[Row]) -> tuple[Decimal | None, bool]:
    loans = [one["loan_aed"] for one in charged if one["loan_aed"] is not None]
    payments = source.records.of("payment", deal_id=deal["deal_id"], payment_method="mortgage")
    is_registered = any(one["cost_kind"] == "mortgage_reg" for one in charged)
    return (max(loans) if loans else None), bool(loans or payments or is_registered)


def _agreed(charged: list[Row]) -> str | None:
    rates = [one["rate_share"] for one in charged if one["cost_kind"] == "commission" and one["rate_share"] is not None]
    return str(rates[0]) if rates else None


def _lines(found: list[Cost], source: Source, charged: list[Row]) -> FilingTable:
    rows = []
    for one in found:
        rule = source.rulebook.rule(one.line.rule)
        quoted = sum((row["amount_aed"] for row in charged if row["cost_kind"] == one.line.kind), Decimal(0))
        is_quoted = any(row["cost_kind"] == one.line.kind for row in charged)
        rows.append(
            (
                one.line.label,
                one.basis,
                aed(one.net_aed),
                aed(one.vat_aed),
                aed(one.total_aed),
                f"{one.line.payer} ({one.line.payer_because.lower()})",
                aed(quoted) if is_quoted else None,
                rule.rule_id,
            )
        )
    columns = ("Cost", "Reckoned as", "Net (AED)", "VAT (AED)", "Total (AED)", "Who pays", "Quoted (AED)", "Rule")
    return FilingTable(title="Costs", columns=columns, rows=tuple(rows))


def _totals(found: list[Cost]) -> FilingTable:
    payers = sorted({one.line.payer for one in found})
    sums = [(payer, sum((one.total_aed for one in found if one.line.payer == payer), Decimal(0))) for payer in payers]
    rows = [(f"The {payer} pays", aed(amount)) for payer, amount in sums]
    rows.append(("Together", aed(sum((one.total_aed for one in found), Decimal(0)))))
    return FilingTable(title="Totals", columns=("", "AED"), rows=tuple(rows))


def _parameters(found: list[Cost], source: Source) -> FilingTable:
    _, parameters = declared(source.rulebook)
    provenance = {
        name: source.rulebook.rule(one.line.rule).file.provenance for one in found for name in one.line.parameters
    }
    rows = []
    for name in sorted(provenance):
        one = parameters[name]
        verified = "assumed, to be verified" if one.is_assumed else f"provenance {provenance[name]}"
        rows.append((one.meaning, str(one.value), one.source, verified, one.as_of.isoformat()))
    columns = ("Parameter", "Value", "Source", "How sure", "As of")
    return FilingTable(title="Parameters", columns=columns, rows=tuple(rows))


KINDS = (
    Kind(
        kind="dld_costs",
        title="Cost sheet of a sale",
        authority="Dubai Land Department",
        contract="deal",
        says="Transfer fee, administration, trustee, mortgage, commission and VAT: who pays what.",
        exports=("pdf", "html", "json"),
        build=_build,
    ),
)
