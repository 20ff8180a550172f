"""Planted cases of parties, list hits, suspicions, papers, messages and of the companies themselves."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from twin.cases.ledger import Case, Ledger, breaks, keeps
from twin.cases.parameters import FFR_BUSINESS_DAYS, SENSITIVE_SUBJECTS

_ANY: Final = pl.lit(value=True)
_KNOWN: Final = pl.col("risk_rated_at")


def applicant_cases(ledger: Ledger, last_list_at: int) -> list[Case]:
    """Of parties that only compliance knows."""
    is_plain = ~pl.col("is_pep") & pl.col("edd_status").is_null()
    person, company = is_plain & (pl.col("party_kind") == "natural"), is_plain & (pl.col("party_kind") == "legal")
    changed = pl.lit(last_list_at).cast(pl.Datetime("us", "UTC"))
    pep = {"is_pep": True, "risk_rating": "high"}
    risky = {"country": "IR", "risk_rating": "high"}
    return [
        breaks("AML-015", where=company, change={"ubo_coverage_share": 0.74}, since=_KNOWN, note="owners of 74 % identified"),
        breaks("AML-015", where=company, change={"ubo_identified_count": 0, "ubo_coverage_share": 0.0}, since=_KNOWN, note="no owner identified"),
        keeps("AML-015", where=company, change={"ubo_coverage_share": 0.75}, note="owners of 75 % identified"),
        breaks("AML-012", where=person, change={"last_screened_at": None}, since=_KNOWN, note="never screened"),
        breaks("AML-012", where=person, change={"last_screened_at": changed - pl.duration(hours=30)}, since=changed, note="not screened since the list changed"),
        keeps("AML-012", where=person, change={"last_screened_at": changed + pl.duration(hours=23)}, note="screened 23 hours after the list changed"),
        breaks("AML-013", where=person, change=pep | {"edd_status": "in_progress", "senior_approval_by": "person-0002"}, since=_KNOWN, note="politically exposed, enhanced due diligence not complete"),
        breaks("AML-013", where=person, change=pep | {"edd_status": "complete", "senior_approval_by": None}, since=_KNOWN, note="politically exposed, no senior manager approved"),
        keeps("AML-013", where=person, change=pep | {"edd_status": "complete", "senior_approval_by": "person-0002"}, note="politically exposed, checked and approved"),
        breaks("AML-014", where=person, change=risky | {"edd_status": "in_progress"}, since=_KNOWN, note="high-risk country, enhanced due diligence not complete"),
        keeps("AML-014", where=person, change=risky | {"edd_status": "complete"}, note="high-risk country, checked"),
        breaks("AML-019", where=person, change={"risk_rating": None}, since=pl.col("updated_at"), note="risk not rated"),
        breaks("AML-019", where=person, change={"risk_rated_at": ledger.ago(days=380)}, since=ledger.ago(days=15), note="risk rated 380 days ago"),
        keeps("AML-019", where=person, change={"risk_rated_at": ledger.ago(days=364)}, note="risk rated 364 days ago"),
    ]  # fmt: skip


def expired_paper_case(ledger: Ledger) -> Case:
    """AML-020: planted in every record of the person."""
    return breaks(
        "AML-020",
        where=pl.col("has_active_deal"),
        change={"id_expiry_date": ledger.day(-9)},
        since=ledger.ago(days=8),
        note="identity paper over, deal going on",
    )


def paper_misses(ledger: Ledger) -> list[Case]:
    """Near AML-020."""
    return [
        keeps("AML-020", where=pl.col("has_active_deal"), change={"id_expiry_date": ledger.day(0)}, note="identity paper ends today, deal going on"),
        keeps("AML-020", where=~pl.col("has_active_deal"), change={"id_expiry_date": ledger.day(-30)}, note="identity paper over, no deal going on"),
    ]  # fmt: skip


def hit_cases(ledger: Ledger) -> list[Case]:
    """Of list hits. The freeze of the violations is two weeks old; that of the near miss five business days."""
    none = {"frozen_at": None, "ffr_filed_at": None, "suspended_at": None, "pnmr_filed_at": None}
    found, sure = pl.col("found_at"), none | {"match_kind": "confirmed"}
    partly = none | {
        "match_kind": "partial",
        "suspended_at": found + pl.duration(hours=3),
        "pnmr_filed_at": found + pl.duration(days=2),
    }
    free = pl.col("match_kind") == "dismissed"
    frozen = ledger.ago(days=16)
    edge = _business_days_before(ledger.frame.until, FFR_BUSINESS_DAYS)
    at_edge = pl.lit(edge).cast(pl.Datetime("us", "UTC"))
    early = pl.col("found_at") < frozen
    sixth = _business_days_before(ledger.frame.until - dt.timedelta(days=16), -FFR_BUSINESS_DAYS - 1)
    return [
        breaks("AML-009", where=free, change=sure, since=found, note="confirmed, nothing frozen"),
        keeps("AML-009", where=free, change=sure | {"frozen_at": found + pl.duration(hours=23), "ffr_filed_at": found + pl.duration(days=2)}, note="confirmed, frozen within 23 hours"),
        breaks("AML-010", where=free & early, change=sure | {"frozen_at": frozen}, since=pl.lit(sixth).cast(pl.Datetime("us", "UTC")), note="frozen two weeks ago, not reported"),
        keeps("AML-010", where=free, change=sure | {"frozen_at": at_edge}, note="frozen five business days ago, report still due today"),
        keeps("AML-010", where=free & early, change=sure | {"frozen_at": frozen, "ffr_filed_at": frozen + pl.duration(days=5)}, note="frozen two weeks ago, reported in time"),
        breaks("AML-011", where=free, change=partly | {"suspended_at": None}, since=found, note="partial match, deal not suspended"),
        breaks("AML-011", where=free, change=partly | {"pnmr_filed_at": None}, since=found, note="partial match, not reported"),
        keeps("AML-011", where=free, change=partly, note="partial match, suspended and reported"),
    ]  # fmt: skip


def _business_days_before(moment: dt.datetime, count: int) -> dt.datetime:
    """The moment's hour on the day that lies so many business days (Monday to Friday) before; after, where negative."""
    step, left = dt.timedelta(days=-1 if count > 0 else 1), abs(count)
    while left:
        if count > 0:
            left -= moment.weekday() < 5  # the day stepped from is counted: from, exclusive, to, inclusive
            moment += step
        else:
            moment += step
            left -= moment.weekday() < 5
    return moment


def suspicion_cases() -> list[Case]:
    """Of suspicions."""
    free = pl.col("suspicion_status") == "dismissed"
    found = pl.col("found_at")
    return [
        breaks("AML-007", where=free, change={"suspicion_status": "confirmed", "str_filed_at": None}, since=found, note="confirmed, not reported"),
        keeps("AML-007", where=free, change={"suspicion_status": "confirmed", "str_filed_at": found + pl.duration(hours=2)}, note="confirmed, reported within two hours"),
        keeps("AML-007", where=free, change={"suspicion_status": "open"}, note="not confirmed yet"),
    ]  # fmt: skip


def message_cases(*, open_subject: str, dismissed_subject: str, opted_out: str, objecting: str) -> list[Case]:
    """Of messages, to the parties named: one under an open suspicion, one cleared, one opted out, one objecting."""
    sent, out = (
        pl.col("occurred_at"),
        (pl.col("message_direction") == "outbound") & (pl.col("message_kind") == "service"),
    )
    told = {"has_str_mention": True, "body": None}
    return [
        breaks("AML-008", where=out, change=told | {"subject_id": open_subject}, since=sent, note="tells a suspect of the report"),
        keeps("AML-008", where=out, change={"subject_id": open_subject, "body": None}, note="writes to a suspect of something else"),
        keeps("AML-008", where=out, change=told | {"subject_id": dismissed_subject}, note="speaks of reports to somebody who is under no suspicion"),
        breaks("PDPL-010", where=out, change={"message_kind": "marketing", "subject_id": opted_out, "body": None}, since=sent, note="marketing to somebody who wants none"),
        keeps("PDPL-010", where=out, change={"subject_id": opted_out}, note="a service message to somebody who wants no marketing"),
        breaks("GDPR-009", where=out, change={"message_kind": "marketing", "subject_id": objecting, "body": None}, since=sent, note="marketing to somebody who objected"),
        keeps("GDPR-009", where=out, change={"subject_id": objecting}, note="a service message to somebody who objected to marketing"),
    ]  # fmt: skip


def document_cases() -> list[Case]:
    """Of papers."""
    kept = (pl.col("record_class") == "aml") & pl.col("_closed_at").is_not_null() & ~pl.col("_reported")
    closed, filed = pl.col("_closed_at").dt.date(), pl.col("filed_at").dt.date()
    health = pl.col("record_class") == "hipaa"
    return [
        breaks("AML-018", where=kept, change={"retention_end_date": closed.dt.offset_by("4y")}, since=pl.col("_closed_at"), note="kept four years after the deal"),
        keeps("AML-018", where=kept, change={"retention_end_date": closed.dt.offset_by("5y").dt.offset_by("1d")}, note="kept five years after the deal"),
        breaks("HIPAA-010", where=health, change={"retention_end_date": filed.dt.offset_by("5y")}, since=pl.col("filed_at"), note="kept five years"),
        keeps("HIPAA-010", where=health, change={"retention_end_date": filed.dt.offset_by("6y").dt.offset_by("1d")}, note="kept six years"),
    ]  # fmt: skip


def tenant_cases(ledger: Ledger, own: str) -> list[Case]:
    """Of sister companies."""
    sister = pl.col("tenant_id") != own
    quiet = {"is_profiling": False}
    return [
        breaks("AML-021", where=sister, change={"compliance_officer_id": None}, since=pl.col("updated_at"), note="no compliance officer"),
        breaks("AML-021", where=sister, change={"last_aml_training_at": ledger.ago(days=400)}, since=ledger.ago(days=35), note="staff trained 400 days ago"),
        keeps("AML-021", where=sister, change={"last_aml_training_at": ledger.ago(days=364)}, note="staff trained 364 days ago"),
        breaks("PDPL-008", where=sister, change={"dpo_id": None, "is_profiling": True}, since=pl.col("updated_at"), note="profiles people, no data protection officer"),
        keeps("PDPL-008", where=sister, change=quiet | {"dpo_id": None, "sensitive_subject_count": SENSITIVE_SUBJECTS}, note="no profiling, no more people than the limit"),
    ]  # fmt: skip
