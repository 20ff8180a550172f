"""Which days the rows of a batch are about: kept with the batch, so that lateness and volume need no scan of history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from aurora.store.lake import LakeReader
from contracts import registry
from contracts.table import Table

_EVENT_COLUMNS: Final = ("occurred_at", "updated_at", "charge_period_start", "started_at", "submitted_at")
"""Columns that say when a row's own event was, the surest first."""
_DAY: Final = "CAST(floor(epoch_us({at}) / 86400000000) AS INTEGER)"
"""Days since 1970, UTC: a cast of a time to a date costs ten times as much, since it asks for the time zone."""


def event_column(declared: Table) -> str | None:
    """The column of a row's own time; None for a table whose rows have none."""
    if declared.versioned_by not in (None, "retrieved_at"):
        return declared.versioned_by
    return next((name for name in _EVENT_COLUMNS if name in declared.columns), None)


def batch_days(lake: LakeReader, contract: str, batches: Sequence[dict[str, object]]) -> pl.DataFrame:
    """Rows of `batch_day` for what these batches of the ledger landed, in the transaction that lands them."""
    column = event_column(registry.table(contract))
    at = column or "CAST(NULL AS TIMESTAMP WITH TIME ZONE)"
    first = min(int(str(batch["batch_seq"])) for batch in batches)
    days = lake.query(
        f"""
        SELECT batch_seq, DATE '1970-01-01' + day AS event_date, good_count, first_event_at, last_event_at
        FROM (
            SELECT batch_seq, {_DAY.format(at=f"coalesce({at}, ingested_at)")} AS day, count(*) AS good_count,
                min({at}) AS first_event_at, max({at}) AS last_event_at
            FROM raw.{contract} WHERE batch_seq >= $first GROUP BY ALL
        ) ORDER BY ALL
        """,
        {"first": first},
    )
    schema = registry.polars_schema(registry.table("batch_day"))
    about = [name for name in schema if name not in days.columns or name == "batch_seq"]
    origins = pl.DataFrame(
        [{name: batch[name] for name in about} for batch in batches], schema={name: schema[name] for name in about}
    )
    return days.join(origins, on="batch_seq", maintain_order="left").select(
        pl.col(name).cast(kind) for name, kind in schema.items()
    )
