"""Planted cases of deals, their costs and payments, and of viewings and brokers.

They are planted while a deal still has its plan (`_first_aed`, `_files_rear` ...), so that payments, papers and
totals follow from it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, microseconds
from twin.cases.ledger import Case, Ledger, breaks, keeps
from twin.cases.parameters import FOUR_EYES_AED, GCC

_STAGE: Final = pl.col("deal_stage")
_RESERVED: Final = pl.col("_reservation").cast(pl.Datetime("us", "UTC"))
_PAID_AT: Final = pl.col("_first_us").cast(pl.Datetime("us", "UTC"))
_IS_PAID: Final = pl.col("_first_us") != NEVER
_IS_OPEN: Final = ~_STAGE.is_in(["closed", "called_off"])
_IS_PLAIN: Final = (
    _IS_PAID
    & (_STAGE != "called_off")
    & ~pl.col("_first_method").is_in(["cash", "virtual_asset"])
    & ~pl.col("is_source_of_funds_virtual_asset")
)
_FREE: Final = _IS_PLAIN & pl.col("is_freehold")
_SIGNED: Final = ("mou", "spa", "payment", "transfer", "closed")
_UPDATED: Final = pl.col("updated_at")
EDGE_PRICES: Final = (500_000, 499_000)


def deal_cases(ledger: Ledger) -> list[Case]:
    """Of deals, those with the fewest rows to choose from first."""
    return [*_forms(), *_money(ledger), *_sides()]


def _forms() -> list[Case]:
    is_signing = _STAGE.is_in(["payment", "transfer"])
    return [
        breaks("DLD-007", where=_STAGE == "transfer", change={"noc_id": None}, since=pl.col("_transfer").cast(pl.Datetime("us", "UTC")),
               note="transfer without the developer's no-objection"),
        keeps("DLD-007", where=(_STAGE == "payment") & ~pl.col("is_off_plan") & pl.col("noc_id").is_null(), note="no NOC yet, and no transfer yet"),
        breaks("RERA-005", where=is_signing, change={"form_f_id": None}, since=pl.col("_payment").cast(pl.Datetime("us", "UTC")),
               note="payment stage without Form F"),
        keeps("RERA-005", where=(_STAGE == "reservation") & pl.col("form_f_id").is_null(), note="no Form F before the MOU"),
        breaks("DLD-008", where=pl.col("is_off_plan") & _STAGE.is_in(["spa", "payment", "closed"]), change={"oqood_no": None},
               since=pl.col("_spa").cast(pl.Datetime("us", "UTC")), note="off-plan sold without an entry in the interim register"),
        keeps("DLD-008", where=pl.col("is_off_plan") & (_STAGE == "reservation"), note="off-plan reservation, not registered yet"),
        breaks("AML-001", where=_STAGE.is_in(["reservation", "mou", "payment", "transfer"]), change={"buyer_cdd_status": "in_progress"},
               since=_RESERVED, note="reserved before due diligence on the buyer was complete"),
        breaks("AML-001", where=_STAGE.is_in(["reservation", "mou", "payment", "transfer"]), change={"seller_cdd_status": "not_started"},
               since=_RESERVED, note="reserved without due diligence on the seller"),
        keeps("AML-001", where=_STAGE == "called_off", change={"buyer_cdd_status": "failed"}, note="due diligence failed and the deal was called off"),
        breaks("DLD-001", where=_STAGE.is_in(_SIGNED), change={"title_check_status": "pending"},
               since=pl.max_horizontal("_mou", "_spa").cast(pl.Datetime("us", "UTC")), note="signed before the title deed was verified"),
        keeps("DLD-001", where=(_STAGE == "reservation") & (pl.col("title_check_status") == "pending"), note="title still being checked at reservation"),
    ]  # fmt: skip


def _money(ledger: Ledger) -> list[Case]:
    end = microseconds(ledger.frame.until)
    recent = pl.col("_first_us") > end - 25 * DAY
    cash = {"_first_method": "cash"}
    second = (pl.col("_first_us") + 2 * HOUR).cast(pl.Datetime("us", "UTC"))
    before_end = pl.col("_first_us") < end - 3 * HOUR
    return [
        breaks("AML-006", where=_FREE & recent & before_end, change=cash | {"_first_aed": 24_000, "_more_cash_aed": 25_500}, since=second,
               note="two cash payments just below the threshold"),
        keeps("AML-006", where=_FREE & recent & before_end, change=cash | {"_first_aed": 22_000, "_more_cash_aed": 22_999}, note="two cash payments, 44,999 AED in all"),
        keeps("AML-006", where=_FREE, change=cash | {"_first_aed": 50_000}, note="50,000 AED in one cash payment"),
        breaks("AML-002", where=_FREE, change=cash | {"_first_aed": 61_000, "_files_rear": False}, since=_PAID_AT, note="61,000 AED in cash, no REAR"),
        breaks("AML-002", where=_FREE, change=cash | {"_first_aed": 55_000, "_files_rear": False}, since=_PAID_AT, note="55,000 AED in cash, the threshold itself, no REAR"),
        keeps("AML-002", where=_FREE, change=cash | {"_first_aed": 54_999}, note="54,999 AED in one cash payment"),
        keeps("AML-002", where=_FREE, change=cash | {"_first_aed": 55_000}, note="55,000 AED in cash, REAR filed"),
        keeps("AML-002", where=_IS_PLAIN & ~pl.col("is_freehold"), change=cash | {"_first_aed": 60_000}, note="60,000 AED in cash, but no freehold"),
        breaks("AML-003", where=_FREE, change={"_first_method": "virtual_asset", "_files_rear": False}, since=_PAID_AT, note="paid in virtual assets, no REAR"),
        keeps("AML-003", where=_FREE, change={"_first_method": "virtual_asset"}, note="paid in virtual assets, REAR filed"),
        breaks("AML-004", where=_FREE, change={"is_source_of_funds_virtual_asset": True, "_files_rear": False}, since=_RESERVED, note="funds were virtual assets, no REAR"),
        keeps("AML-004", where=_FREE, change={"is_source_of_funds_virtual_asset": True}, note="funds were virtual assets, REAR filed"),
        breaks("AML-005", where=_FREE, change=cash | {"_first_aed": 72_000, "_lacks_receipt": True}, since=pl.col("_rear_us").cast(pl.Datetime("us", "UTC")),
               note="REAR filed, receipt not on file"),
        keeps("AML-005", where=_FREE, change=cash | {"_first_aed": 73_000}, note="REAR filed with all four papers"),
        breaks("AML-016", where=_IS_OPEN, change={"source_of_funds": None}, since=_RESERVED, note="source of funds not stated"),
        breaks("AML-016", where=_IS_OPEN, change={"risk_rating": "high", "source_of_wealth": None}, since=_RESERVED, note="high risk, source of wealth not stated"),
        keeps("AML-016", where=_IS_OPEN, change={"risk_rating": "medium", "source_of_wealth": None}, note="medium risk: source of wealth is not asked"),
    ]  # fmt: skip


def _sides() -> list[Case]:
    both = {"is_same_broker_both_sides": True}
    return [
        breaks("RERA-006", where=_IS_OPEN, change={"brokerage_count": 2, "form_i_id": None}, since=_RESERVED, note="two brokerages without Form I"),
        keeps("RERA-006", where=_IS_OPEN, change={"brokerage_count": 1, "form_i_id": None}, note="one brokerage needs no Form I"),
        breaks("RERA-008", where=_IS_OPEN, change=both | {"has_buyer_dual_consent": True, "has_seller_dual_consent": False}, since=_RESERVED, note="dual agency, the seller did not agree"),
        keeps("RERA-008", where=_IS_OPEN, change=both | {"has_buyer_dual_consent": True, "has_seller_dual_consent": True}, note="dual agency, both agreed"),
    ]  # fmt: skip


def with_edge_prices(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    """Some resale deals at the very price at which the trustee's fee changes, and just below it."""
    draw = ledger.frame.draws("cases/edge_prices")
    is_free = (
        ~pl.col("is_off_plan")
        & (pl.col("price_aed") < 1_500_000)
        & (pl.col("_loan_aed") == 0)
        & (_STAGE != "called_off")
    )
    free = rows.select(is_free & ~pl.col("_case")).to_series().arg_true().to_numpy()
    chosen = draw.choice(free, 2 * ledger.many, replace=False)
    price, first = rows["price_aed"].to_numpy().copy(), rows["_first_aed"].to_numpy().copy()
    for places, edge in zip(chosen.reshape(2, ledger.many), EDGE_PRICES, strict=True):
        price[places], first[places] = edge, 20_000
    return rows.with_columns(
        pl.Series("price_aed", price), pl.Series("commission_aed", price // 50), pl.Series("_first_aed", first)
    )


def foreign_owner_cases() -> tuple[Case, Case]:
    """DLD-011, planted when units are given to buyers: `_is_foreign` marks the deals in question."""
    return (
        breaks("DLD-011", where=pl.col("_is_foreign"), change={}, since=_RESERVED, note="foreign buyer where only citizens of the Gulf states may own"),
        keeps("DLD-011", where=~pl.col("is_area_freehold") & pl.col("buyer_country").is_in(GCC), note="buyer from the Gulf states in the same area"),
    )  # fmt: skip


def cost_cases() -> list[Case]:
    """Of fees."""
    kind, price, amount = pl.col("cost_kind"), pl.col("price_aed"), pl.col("amount_aed")
    rate = {"rate_share": 0.025, "amount_aed": price * 2625 // 100_000}
    return [
        breaks("DLD-002", where=kind == "dld_transfer", change={"amount_aed": amount + 5_000}, since=_UPDATED, note="transfer fee 5,000 AED too high"),
        keeps("DLD-002", where=kind == "dld_transfer", change={"amount_aed": amount + 1}, note="transfer fee rounded up by 1 AED"),
        breaks("DLD-003", where=(kind == "trustee") & (price > EDGE_PRICES[0]), change={"amount_aed": 4_000}, since=_UPDATED, note="trustee fee without VAT"),
        keeps("DLD-003", where=(kind == "trustee") & (price == EDGE_PRICES[0]), note="price of exactly 500,000 AED: the higher fee"),
        keeps("DLD-003", where=(kind == "trustee") & (price == EDGE_PRICES[1]), note="price of 499,000 AED: the lower fee"),
        breaks("DLD-004", where=(kind == "dld_admin") & (pl.col("property_kind") == "apartment") & ~pl.col("is_off_plan"), change={"amount_aed": 430}, since=_UPDATED, note="admin fee of land asked for an apartment"),
        keeps("DLD-004", where=(kind == "dld_admin") & pl.col("is_off_plan"), note="40 AED for an off-plan apartment"),
        breaks("DLD-005", where=kind == "mortgage_reg", change={"amount_aed": pl.col("loan_aed") // 400}, since=_UPDATED, note="mortgage registration without the 290 AED"),
        keeps("DLD-005", where=kind == "mortgage_reg", change={"amount_aed": amount + 1}, note="mortgage registration rounded up by 1 AED"),
        breaks("DLD-006", where=kind == "commission", change=rate | {"is_agreed_in_writing": False}, since=_UPDATED, note="2.5 % commission, not agreed in writing"),
        keeps("DLD-006", where=kind == "commission", change=rate | {"is_agreed_in_writing": True}, note="2.5 % commission, agreed in writing"),
    ]  # fmt: skip


def payment_cases(other_payer: str) -> list[Case]:
    """Of payments; `other_payer` is a party that buys nothing."""
    received, part = pl.col("received_at"), pl.col("_part")
    is_other = pl.col("payer_party_id") != other_payer
    cleared = pl.col("_cleared").cast(pl.Datetime("us", "UTC"))
    strange = pl.lit("AE270330000019300000999")
    return [
        breaks("AML-022", where=part == "first", change={"received_at": cleared - pl.duration(hours=2)}, since=cleared - pl.duration(hours=2), note="taken two hours before due diligence was done"),
        keeps("AML-022", where=part == "first", change={"received_at": cleared + pl.duration(minutes=1)}, note="taken a minute after due diligence was done"),
        breaks("AML-017", where=(part == "tenth") & is_other, change={"payer_party_id": other_payer}, since=received, note="paid by a third party without a reason on file"),
        keeps("AML-017", where=(part == "tenth") & is_other, change={"payer_party_id": other_payer, "third_party_justification": "spouse, certificate on file"}, note="paid by a third party, reason on file"),
        breaks("DLD-009", where=pl.col("_is_off_plan"), change={"payee_account": strange}, since=received, note="off-plan money to an account that is not the project's escrow"),
        breaks("SOC2-012", where=pl.col("amount_aed") > FOUR_EYES_AED, change={"approver_id": None}, since=received, note="large amount without a second person"),
        keeps("SOC2-012", where=(part == "rest") & (pl.col("amount_aed") > FOUR_EYES_AED), change={"amount_aed": FOUR_EYES_AED, "approver_id": None}, note="exactly the amount up to which one person may"),
        keeps("DLD-009", where=~pl.col("_is_off_plan"), change={"payee_account": strange}, note="ready property: no escrow is asked"),
    ]  # fmt: skip


def dealership_cases() -> list[Case]:
    """Of payments of the sister dealership."""
    return [
        breaks("AUTO-002", where=pl.col("has_financial_controls"), change={"has_financial_controls": False}, since=pl.col("received_at"), note="controls on a dealership's payment failed"),
        keeps("AUTO-002", where=pl.col("has_financial_controls"), note="controls on a dealership's payment passed"),
    ]  # fmt: skip


def viewing_cases() -> list[Case]:
    """Of visits."""
    side = pl.col("broker_represents")
    return [
        breaks("RERA-004", where=(side == "buyer") & (pl.col("viewing_status") == "done"), change={"buyer_form_b_id": None}, since=pl.col("viewing_starts_at"), note="acted for the buyer without Form B"),
        keeps("RERA-004", where=(side == "seller") & pl.col("buyer_form_b_id").is_null(), note="acted for the seller: no Form B"),
    ]  # fmt: skip


def broker_cases(ledger: Ledger) -> list[Case]:
    """Of brokers."""
    acts = pl.col("is_acting")
    return [
        breaks("RERA-009", where=acts, change={"brn_expiry_date": ledger.day(-6)}, since=ledger.ago(days=5), note="acts with a card that is six days over"),
        breaks("RERA-009", where=acts, change={"brn": None}, since=pl.col("updated_at"), note="acts without a broker number"),
        keeps("RERA-009", where=acts, change={"brn_expiry_date": ledger.day(0)}, note="card valid to the very day"),
        keeps("RERA-009", where=acts, change={"is_acting": False, "brn_expiry_date": ledger.day(-40)}, note="card over, but does not act"),
    ]  # fmt: skip
