"""How each stage of the build ended the last time, from the small files that the clock leaves beside the lake.

The clock (`orchestration.freshness`) writes them and apps may not import it, so what is read is declared here.
"""

from __future__ import annotations

import datetime as dt

import msgspec
import polars as pl

from aurora.store.paths import TenantPaths


class StageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One stage's last run."""

    stage: str
    state: str
    seconds: float
    ended_at: dt.datetime
    message: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether the stage must run again before its figures can be trusted."""
        return self.state != "built"


_RECORDS = msgspec.json.Decoder(StageRecord)
_SHAPE = {
    "stage": pl.String(), "result": pl.String(), "ended_at": pl.Datetime("us", "UTC"), "took_s": pl.Float64(),
    "message": pl.String(),
}  # fmt: skip


def stage_records(paths: TenantPaths) -> list[StageRecord]:
    """Every stage that ever ran, in the order they ended; a damaged file counts as never run."""
    records = []
    for file in (paths.directory / "builds").glob("*.json"):
        try:
            record = _RECORDS.decode(file.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            continue  # replaced or damaged meanwhile: the stage runs again and writes it anew
        zoned = record.ended_at if record.ended_at.tzinfo else record.ended_at.replace(tzinfo=dt.UTC)
        records.append(msgspec.structs.replace(record, ended_at=zoned))
    return sorted(records, key=lambda record: (record.ended_at, record.stage))


def records_frame(records: list[StageRecord]) -> pl.DataFrame:
    """The records as a table, newest first."""
    rows = [
        {
            "stage": record.stage.replace("_", " "),
            "result": "✗ Failed" if record.has_failed else "✓ Built",
            "ended_at": record.ended_at.astimezone(dt.UTC),
            "took_s": record.seconds,
            "message": record.message or None,
        }
        for record in reversed(records)
    ]
    return pl.DataFrame(rows, schema=_SHAPE)
