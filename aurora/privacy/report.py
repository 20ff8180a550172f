"""What privacy did at the door, read from the raw lake: fresh after each ingest, before any build."""

from __future__ import annotations

import polars as pl

from aurora.store.lake import LakeReader


def findings(lake: LakeReader) -> pl.DataFrame:
    """Findings by source, contract, column, class and action over all batches, the most frequent first."""
    return lake.query(
        """
        SELECT source, contract, column_name, identifier_class, privacy_action,
            CAST(sum(finding_count) AS BIGINT) AS finding_count, CAST(sum(unsure_count) AS BIGINT) AS unsure_count,
            max(ingested_at) AS last_at
        FROM raw.privacy_finding
        GROUP BY ALL
        ORDER BY finding_count DESC, source, contract, column_name, identifier_class, privacy_action
        """
    )


def refusals(lake: LakeReader) -> pl.DataFrame:
    """Rows refused for their region by who sent them, the newest first."""
    return lake.query(
        """
        SELECT source, contract, file_name, refused_region, reason, count(*) AS row_count,
            min(row_number) AS first_row_number, max(ingested_at) AS last_at
        FROM raw.residency_refusal
        GROUP BY ALL
        ORDER BY last_at DESC, source, contract, file_name, refused_region
        """
    )
