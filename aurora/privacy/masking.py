"""Masking what already rests in the lake: values in clear are encrypted where they stand, and it is counted before and after.

A masked value is one that the door would have made: encrypted under its subject's key, so that an erasure reaches it
and a holder of `privacy:reveal` can read it back. Snapshots from before keep the clear value for thirty days, until
maintenance expires them (`aurora.store.purging`); the proof names the first that does not, and the day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from aurora.errors import DataError
from aurora.privacy.cipher import Sealer
from aurora.privacy.columns import subject_kind
from aurora.privacy.door import TABLE_SUBJECT, Doorkeeper
from aurora.store.connection import latest_snapshot
from aurora.store.lake import LakeReader, LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from aurora.store.purging import MASKED_FOR, MESSAGE, rewrite_masked
from aurora.store.vault import DataKey
from contracts import registry
from contracts.table import Table

_CLEAR: Final = (
    "{0} IS NOT NULL AND NOT regexp_full_match({0}, 'enc1:[0-9a-f]{{16}}:.*|tok_[0-9a-f]+|\\*{{4}}.{{0,4}}')"
)
"""What the door leaves is not in clear: a sealed value, a token, the last four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskProof:
    """What a mask did, countable by anybody who may read the lake."""

    contract: str
    columns: tuple[str, ...]
    row_count: int
    """Rows that were looked at."""
    clear_before_count: int
    clear_after_count: int
    digest: str
    """SHA-256 (hex) of the masked values, sorted: what stands in the lake now."""
    raw_snapshot_id: int
    """First snapshot whose files hold none of the clear values."""
    readable_until: dt.datetime
    """Until then older snapshots can be read; maintenance expires them in the night after."""

    def as_dict(self) -> dict[str, str | int]:
        """Every fact by name."""
        return {
            "contract": self.contract,
            "columns": ", ".join(self.columns),
            "row_count": self.row_count,
            "clear_before_count": self.clear_before_count,
            "clear_after_count": self.clear_after_count,
            "digest": self.digest,
            "raw_snapshot_id": self.raw_snapshot_id,
            "readable_until": self.readable_until.astimezone(dt.UTC).isoformat(timespec="seconds"),
        }


def mask_values(
    paths: TenantPaths,
    contract: str,
    columns: Sequence[str],
    *,
    about_id: str | None,
    record_source: str | None,
    author: str,
    now: dt.datetime,
) -> MaskProof:
    """Encrypt what stands in clear in those columns, of one record (`about_id`, all its states) or of all.

    Run again it changes nothing. Errors: `DataError` when a value stands in clear afterwards: nothing is changed then.
    """
    table = registry.table(contract)
    where, params = _where(table, about_id, record_source)

    def counted(lake: LakeReader) -> tuple[int, int]:
        rows = int(lake.query(f"SELECT count(*) AS n FROM raw.{contract} WHERE {where}", params).item())
        return rows, sum(_clear(lake, table, name, where, params) for name in columns)

    def work(lake: LakeWriter) -> tuple[int, int, int, str]:
        rows, before = counted(lake)
        with Doorkeeper(paths) as keeper:
            for name in columns:
                _seal(lake, keeper, table, name, where, params, now)
        after = sum(_clear(lake, table, name, where, params) for name in columns)
        if after:
            raise DataError(
                f"{after} values of {contract} still stand in clear.",
                field=f"{contract}.{columns[0]}",
                rule="masked",
                next_step="Look at the values; what the mask does not know is masked by hand.",
            )
        return rows, before, after, _digest(lake, table, columns, where, params)

    with read_lake(paths) as lake:
        rows, before = counted(lake)
        after, digest = before, "" if before else _digest(lake, table, columns, where, params)
    if before:
        rows, before, after, digest = write_lake(paths, "raw", work, author=author, message=f"{MESSAGE}{contract}")
        rewrite_masked(paths, contract)
    return MaskProof(
        contract=contract,
        columns=tuple(columns),
        row_count=rows,
        clear_before_count=before,
        clear_after_count=after,
        digest=digest,
        raw_snapshot_id=latest_snapshot(paths, "raw"),
        readable_until=now + MASKED_FOR,
    )


def _where(table: Table, about_id: str | None, source: str | None) -> tuple[str, list[object]]:
    if about_id is None:
        return "true", []
    key = [name for name in table.key if name != "source"]
    where, params = f"concat_ws('|', {', '.join(f'CAST({name} AS VARCHAR)' for name in key)}) = ?", [about_id]
    if source is None or "source" not in table.columns:
        return where, [*params]
    return f"{where} AND source = ?", [*params, source]


def _clear(lake: LakeReader, table: Table, column: str, where: str, params: list[object]) -> int:
    found = lake.query(f"SELECT count(*) AS n FROM raw.{table.name} WHERE {where} AND {_CLEAR.format(column)}", params)
    return int(found.item())


def _seal(
    lake: LakeWriter, keeper: Doorkeeper, table: Table, column: str, where: str, params: list[object], now: dt.datetime
) -> None:
    subject = table.subject if table.subject != column else None
    about = "NULL" if subject is None else f"CAST({subject} AS VARCHAR)"
    pairs = lake.query(
        f"SELECT DISTINCT {about} AS subject, {column} AS value FROM raw.{table.name} WHERE {where} AND {_CLEAR.format(column)}",
        params,
    )
    if pairs.is_empty():
        return
    sealed = _sealed(keeper, table, column, pairs, now)
    lake.execute(
        f"UPDATE raw.{table.name} SET {column} = m.sealed FROM (SELECT unnest(?::VARCHAR[]) AS m_subject, unnest(?::VARCHAR[])"
        f" AS m_value, unnest(?::VARCHAR[]) AS sealed) AS m WHERE {where} AND {column} = m.m_value"
        f" AND {about} IS NOT DISTINCT FROM m.m_subject",
        [pairs["subject"].to_list(), pairs["value"].to_list(), sealed, *params],
    )


def _sealed(keeper: Doorkeeper, table: Table, column: str, pairs: pl.DataFrame, now: dt.datetime) -> list[str]:
    subjects = pairs["subject"].cast(pl.String)
    named = subjects.drop_nulls().unique().sort().to_list()
    kind = subject_kind(table.subject or TABLE_SUBJECT)
    keys: dict[str | None, DataKey] = {}
    keys.update(keeper.keys(kind, named, now=now))
    if subjects.null_count():
        keys[None] = keeper.keys(TABLE_SUBJECT, [table.name], now=now)[table.name]
    sealers = {
        one: Sealer(key, tenant=keeper.paths.tenant, contract=table.name, column=column) for one, key in keys.items()
    }
    return [sealers[one].seal(value) for one, value in zip(subjects.to_list(), pairs["value"].to_list(), strict=True)]


def _digest(lake: LakeReader, table: Table, columns: Sequence[str], where: str, params: list[object]) -> str:
    parts = [
        lake.query(f"SELECT {name} AS v FROM raw.{table.name} WHERE {where} AND {name} IS NOT NULL ORDER BY 1", params)
        for name in columns
    ]
    text = "\n".join(str(value) for part in parts for value in part["v"].to_list())
    return hashlib.sha256(text.encode()).hexdigest()
