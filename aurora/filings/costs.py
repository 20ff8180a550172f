"""What a sale costs, in dirhams and fils: fees of the Land Department, trustee, mortgage, commission, VAT.

Amounts are decimals, rounded half up to two digits, a line at a time. Rates come from the rule pack `dld` and from
`dld_costs.yaml`; nothing is written into the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from aurora.compliance.declarations import Parameter
from aurora.compliance.rulebook import Rulebook
from aurora.packs.reading import read_declared

FILE: Final = Path(__file__).with_name("dld_costs.yaml")
_CENT: Final = Decimal("0.01")
LineKind = Literal["dld_transfer", "dld_admin", "trustee", "mortgage_reg", "commission"]
_LAND_FEE: Final = ("land",)


class CostLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the sheet, as declared."""

    kind: LineKind
    label: str
    rule: str
    parameters: tuple[str, ...]
    payer: Literal["buyer", "seller"]
    payer_because: str


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    parameters: dict[str, Parameter]
    lines: tuple[CostLine, ...]


@dataclass(frozen=True, slots=True)
class Sale:
    """What the costs of a sale follow from."""

    price_aed: Decimal
    property_kind: str
    is_off_plan: bool
    loan_aed: Decimal | None = None
    commission_share: Decimal | None = None
    """As agreed; the usual one when null."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One line, reckoned."""

    line: CostLine
    basis: str
    net_aed: Decimal
    vat_aed: Decimal

    @property
    def total_aed(self) -> Decimal:
        """With VAT."""
        return self.net_aed + self.vat_aed


def declared(rulebook: Rulebook) -> tuple[tuple[CostLine, ...], Mapping[str, Parameter]]:
    """The lines, and every parameter that they ask for with its source."""
    file = read_declared(FILE, _File)
    return file.lines, {**rulebook.pack("dld").parameters, **file.parameters}


def costs_of(sale: Sale, rulebook: Rulebook) -> list[Cost]:
    """Every line that applies to the sale: without a loan none for the mortgage."""
    lines, parameters = declared(rulebook)
    values = {name: Decimal(str(one.value)) for name, one in parameters.items() if not isinstance(one.value, list)}
    found = [_cost(line, sale, values) for line in lines]
    return [one for one in found if one is not None]


def _cost(line: CostLine, sale: Sale, at: Mapping[str, Decimal]) -> Cost | None:
    price = sale.price_aed
    match line.kind:
        case "dld_transfer":
            rate = at["transfer_fee_share"]
            return Cost(line, f"{_percent(rate)} of AED {price:,.2f}", _round(price * rate), Decimal("0.00"))
        case "dld_admin":
            return _admin(line, sale, at)
        case "trustee":
            return _trustee(line, price, at)
        case "mortgage_reg":
            if not sale.loan_aed:
                return None
            rate, fixed = at["mortgage_fee_share"], at["mortgage_fee_aed"]
            basis = f"{_percent(rate)} of the loan of AED {sale.loan_aed:,.2f}, and {fixed:,.0f}"
            return Cost(line, basis, _round(sale.loan_aed * rate + fixed), Decimal("0.00"))
        case "commission":
            rate = at["usual_commission_share"] if sale.commission_share is None else sale.commission_share
            net = _round(price * rate)
            basis = f"{_percent(rate)} of AED {price:,.2f}, and {_percent(at['vat_share'])} VAT"
            return Cost(line, basis, net, _round(net * at["vat_share"]))


def _admin(line: CostLine, sale: Sale, at: Mapping[str, Decimal]) -> Cost:
    if sale.is_off_plan:
        return Cost(line, "off-plan", _round(at["admin_fee_off_plan_aed"]), Decimal("0.00"))
    if sale.property_kind in _LAND_FEE:
        return Cost(line, "land", _round(at["admin_fee_land_aed"]), Decimal("0.00"))
    said = sale.property_kind
    if said in ("villa", "townhouse"):
        said += f"; some trustees take it as land, {at['admin_fee_land_aed']:,.0f}"
    return Cost(line, said, _round(at["admin_fee_aed"]), Decimal("0.00"))


def _trustee(line: CostLine, price: Decimal, at: Mapping[str, Decimal]) -> Cost:
    """The parameter holds VAT already; the sheet shows both parts."""
    is_high = price >= at["trustee_threshold_aed"]
    gross = at["trustee_fee_high_aed" if is_high else "trustee_fee_low_aed"]
    net = _round(gross / (1 + at["vat_share"]))
    place = "from" if is_high else "below"
    basis = f"price {place} AED {at['trustee_threshold_aed']:,.0f}, and {_percent(at['vat_share'])} VAT"
    return Cost(line, basis, net, _round(gross - net))


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"
