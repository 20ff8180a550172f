"""Sales from due diligence to the keys: stages, the law's papers, money.

A row's columns that begin with `_` are what other tables are made from; they are not exported.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import (
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    Flags,
    Ints,
    at_work,
    choose,
    ids,
    later,
    moments,
    only,
    until,
)
from twin.cases.parameters import FOUR_EYES_AED

_STAGES: Final = ("reservation", "mou", "spa", "payment", "transfer", "closed", "called_off")
_FUNDS: Final = (
    "salary savings",
    "sale of property",
    "business income",
    "mortgage",
    "inheritance",
    "investment income",
)
_KYC_FAILS: Final = 0.03
_CALLED_OFF: Final = 0.07
_CASH_SHARE: Final = 0.05
_VIRTUAL_SHARE: Final = 0.012
_STUCK: Final = 10


def stage_moments(draw: np.random.Generator, started: Ints, off_plan: Flags, *, end: int) -> dict[str, Ints]:
    """Moments of each stage of deals whose due diligence began at `started`."""
    count = len(started)
    cleared = until(at_work(draw, later(draw, started, median_h=30.0, spread=0.6)), end)
    fails = draw.random(count) < _KYC_FAILS
    off = draw.random(count) < _CALLED_OFF
    made = {
        "reservation": until(only(cleared + draw.integers(20, 180, count) * MINUTE, ~fails & (cleared != NEVER)), end)
    }
    at = made["reservation"]
    drops_after = draw.integers(0, 3, count)
    for place, (name, hours, who) in enumerate(
        (
            ("mou", 40.0, ~off_plan),
            ("spa", 120.0, off_plan),
            ("payment", 110.0, np.ones(count, dtype=np.bool_)),
            ("transfer", 260.0, ~off_plan),
            ("closed", 20.0, np.ones(count, dtype=np.bool_)),
        )
    ):
        goes_on = who & ~(off & (drops_after <= max(0, place - 1)))
        when = only(until(at_work(draw, later(draw, at, median_h=hours, spread=0.5)), end), goes_on)
        made[name] = when
        at = np.where(who, when, at)
    _get_stuck(draw, made)
    last = np.maximum.reduce([*made.values(), cleared])
    left = until(at_work(draw, later(draw, last, median_h=90.0)), end)
    made["called_off"] = np.where(
        fails, cleared, only(left, off & (made["closed"] == NEVER) & (made["reservation"] != NEVER))
    )
    return {"cleared": cleared, **made}


def _get_stuck(draw: np.random.Generator, made: dict[str, Ints]) -> None:
    """Some deals wait at each stage for a paper or a person, however long ago they came to it."""
    count = len(made["reservation"])
    is_free = np.ones(count, dtype=np.bool_)
    for stage in ("transfer", "payment", "spa", "mou", "reservation"):
        here = np.flatnonzero(is_free & (made[stage] != NEVER))
        stuck = draw.choice(here, min(len(here), max(_STUCK, count // 60)), replace=False)
        is_free[stuck] = False
        for later_stage in list(made)[list(made).index(stage) + 1 :]:
            made[later_stage][stuck] = NEVER


def deals(draw: np.random.Generator, steps: dict[str, Ints], facts: pl.DataFrame, *, end: int) -> pl.DataFrame:
    """Deals that came to a reservation or were refused before it: one row each, as finance has it now.

    `facts` has the parties' and unit's columns, in the order of `steps`.
    """
    count = facts.height
    stage, reached = np.full(count, -1), np.full(count, NEVER)
    for place, name in enumerate(_STAGES):
        here = steps[name] != NEVER
        stage, reached = np.where(here, place, stage), np.where(here, np.maximum(reached, steps[name]), reached)
    failed = (steps["called_off"] != NEVER) & (steps["reservation"] == NEVER)
    risk = facts["_risk"]
    after = stage >= 1
    is_signed = after & (stage < len(_STAGES) - 1)
    wealth = choose(draw, ("business", "employment", "family", "investments"), count)
    brokerages = draw.choice((1, 2), count, p=(0.72, 0.28))
    both = draw.random(count) < 0.05
    paper = ids("F", count)
    off_plan = facts["is_off_plan"].to_numpy()
    rows = facts.with_columns(
        pl.Series("deal_stage", [*_STAGES, None]).gather(stage % (len(_STAGES) + 1)),
        pl.Series("buyer_cdd_status", np.where(failed, "failed", "complete")),
        pl.Series("seller_cdd_status", np.where(failed & (draw.random(count) < 0.3), "in_progress", "complete")),
        moments(only(steps["cleared"], ~failed)).alias("cdd_cleared_at"),
        risk.alias("risk_rating"),
        choose(draw, _FUNDS, count).alias("source_of_funds"),
        wealth.set(pl.Series((risk != "high").to_numpy() & (draw.random(count) < 0.7)), None).alias("source_of_wealth"),
        pl.Series("is_source_of_funds_virtual_asset", draw.random(count) < _VIRTUAL_SHARE / 2),
        ("FF-" + paper).set(pl.Series(~is_signed), None).alias("form_f_id"),
        ("FI-" + paper).set(pl.Series(brokerages == 1), None).alias("form_i_id"),
        ("NOC-" + paper).set(pl.Series((stage < 4) | off_plan), None).alias("noc_id"),
        ("OQ-" + paper).set(pl.Series(~off_plan | (stage < 2)), None).alias("oqood_no"),
        pl.Series("title_check_status", np.where(after, "verified", np.where(failed, "not_checked", "pending"))),
        pl.Series("brokerage_count", brokerages),
        pl.Series("is_same_broker_both_sides", both),
        pl.Series("has_buyer_dual_consent", both),
        pl.Series("has_seller_dual_consent", both),
        moments(steps["closed"]).alias("closed_at"),
        (pl.col("price_aed") // 50).alias("commission_aed"),
        moments(np.minimum(reached, end - 1)).alias("updated_at"),
        *(pl.Series(f"_{name}", us) for name, us in steps.items()),
    )
    rows = rows.filter(pl.col("deal_stage").is_not_null())
    return _with_money(draw, rows, end=end)


def _with_money(draw: np.random.Generator, rows: pl.DataFrame, *, end: int) -> pl.DataFrame:
    """How each deal is paid: first amount and method, mortgage; cash at first, and more cash later."""
    count = rows.height
    price = rows["price_aed"].to_numpy()
    fate = draw.random(count)
    is_cash, is_virtual = fate < _CASH_SHARE, (fate >= _CASH_SHARE) & (fate < _CASH_SHARE + _VIRTUAL_SHARE)
    usual = choose(draw, ("bank_transfer", "cheque", "card"), count, (0.5, 0.35, 0.15))
    method = np.where(is_cash, "cash", np.where(is_virtual, "virtual_asset", usual.to_numpy()))
    cash = np.where(draw.random(count) < 0.5, draw.integers(8, 44, count) * 1000, draw.integers(56, 180, count) * 1000)
    mortgage = (draw.random(count) < 0.42) & ~rows["is_off_plan"].to_numpy()
    loan = np.where(mortgage, (price * draw.uniform(0.5, 0.8, count) / 10_000).astype(np.int64) * 10_000, 0)
    paid = rows["_reservation"].to_numpy() + draw.integers(15, 120, count) * MINUTE
    paid = np.where(rows["_reservation"].to_numpy() == NEVER, NEVER, np.minimum(paid, end - 1))
    return rows.with_columns(
        pl.Series("_first_method", method),
        pl.Series("_first_aed", np.where(is_cash, cash, np.maximum(20_000, price // 20_000 * 1000))),
        pl.Series("_first_us", paid),
        pl.Series("_more_cash_aed", np.zeros(count, dtype=np.int64)),
        pl.Series("_loan_aed", loan),
        pl.Series("_lacks_receipt", np.zeros(count, dtype=np.bool_)),
        pl.Series("_rear_us", np.minimum(paid + draw.integers(2, 40, count) * HOUR // 4, end - 1)),
        pl.lit(value=True).alias("_files_rear"),
    )


def with_payment_facts(rows: pl.DataFrame) -> pl.DataFrame:
    """What the law asks of the money: cash in all, virtual assets, the report to goAML and its papers.

    The report is due for freehold with 55,000 AED of cash or more, and for virtual assets anywhere in the chain.
    """
    was_paid = pl.col("_first_us") != NEVER
    first_cash = pl.when(was_paid & (pl.col("_first_method") == "cash")).then("_first_aed").otherwise(0)
    total = first_cash + pl.when(was_paid).then("_more_cash_aed").otherwise(0)
    rows = rows.with_columns(
        total.alias("cash_total_aed"),
        (
            pl.when(first_cash > 0).then(1).otherwise(0)
            + pl.when(was_paid & (pl.col("_more_cash_aed") > 0)).then(1).otherwise(0)
        ).alias("cash_payment_30d_count"),
        (was_paid & (pl.col("_first_method") == "virtual_asset")).alias("has_virtual_asset_payment"),
    )
    is_due = pl.col("is_freehold") & (
        (pl.col("cash_total_aed") >= 55_000)
        | pl.col("has_virtual_asset_payment")
        | pl.col("is_source_of_funds_virtual_asset")
    )
    files = is_due & pl.col("_files_rear")
    filed = pl.when(pl.col("_rear_us") > NEVER + 365 * DAY).then("_rear_us").otherwise(pl.col("_called_off"))
    return rows.with_columns(
        pl.when(files).then(filed).cast(pl.Datetime("us", "UTC")).alias("rear_filed_at"),
        pl.when(files).then(~pl.col("_lacks_receipt")).alias("has_rear_documents"),
    )


def payments(draw: np.random.Generator, rows: pl.DataFrame, *, escrow: pl.Series, end: int) -> pl.DataFrame:
    """Money received: at reservation, more cash a day later where planned, a tenth on signing, the rest before transfer.

    `escrow` is the escrow account of each deal's project, null where it is not off-plan.
    """
    price, first = rows["price_aed"].to_numpy(), rows["_first_us"].to_numpy()
    tenth = np.maximum(rows["_mou"].to_numpy(), rows["_spa"].to_numpy())
    rest, loan = rows["_payment"].to_numpy(), rows["_loan_aed"].to_numpy()
    gone = np.where(first == NEVER, 0, rows["_first_aed"].to_numpy() + rows["_more_cash_aed"].to_numpy())
    own = np.maximum(price - gone - price // 10 - loan, 1000)
    planned = (
        ("first", first, rows["_first_aed"].to_numpy(), rows["_first_method"].to_numpy()),
        ("more", np.where(first == NEVER, NEVER, first + 2 * HOUR), rows["_more_cash_aed"].to_numpy(), "cash"),
        ("tenth", np.where(tenth == NEVER, NEVER, tenth + HOUR), price // 10, "cheque"),
        ("loan", np.where(rest == NEVER, NEVER, rest + 3 * HOUR), loan, "mortgage"),
        ("rest", np.where(rest == NEVER, NEVER, rest + 2 * HOUR), own, "bank_transfer"),
    )
    parts = []
    for part, us, amount, method in planned:
        here = np.flatnonzero((us != NEVER) & (amount > 0) & (us < end))
        if len(here):
            methods = pl.Series(method[here]) if isinstance(method, np.ndarray) else pl.Series([method] * len(here))
            parts.append(
                pl.DataFrame(
                    {
                        "_deal": here,
                        "us": us[here],
                        "amount_aed": amount[here],
                        "payment_method": methods,
                        "_part": [part] * len(here),
                    }
                )
            )
    paid = pl.concat(parts).sort("us", "_deal", "_part")
    count, of = paid.height, paid["_deal"]
    account = pl.Series([f"AE2703300000193000000{place}" for place in range(10)]).gather(draw.integers(0, 3, count))
    is_big = paid["amount_aed"] > FOUR_EYES_AED
    return paid.with_columns(
        ids("TY-", count).alias("payment_id"),
        rows["deal_id"].gather(of).alias("deal_id"),
        rows["buyer_party_id"].gather(of).alias("payer_party_id"),
        pl.when(pl.col("payment_method") == "virtual_asset")
        .then(pl.lit("USDT"))
        .otherwise(pl.lit("AED"))
        .alias("paid_currency"),
        escrow.gather(of).zip_with(rows["is_off_plan"].gather(of), account).alias("payee_account"),
        moments(paid["us"].to_numpy()).alias("received_at"),
        choose(draw, ("person-0003", "person-0004"), count).set(~is_big, None).alias("approver_id"),
        pl.lit(None, dtype=pl.String).alias("third_party_justification"),
        pl.lit("real_estate").alias("industry"),
        pl.lit(value=True).alias("has_financial_controls"),
        *(rows[name].gather(of).alias(name) for name in ("_case", "_cleared")),
        rows["is_off_plan"].gather(of).alias("_is_off_plan"),
        moments(np.minimum(paid["us"].to_numpy() + draw.integers(1, 50, count) * MINUTE, end - 1)).alias("updated_at"),
    )


def dealership_payments(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Payments of the sister dealership, whose books finance keeps too."""
    us = np.sort(draw.integers(start, end - HOUR, count))
    return pl.DataFrame(
        {
            "payment_id": ids("TZ-", count),
            "amount_aed": draw.integers(40, 400, count) * 1000,
            "payment_method": choose(draw, ("bank_transfer", "card"), count),
            "paid_currency": ["AED"] * count,
            "received_at": moments(us),
            "industry": ["automotive"] * count,
            "has_financial_controls": [True] * count,
            "updated_at": moments(us + HOUR // 2),
        }
    )


def deal_costs(rows: pl.DataFrame) -> pl.DataFrame:
    """Fees of deals as quoted: what the Land Department, trustee, bank and broker ask (requirements, section 7)."""
    facts = rows.filter(pl.col("deal_stage") != "called_off").select(
        "deal_id", "price_aed", "property_kind", "is_off_plan", "updated_at", pl.col("_loan_aed").alias("loan_aed")
    )
    price = pl.col("price_aed")
    admin = pl.when("is_off_plan").then(40).when(pl.col("property_kind") == "land").then(430).otherwise(580)
    ready, always = ~pl.col("is_off_plan"), pl.lit(value=True)
    kinds = (
        ("dld_transfer", always, price // 25, 0.04),
        ("dld_admin", always, admin, None),
        ("trustee", ready, pl.when(price >= 500_000).then(4200).otherwise(2100), None),
        ("mortgage_reg", pl.col("loan_aed") > 0, pl.col("loan_aed") // 400 + 290, 0.0025),
        ("commission", always, price * 21 // 1000, 0.02),
    )
    parts = [
        facts.filter(where).with_columns(
            pl.lit(kind).alias("cost_kind"),
            amount.cast(pl.Int64).alias("amount_aed"),
            pl.lit(rate, dtype=pl.Float64).alias("rate_share"),
            pl.lit(value=True if kind == "commission" else None, dtype=pl.Boolean).alias("is_agreed_in_writing"),
        )
        for kind, where, amount, rate in kinds
    ]
    made = pl.concat(parts).sort("deal_id", "cost_kind")
    loan = pl.when(pl.col("cost_kind") == "mortgage_reg").then("loan_aed")
    return made.with_columns(ids("TC-", made.height).alias("deal_cost_id"), loan.alias("loan_aed"))
