"""What people may ask and what must be told: requests about personal data, incidents, finds of scans."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, choose, ids, moments

_REGIMES: Final = ("uae_pdpl", "gdpr", "hipaa")
_KINDS: Final = ("access", "portability", "rectification", "erasure", "objection")


def requests(draw: np.random.Generator, subject: pl.Series, *, start: int, end: int) -> pl.DataFrame:
    """Requests of people: those older than three weeks are closed, access with a copy, erasure with the proof."""
    count = len(subject)
    asked = np.sort(draw.integers(start, end - DAY, count))
    kind = choose(draw, _KINDS, count, (0.3, 0.12, 0.18, 0.28, 0.12))
    closed = (asked < end - 22 * DAY) | (draw.random(count) < 0.4)
    done = np.where(closed, np.minimum(asked + draw.integers(20, 500, count) * HOUR, end - HOUR), NEVER)
    copy = pl.Series(closed) & kind.is_in(["access", "portability"])
    erased = pl.Series(closed) & (kind == "erasure")
    none = pl.Series(np.zeros(count, dtype=np.int64))
    return pl.DataFrame(
        {
            "dsr_id": ids("DS-", count),
            "subject_id": subject,
            "dsr_kind": kind,
            "dsr_state": pl.Series(["closed"] * count).zip_with(
                pl.Series(closed), choose(draw, ("open", "waiting"), count, (0.7, 0.3))
            ),
            "regime": choose(draw, _REGIMES, count, (0.6, 0.25, 0.15)),
            "requested_at": moments(asked),
            "is_extended": draw.random(count) < 0.1,
            "closed_at": moments(done),
            "export_uri": ("vault://exports/" + ids("", count)).set(~copy, None),
            "remaining_row_count": none.set(~erased, None),
            "remaining_vector_count": none.set(~erased, None),
            "key_destroyed_at": moments(np.where(erased.to_numpy(), done, NEVER)),
            "updated_at": moments(np.maximum(asked, done)),
        }
    )


def incidents(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Incidents: breaches are told within two days, closed ones have their account."""
    seen = np.sort(draw.integers(start, end - 4 * DAY, count))
    breach = draw.random(count) < 0.6
    high = breach & (draw.random(count) < 0.3)
    health = breach & (draw.random(count) < 0.2)
    told = seen + draw.integers(4, 48, count) * HOUR
    over = seen < end - 12 * DAY
    return pl.DataFrame(
        {
            "incident_id": ids("IN-", count),
            "incident_kind": pl.Series(["breach"] * count).zip_with(
                pl.Series(breach), choose(draw, ("outage", "misuse"), count)
            ),
            "severity": choose(draw, ("low", "medium", "high", "critical"), count, (0.3, 0.4, 0.22, 0.08)),
            "summary": ["An incident of the twin's life."] * count,
            "jurisdiction": choose(draw, ("AE", "EU", "DIFC", "ADGM"), count, (0.5, 0.2, 0.17, 0.13)),
            "data_label": pl.Series(["phi"] * count)
            .zip_with(pl.Series(health), pl.Series(["pii.contact"] * count))
            .set(pl.Series(~breach), None),
            "is_personal_breach": breach,
            "is_risk_likely": high | (breach & (draw.random(count) < 0.5)),
            "is_high_risk": high,
            "affected_subject_count": np.where(breach, draw.integers(1, 900, count), 0),
            "detected_at": moments(seen),
            "authority_notified_at": moments(np.where(breach, told, NEVER)),
            "subjects_notified_at": moments(np.where(high | health, told + 5 * HOUR, NEVER)),
            "closed_at": moments(np.where(over, seen + 9 * DAY, NEVER)),
            "postmortem_id": ids("PM-", count).set(pl.Series(~over), None),
            "updated_at": moments(np.where(over, seen + 9 * DAY, np.minimum(told + 6 * HOUR, end - HOUR))),
        }
    )


def scan_hits(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Finds of scans that are no breach: card numbers in no clear form, digits that are none, other identifiers."""
    kind = choose(draw, ("pan", "emirates_id", "iban"), count, (0.5, 0.3, 0.2))
    is_pan = kind == "pan"
    form = choose(draw, ("hashed", "truncated", "masked", "encrypted"), count)
    form = form.zip_with(is_pan, pl.Series(["encrypted"] * count))
    return pl.DataFrame(
        {
            "scan_hit_id": ids("SH-", count),
            "found_at": moments(np.sort(draw.integers(start, end - HOUR, count))),
            "contract": choose(draw, ("message", "payment", "document"), count),
            "column_name": choose(draw, ("body", "note"), count),
            "row_key": ids("row-", count),
            "hit_kind": kind,
            "is_luhn_ok": pl.Series(draw.random(count) < 0.5).set(~is_pan, None),
            "storage_form": form,
        }
    )
