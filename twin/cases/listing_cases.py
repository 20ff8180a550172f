"""Planted cases of listings, advertisements, properties and tenancies."""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import polars as pl

from twin.cases.ledger import Case, Ledger, breaks, keeps

_LIVE: Final = pl.col("is_published")
_OUT: Final = pl.col("published_at")
_OFF_PLAN: Final = pl.col("is_off_plan")
_GONE: Final = pl.col("property_status").is_in(["sold", "rented", "withdrawn"])
ADVERTISER_PERMITS_FROM: Final = dt.date(2026, 2, 1)


def listing_cases(ledger: Ledger) -> list[Case]:
    """Of listings; those that share a permit are `share_permits`'s."""
    past = {"form_a_expiry_date": ledger.day(-4)}
    unit, sale = _LIVE & ~_OFF_PLAN, _LIVE & ~_OFF_PLAN & (pl.col("listing_category") == "sale")
    return [
        breaks("ADS-007", where=_LIVE & _OFF_PLAN, change={"is_unit_advertised": True}, since=_OUT, note="a single unit under a project's permit"),
        keeps("ADS-007", where=_LIVE & _OFF_PLAN, note="the project under a project's permit"),
        breaks("DLD-010", where=_LIVE & _OFF_PLAN, change={"developer_agreement_id": None}, since=_OUT, note="off-plan without a registered contract with the developer"),
        keeps("DLD-010", where=unit & pl.col("developer_agreement_id").is_null(), note="resale needs no contract with the developer"),
        breaks("RERA-001", where=unit, change={"form_a_id": None}, since=_OUT, note="published without Form A"),
        breaks("RERA-001", where=unit, change={"form_a_status": "expired"}, since=_OUT, note="published on a Form A that is no longer active"),
        keeps("RERA-001", where=~_LIVE & ~pl.col("is_form_a_cancelled") & ~_GONE, change={"form_a_id": None, "form_a_status": None}, note="no Form A, not published"),
        breaks("RERA-002", where=unit, change=past, since=ledger.ago(days=3), note="Form A ended four days ago"),
        keeps("RERA-002", where=unit, change={"form_a_expiry_date": ledger.day(0)}, note="Form A ends today"),
        breaks("RERA-007", where=pl.col("is_form_a_cancelled"), change={"form_u_id": None}, since=pl.col("updated_at"), note="Form A cancelled without Form U"),
        keeps("RERA-007", where=pl.col("is_form_a_cancelled") & pl.col("form_u_id").is_not_null(), note="Form A cancelled with Form U"),
        breaks("RERA-010", where=unit, change={"is_orn_displayed": False}, since=_OUT, note="the office's number is not shown"),
        breaks("RERA-010", where=unit, change={"is_brn_displayed": False}, since=_OUT, note="the broker's number is not shown"),
        keeps("RERA-010", where=~_LIVE & ~_GONE, change={"is_orn_displayed": False}, note="the office's number is not shown, not published"),
        breaks("ADS-001", where=unit, change={"permit_no": None}, since=_OUT, note="published without a permit"),
        keeps("ADS-001", where=~_LIVE & ~_GONE, change={"permit_no": None}, note="a draft without a permit"),
        breaks("ADS-002", where=unit, change={"permit_expiry_date": ledger.day(-3)}, since=ledger.ago(days=2), note="permit ended three days ago"),
        keeps("ADS-002", where=unit, change={"permit_expiry_date": ledger.day(0)}, note="permit ends today"),
        breaks("ADS-004", where=unit, change={"permit_price_aed": pl.col("price_aed") + 50_000}, since=_OUT, note="asks another price than the permit says"),
        breaks("ADS-004", where=unit, change={"permit_size_sqft": pl.col("size_sqft") - 40}, since=_OUT, note="says it is larger than the permit does"),
        breaks("ADS-004", where=sale, change={"permit_category": "rent"}, since=_OUT, note="for sale on a permit to let"),
        keeps("ADS-004", where=unit, note="the very price, size, place and category of the permit"),
        breaks("ADS-006", where=~_LIVE & _GONE & ~pl.col("is_form_a_cancelled"), change={"is_published": True}, since=pl.col("updated_at"), note="still published though it cannot be had"),
        keeps("ADS-006", where=_LIVE & (pl.col("property_status") == "reserved"), note="reserved, and still published"),
    ]  # fmt: skip


def share_permits(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of listings on one permit: both published (ADS-005), and one published beside a draft."""
    sale = (pl.col("listing_category") == "sale") & ~_OFF_PLAN & ~pl.col("_case")
    both = breaks("ADS-005", where=sale & _LIVE, change={}, since=_OUT, note="two published listings on one permit")
    one = keeps("ADS-005", where=sale & _LIVE, note="one published listing and a draft on one permit")
    draw = ledger.frame.draws("cases/permits")
    live = rows.select(sale & _LIVE).to_series().arg_true().to_numpy()
    drafts = rows.select(sale & ~_LIVE).to_series().arg_true().to_numpy()
    chosen = draw.choice(live, 3 * ledger.many, replace=False)
    first, second, alone = chosen.reshape(3, ledger.many)
    draft = draw.choice(drafts, ledger.many, replace=False)
    permit = rows["permit_no"].to_list()
    for lender, taker in ((first, second), (alone, draft)):
        for giver, user in zip(lender.tolist(), taker.tolist(), strict=True):
            permit[user] = permit[giver]
    changed = np.isin(np.arange(rows.height), np.concatenate((chosen, draft)))
    rows = rows.with_columns(pl.Series("permit_no", permit), (pl.col("_case") | pl.Series(changed)).alias("_case"))
    pairs = rows[np.sort(np.concatenate((first, second)))]
    later = pl.col("published_at").max().over("permit_no")
    ledger.enter(pairs.with_columns(later.alias("published_at")), "twin_mary", "listing", both)
    ledger.enter(rows[np.sort(alone)], "twin_mary", "listing", one)
    return rows


def ad_cases(ledger: Ledger) -> list[Case]:
    """Of advertisements."""
    cases = [
        breaks("ADS-003", where=pl.lit(value=True), change={"is_permit_no_visible": False}, since=_OUT, note="permit number not shown"),
        keeps("ADS-003", where=pl.lit(value=True), note="permit number shown"),
        breaks("ADS-008", where=pl.lit(value=True), change={"qr_url": None}, since=_OUT, note="no QR code"),
        breaks("ADS-008", where=pl.lit(value=True), change={"qr_permit_no": "70000000001"}, since=_OUT, note="the QR code leads to another permit"),
        keeps("ADS-008", where=pl.lit(value=True), note="the QR code leads to the permit"),
    ]  # fmt: skip
    in_force = pl.lit(ADVERTISER_PERMITS_FROM).cast(pl.Datetime("us", "UTC")) <= _OUT
    lacks = {"publisher_advertiser_permit_id": None}
    if has_advertiser_permits(ledger):
        cases += [
            breaks("ADS-009", where=(pl.col("channel") == "social") & in_force, change=lacks, since=_OUT, note="on social media without an advertiser permit"),
            keeps("ADS-009", where=pl.col("channel") == "portal", change=lacks, note="on a portal: no advertiser permit is asked"),
        ]  # fmt: skip
    return cases


def has_advertiser_permits(ledger: Ledger) -> bool:
    """Whether advertiser permits are asked for at all in the frame: since 1 February 2026."""
    return ledger.frame.first_day >= ADVERTISER_PERMITS_FROM


def property_cases() -> list[Case]:
    """Of properties at inventory."""
    return [
        breaks("RERA-003", where=pl.col("property_status") == "available", change={"active_form_a_count": 4}, since=pl.col("updated_at"), note="four Form A in force"),
        keeps("RERA-003", where=pl.col("property_status") == "available", change={"active_form_a_count": 3}, note="three Form A in force, the most there may be"),
    ]  # fmt: skip


def tenancy_cases(ledger: Ledger) -> list[Case]:
    """Of tenancies."""
    active, same = pl.col("is_active"), ~pl.col("is_rent_changed") & ~pl.col("is_eviction") & pl.col("is_active")
    expiry = pl.col("tenancy_expiry_date").cast(pl.Datetime("us", "UTC"))
    soon = same & (pl.col("tenancy_expiry_date") < ledger.day(60))
    rise = {
        "is_rent_changed": True,
        "old_rent_aed": 100_000,
        "rent_gap_share": 0.15,
        "notice_sent_at": expiry - pl.duration(days=120),
    }
    leave = {"is_eviction": True, "eviction_date": ledger.day(330)}
    sent = ledger.ago(days=5)
    return [
        breaks("TEN-001", where=active, change={"ejari_no": None}, since=pl.col("updated_at"), note="not registered"),
        keeps("TEN-001", where=~active, change={"ejari_no": None}, note="not registered, and over"),
        breaks("TEN-002", where=soon, change=rise | {"new_rent_aed": 110_000}, since=expiry - pl.duration(days=120), note="raised by 10 % where 5 % is the cap"),
        keeps("TEN-002", where=soon, change=rise | {"new_rent_aed": 105_000}, note="raised by the very cap"),
        breaks("TEN-003", where=soon, change={"is_rent_changed": True, "notice_sent_at": expiry - pl.duration(days=80)}, since=expiry - pl.duration(days=80), note="80 days' notice of a change"),
        keeps("TEN-003", where=soon, change={"is_rent_changed": True, "notice_sent_at": expiry - pl.duration(days=90)}, note="90 days' notice to the day"),
        breaks("TEN-004", where=same, change=leave | {"is_notarised": True, "notice_sent_at": sent}, since=sent, note="eleven months' notice to leave"),
        breaks("TEN-004", where=same, change=leave | {"is_notarised": False, "eviction_date": ledger.day(500), "notice_sent_at": sent}, since=sent, note="notice to leave, not notarised"),
        keeps("TEN-004", where=same, change=leave | {"is_notarised": True, "eviction_date": ledger.day(370), "notice_sent_at": sent}, note="twelve months' notarised notice"),
    ]  # fmt: skip
