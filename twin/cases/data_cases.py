"""Planted cases of data under law: data sets, fields, rows, processing, transfers, vendors, requests, incidents."""

from __future__ import annotations

from typing import Final

import polars as pl

from twin.cases.ledger import Case, Ledger, breaks, keeps

_UPDATED: Final = pl.col("updated_at")
_NAME: Final = pl.col("dataset_name")
_LABEL: Final = pl.col("data_label")


def dataset_cases() -> list[Case]:
    """Of data sets: extracts only, nothing that others are made from."""
    personal, health = _NAME.str.starts_with("personal_extract"), _NAME.str.starts_with("health_extract")
    cards, old = _NAME.str.starts_with("cards_extract"), _NAME.str.starts_with("old_extract")
    return [
        breaks("PDPL-006", where=personal, change={"ropa_id": None, "ropa_missing_field_count": None}, since=_UPDATED, note="personal data, no entry in the record of processing"),
        keeps("PDPL-006", where=old, change={"ropa_id": None}, note="no entry, and no personal data"),
        breaks("GDPR-013", where=personal, change={"ropa_missing_field_count": 2}, since=_UPDATED, note="entry in the record of processing lacks two fields"),
        keeps("GDPR-013", where=personal, note="entry in the record of processing is complete"),
        breaks("RES-003", where=personal, change={"residency_label": "ae"}, since=_UPDATED, note="made from data of Dubai, labelled for all of the Emirates"),
        keeps("RES-003", where=old, change={"residency_label": "ae"}, note="labelled more strictly than what it was made from"),
        breaks("HIPAA-004", where=health, change={"safe_harbor_hit_count": 3}, since=_UPDATED, note="de-identified, and identifiers were found in it"),
        keeps("HIPAA-004", where=health, note="de-identified, no identifier found"),
        breaks("HIPAA-005", where=health, change={"zip_digit_count": 5}, since=_UPDATED, note="de-identified, whole postal codes"),
        breaks("HIPAA-005", where=health, change={"zip_digit_count": 3, "has_restricted_zip3": True}, since=_UPDATED, note="de-identified, a postal area of few people"),
        keeps("HIPAA-005", where=health, change={"zip_digit_count": 3}, note="de-identified, three digits of large areas"),
        breaks("HIPAA-006", where=health, change={"has_full_date": True}, since=_UPDATED, note="de-identified, whole dates"),
        breaks("HIPAA-006", where=health, change={"max_age_years": 94}, since=_UPDATED, note="de-identified, ages above 89"),
        keeps("HIPAA-006", where=health, change={"max_age_years": 89}, note="de-identified, ages up to 89"),
        breaks("PCI-005", where=cards, change={"join_controls": None}, since=_UPDATED, note="hashed and truncated cards side by side, nothing keeps them apart"),
        keeps("PCI-005", where=cards, change={"has_pan_truncated": False, "join_controls": None}, note="hashed cards alone"),
        breaks("SOC2-011", where=old, change={"data_label": None, "is_expired": False, "is_disposed": False}, since=_UPDATED, note="not labelled"),
        breaks("SOC2-011", where=old, change={"is_disposed": False}, since=_UPDATED, note="retention over, not disposed of"),
        keeps("SOC2-011", where=old, note="retention over, disposed of"),
    ]  # fmt: skip


def field_cases() -> list[Case]:
    """Of fields."""
    open_, of_extract = (
        {"is_encrypted": False},
        pl.col("dataset_id").str.contains("extract") | pl.col("is_encrypted").is_not_null(),
    )
    return [
        breaks("GDPR-014", where=(_LABEL == "pii.contact") & of_extract, change=open_, since=_UPDATED, note="contact data in the clear"),
        breaks("PDPL-012", "GDPR-014", where=_LABEL == "pii.id", change=open_, since=_UPDATED, note="identity numbers in the clear"),
        breaks("PDPL-012", "GDPR-014", where=_LABEL == "pii.financial", change=open_, since=_UPDATED, note="financial data in the clear"),
        keeps("GDPR-014", where=_LABEL == "internal", change=open_, note="in the clear, not personal"),
        keeps("PDPL-012", where=_LABEL == "pii.id", note="identity numbers, encrypted"),
        breaks("HIPAA-001", where=_LABEL == "phi", change=open_, since=_UPDATED, note="health records in the clear"),
        keeps("HIPAA-001", where=_LABEL == "phi", note="health records, encrypted"),
        breaks("PCI-004", where=_LABEL == "pan_hash", change={"is_keyed": False}, since=_UPDATED, note="card hashes without a key"),
        keeps("PCI-004", where=_LABEL == "pan_hash", note="card hashes with a key"),
    ]  # fmt: skip


def row_cases(ledger: Ledger) -> list[Case]:
    """Of rows under retention."""
    over = {"retention_end_date": ledger.day(-6), "has_legal_hold": False}
    since = ledger.ago(days=6)
    return [
        breaks("PDPL-005", "GDPR-004", where=_LABEL == "pii.contact", change=over, since=since, note="kept six days beyond its time"),
        breaks("PCI-006", where=_LABEL == "pan", change={"retention_end_date": ledger.day(-6), "has_legal_hold": True}, since=since, note="card number beyond its time: no hold excuses it"),
        keeps("PDPL-005", "GDPR-004", where=_LABEL == "pii.contact", change={"retention_end_date": ledger.day(-6), "has_legal_hold": True}, note="beyond its time, under a legal hold"),
        keeps("GDPR-004", where=_LABEL == "pii.financial", change={"retention_end_date": ledger.day(1), "has_legal_hold": False}, note="its time ends tomorrow"),
        keeps("PCI-006", where=_LABEL == "pan", change={"retention_end_date": ledger.day(1), "has_legal_hold": False}, note="card number whose time ends tomorrow"),
    ]  # fmt: skip


def processing_cases() -> list[Case]:
    """Of processing."""
    consent, law, health = (
        pl.col("lawful_basis") == "consent",
        pl.col("lawful_basis") == "law",
        _LABEL == "special.health",
    )
    back = consent & pl.col("consent_withdrawn_at").is_not_null()
    withdrawn, last = pl.col("consent_withdrawn_at"), pl.col("last_processed_at")
    return [
        breaks("PDPL-002", where=back, change={"last_processed_at": withdrawn + pl.duration(minutes=30)}, since=withdrawn + pl.duration(minutes=30), note="processed half an hour after consent was withdrawn"),
        keeps("PDPL-002", where=back, change={"last_processed_at": withdrawn - pl.duration(minutes=1)}, note="processed a minute before consent was withdrawn"),
        breaks("PDPL-001", "GDPR-001", where=law, change={"lawful_basis": None}, since=last, note="no ground in law"),
        breaks("PDPL-001", where=consent & withdrawn.is_null(), change={"consent_id": None}, since=last, note="rests on a consent that is not on file"),
        keeps("PDPL-001", where=law, change={"lawful_basis": "legitimate_interest"}, note="rests on legitimate interest: no consent is needed"),
        keeps("GDPR-001", where=law, change={"lawful_basis": "public_task"}, note="rests on a public task"),
        breaks("GDPR-005", where=health, change={"special_category_condition": None}, since=last, note="health data without a condition of Article 9"),
        keeps("GDPR-005", where=health, note="health data under Article 9(2)(b)"),
    ]  # fmt: skip


def transfer_cases() -> list[Case]:
    """Of transfers. Data of people in the Emirates that leaves always breaks RES-001 too."""
    at, health = pl.col("occurred_at"), _LABEL == "phi"
    from_ae, from_gcc, from_eu = (pl.col("subject_region").str.starts_with(one) for one in ("ae-", "gcc-", "eu-"))
    home = from_ae & ~health
    return [
        breaks("PDPL-014", where=from_gcc & (pl.col("dest_country") == "US"), change={"safeguard": None}, since=at, note="to the United States without a safeguard"),
        keeps("PDPL-014", where=from_gcc & (pl.col("dest_country") == "DE"), change={"safeguard": None}, note="to a country with adequate protection"),
        breaks("RES-001", where=home, change={"dest_region": "eu-frankfurt", "dest_country": "DE", "safeguard": "standard clauses"}, since=at, note="data of people in Dubai went to Frankfurt"),
        keeps("RES-001", where=home & (pl.col("dest_region") == "ae-abudhabi"), note="data of people in Dubai went to Abu Dhabi"),
        breaks("HLTH-AE-1", "RES-001", where=health, change={"dest_region": "eu-frankfurt", "dest_country": "DE", "safeguard": "standard clauses"}, since=at, note="health records left the Emirates"),
        keeps("HLTH-AE-1", where=health, note="health records went to Abu Dhabi"),
        breaks("GDPR-018", where=from_eu & (pl.col("dest_country") == "AE"), change={"safeguard": None}, since=at, note="data of people in the EU went to Dubai without a transfer tool"),
        keeps("GDPR-018", where=from_eu & (pl.col("dest_country") == "DE"), change={"safeguard": None}, note="data of people in the EU stayed there"),
        breaks("HIPAA-007", where=health, change={"vendor_id": "VE-009"}, since=at, note="health records to a vendor that has not signed for them"),
        keeps("HIPAA-007", where=health, note="health records to a vendor that has signed for them"),
        breaks("HIPAA-012", where=health, change={"disclosure_record_id": None}, since=at, note="health records disclosed without a record of it"),
        keeps("HIPAA-012", where=home, change={"disclosure_record_id": None}, note="no health records: no record of disclosure is asked"),
    ]  # fmt: skip


def vendor_cases(ledger: Ledger) -> list[Case]:
    """Of vendors; those of health records and the one without a signature for them are left alone."""
    free = ~pl.col("vendor_id").is_in(["VE-001", "VE-002", "VE-003", "VE-004", "VE-009"])
    used = {"is_in_use": True}
    return [
        breaks("GDPR-012", where=free & pl.col("has_personal_data"), change={"dpa_signed_at": None}, since=_UPDATED, note="handles personal data, nothing signed"),
        keeps("GDPR-012", where=free & ~pl.col("has_personal_data"), change={"dpa_signed_at": None}, note="handles no personal data"),
        breaks("SOC2-008", where=free, change=used | {"assessed_at": ledger.ago(days=385)}, since=ledger.ago(days=20), note="assessed 385 days ago"),
        keeps("SOC2-008", where=free, change=used | {"assessed_at": ledger.ago(days=364)}, note="assessed 364 days ago"),
        keeps("SOC2-008", where=free, change={"is_in_use": False, "assessed_at": ledger.ago(days=600)}, note="not assessed, and not in use"),
    ]  # fmt: skip


def request_cases(ledger: Ledger) -> list[Case]:
    """Of requests of people."""
    closed = pl.col("dsr_state") == "closed"
    late = {
        "dsr_kind": "rectification",
        "dsr_state": "open",
        "closed_at": None,
        "export_uri": None,
        "key_destroyed_at": None,
        "remaining_row_count": None,
        "remaining_vector_count": None,
    }
    pdpl, gdpr, hipaa = (late | {"regime": one, "is_extended": False} for one in ("uae_pdpl", "gdpr", "hipaa"))
    old, edge, past_30 = (
        {"requested_at": ledger.ago(days=37)},
        {"requested_at": ledger.ago(days=29)},
        ledger.ago(days=7),
    )
    any_ = closed & pl.col("dsr_kind").is_in(["rectification", "objection"])
    copy, erasure = closed & pl.col("export_uri").is_not_null(), closed & (pl.col("dsr_kind") == "erasure")
    end = pl.col("closed_at")
    return [
        breaks("PDPL-009", where=any_, change=pdpl | old, since=past_30, note="unanswered for 37 days"),
        keeps("PDPL-009", where=any_, change=pdpl | edge, note="unanswered for 29 days"),
        breaks("GDPR-006", where=any_, change=gdpr | old, since=past_30, note="unanswered for 37 days, not extended"),
        keeps("GDPR-006", where=any_, change=gdpr | old | {"is_extended": True}, note="unanswered for 37 days, extended and told"),
        breaks("HIPAA-011", where=any_, change=hipaa | old, since=past_30, note="unanswered for 37 days"),
        keeps("HIPAA-011", where=any_, change=hipaa | edge, note="unanswered for 29 days"),
        breaks("GDPR-007", where=copy, change={"export_uri": None}, since=end, note="closed without a copy"),
        keeps("GDPR-007", where=copy, note="closed with a copy"),
        breaks("GDPR-008", where=erasure, change={"remaining_row_count": 4}, since=end, note="rows were found after the erasure"),
        breaks("GDPR-008", where=erasure, change={"remaining_vector_count": 2}, since=end, note="vectors were found after the erasure"),
        breaks("GDPR-008", where=erasure, change={"key_destroyed_at": None}, since=end, note="the key was not destroyed"),
        keeps("GDPR-008", where=erasure, note="nothing was found, the key is gone"),
    ]  # fmt: skip


def incident_cases(ledger: Ledger) -> list[Case]:
    """Of incidents. A breach falls under the law of its place alone."""
    quiet = {"incident_kind": "breach", "is_personal_breach": True, "is_high_risk": False, "is_risk_likely": False, "data_label": "pii.contact",
             "authority_notified_at": None, "subjects_notified_at": None, "closed_at": None, "postmortem_id": None}  # fmt: skip
    free, seen = pl.lit(value=True), pl.col("detected_at")
    old, edge = {"detected_at": ledger.ago(hours=80)}, {"detected_at": ledger.ago(hours=46)}
    after_72 = ledger.ago(hours=8)
    just = {"authority_notified_at": seen + pl.duration(hours=71)}
    risky = {"is_risk_likely": True}
    high = risky | {"is_high_risk": True, "authority_notified_at": seen + pl.duration(hours=20)}
    health = {"data_label": "phi", "authority_notified_at": seen + pl.duration(hours=30)}
    early = seen < ledger.ago(days=63)
    done = pl.col("postmortem_id").is_not_null()
    return [
        breaks("HIPAA-009", where=early, change=quiet | health, since=seen + pl.duration(days=60), note="people not told of a breach of health records for more than 60 days"),
        keeps("HIPAA-009", where=early, change=quiet | health | {"subjects_notified_at": seen + pl.duration(days=59)}, note="people told of a breach of health records after 59 days"),
        breaks("PDPL-007", where=free, change=quiet | old | {"jurisdiction": "AE"}, since=after_72, note="data office not told for 80 hours"),
        keeps("PDPL-007", where=free, change=quiet | edge | {"jurisdiction": "AE"}, note="data office not told for 46 hours"),
        keeps("PDPL-007", where=free, change=quiet | just | {"jurisdiction": "AE"}, note="data office told after 71 hours"),
        breaks("ADGM-001", where=free, change=quiet | old | {"jurisdiction": "ADGM"}, since=after_72, note="commissioner not told for 80 hours"),
        keeps("ADGM-001", where=free, change=quiet | edge | {"jurisdiction": "ADGM"}, note="commissioner not told for 46 hours"),
        keeps("ADGM-001", where=free, change=quiet | just | {"jurisdiction": "ADGM"}, note="commissioner told after 71 hours"),
        breaks("DIFC-004", where=free, change=quiet | {"detected_at": ledger.ago(hours=40), "jurisdiction": "DIFC"}, since=ledger.ago(hours=40), note="commissioner not told"),
        keeps("DIFC-004", where=free, change=quiet | just | {"jurisdiction": "DIFC"}, note="commissioner told"),
        breaks("GDPR-015", where=free, change=quiet | risky | old | {"jurisdiction": "EU"}, since=after_72, note="authority not told of a risky breach for 80 hours"),
        keeps("GDPR-015", where=free, change=quiet | old | {"jurisdiction": "EU"}, note="authority not told of a breach without risk"),
        keeps("GDPR-015", where=free, change=quiet | risky | just | {"jurisdiction": "EU"}, note="authority told after 71 hours"),
        breaks("GDPR-016", where=free, change=quiet | high | {"jurisdiction": "EU"}, since=seen, note="people not told of a high risk"),
        keeps("GDPR-016", where=free, change=quiet | high | {"jurisdiction": "EU", "is_high_risk": False}, note="people not told, the risk is not high"),
        breaks("SOC2-006", where=done, change={"postmortem_id": None}, since=pl.col("closed_at"), note="closed without an account"),
        keeps("SOC2-006", where=done, change={"postmortem_id": None, "closed_at": None}, note="no account yet, not closed"),
    ]  # fmt: skip


def scan_cases() -> list[Case]:
    """Of finds of scans."""
    pan, found = pl.col("hit_kind") == "pan", pl.col("found_at")
    clear = {"storage_form": "clear"}
    return [
        breaks("PCI-001", where=~pan, change={"hit_kind": "cvv", "storage_form": "encrypted"}, since=found, note="card verification code kept"),
        breaks("PCI-001", where=~pan, change={"hit_kind": "track", "storage_form": "hashed"}, since=found, note="track data kept"),
        keeps("PCI-001", where=~pan, change={"hit_kind": "emirates_id"}, note="no authentication data of a card"),
        breaks("PCI-003", where=pan, change=clear | {"is_luhn_ok": True}, since=found, note="card number in the clear"),
        keeps("PCI-003", where=pan, change=clear | {"is_luhn_ok": False}, note="sixteen digits in the clear that are no card number"),
        keeps("PCI-003", where=pan, change={"is_luhn_ok": True, "storage_form": "truncated"}, note="truncated card number"),
    ]  # fmt: skip
