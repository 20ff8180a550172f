"""Tenancies, as the leasing desk keeps them: rent and its change, registration, notice."""

from __future__ import annotations

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, NEVER, Ints, dates, ids, moments


def rent_cap(gap: Ints) -> Ints:
    """Most that a rent may rise, in percent, by how many percent it lies below the market's (Decree 43/2013)."""
    return np.select([gap <= 10, gap <= 20, gap <= 30, gap <= 40], [0, 5, 10, 15], 20)


def tenancies(
    draw: np.random.Generator, *, property_id: pl.Series, tenant: pl.Series, landlord: pl.Series, start: int, end: int
) -> pl.DataFrame:
    """One tenancy for each property, with notice in time and a rise within the cap where the rent changes."""
    count = len(property_id)
    active = draw.random(count) < 0.9
    expiry = np.where(active, end + draw.integers(5, 360, count) * DAY, start - draw.integers(1, 300, count) * DAY)
    old = draw.integers(30, 260, count) * 1000
    gap = draw.integers(-5, 46, count)
    changed = active & (draw.random(count) < 0.35) & (expiry < end + 200 * DAY)
    cap = rent_cap(gap)
    rise = np.where(changed, np.minimum(draw.choice((0, 5, 10, 15, 20), count), cap), 0)
    evicted = active & ~changed & (draw.random(count) < 0.05)
    leaves = expiry + 400 * DAY
    notice = np.where(changed, np.minimum(expiry - (95 + draw.integers(0, 60, count)) * DAY, end - DAY), NEVER)
    notice = np.where(evicted, np.minimum(leaves - 380 * DAY, end - DAY), notice)
    return pl.DataFrame(
        {
            "tenancy_id": ids("RT-", count),
            "is_active": active,
            "property_id": property_id,
            "tenant_party_id": tenant,
            "landlord_party_id": landlord,
            "ejari_no": ids("EJ-", count, start=700_000),
            "old_rent_aed": old,
            "new_rent_aed": old * (100 + rise) // 100,
            "rent_gap_share": gap / 100,
            "is_rent_changed": changed,
            "tenancy_expiry_date": dates(expiry),
            "notice_sent_at": moments(notice),
            "is_eviction": evicted,
            "is_notarised": evicted,
            "eviction_date": dates(np.where(evicted, leaves, NEVER)),
            "updated_at": moments(
                np.where(active, np.maximum(notice, end - draw.integers(1, 80, count) * DAY), expiry)
            ),
        }
    )
