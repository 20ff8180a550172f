"""A hash of what a lake holds: the same for two lakes with the same rows, however and whenever these came in.

What only says how a row came (batch, time, file position) does not count. Protected values are opened first, since
each tenant seals them with keys of its own, those that a rule's remedy masked in the lake too; tokens made with such keys
are passed over, their values being hashed. Rows that Aurora wrote of itself did not come in.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import polars as pl

from aurora.compliance.publishing import SOURCE
from aurora.compliance.remedies import chosen, read_remedies
from aurora.errors import NotFoundError
from aurora.privacy.disclosure import is_sealed, opened_text
from aurora.store.journal import StateReader
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from aurora.store.vault import Vault
from contracts import registry
from contracts.fields import FIELDS

_PASSED_OVER: Final = frozenset(
    {
        "batch_id",
        "batch_seq",
        "ingested_at",
        "quarantine_id",
        "row_hash",
        "repair_batch_id",
        "repairs_batch_id",
    }
)
_TOKEN: Final = re.compile(r"tok_[0-9a-f]{24}")
_OF_THE_DOOR: Final = frozenset({"quarantine", "residency_refusal", "privacy_finding"})
"""What the door made of rows that came in."""
_SEALED_TABLES: Final = {"quarantine": ("raw_row",)}


def lake_hash(paths: TenantPaths) -> tuple[str, dict[str, dict[str, Any]]]:
    """SHA-256 over all rows that came in, and `row_count` and `content_hash` of each table that has rows."""
    masked = _masked(paths)
    with read_lake(paths) as lake, Vault.open(paths) as vault:
        live = lake.columns("raw")
        tables = {
            name: _table(lake, vault, name, sorted(live[name]), masked.get(name, frozenset())) for name in _hashed(lake)
        }
    whole = hashlib.sha256()
    for name, about in tables.items():
        whole.update(f"{name} {about['row_count']} {about['content_hash']}\n".encode())
    return whole.hexdigest(), tables


def _hashed(lake: LakeReader) -> list[str]:
    """Tables whose rows came in, and the door's. Findings, links and books depend on when Aurora looked."""
    declared = registry.tables()
    return [
        name
        for name in sorted(lake.tables_with_rows("raw"))
        if name in _OF_THE_DOOR or (name in declared and declared[name].is_ingested)
    ]


def _masked(paths: TenantPaths) -> dict[str, frozenset[str]]:
    """Columns that remedies of rules masked, by table."""
    if not paths.state.is_file():
        return {}
    found: dict[str, frozenset[str]] = {}
    with StateReader(paths) as state:
        for one in chosen(read_remedies(state), act="mask", state="done"):
            if one.proof:
                columns = frozenset(str(one.proof["columns"]).split(", "))
                found[str(one.proof["contract"])] = found.get(str(one.proof["contract"]), frozenset()) | columns
    return found


def _table(lake: LakeReader, vault: Vault, name: str, live: list[str], masked: frozenset[str]) -> dict[str, Any]:
    """The multiset of the table's rows as one number: the order they were stored in says nothing."""
    columns = [column for column in live if _counts(column)]
    sealed = [
        column
        for column in columns
        if column in masked
        or column in _SEALED_TABLES.get(name, ())
        or getattr(FIELDS.get(column), "protection", "none") == "encrypt"
    ]
    texts = [f"coalesce({column}::VARCHAR, chr(0))" for column in columns if column not in sealed]
    came_in = f"source IS DISTINCT FROM '{SOURCE}'" if "source" in columns else "true"
    whole = f"concat_ws(chr(31), {', '.join(texts)})"
    row = f"CASE WHEN contains({whole}, 'tok_') THEN regexp_replace({whole}, '{_TOKEN.pattern}', 'tok', 'g') ELSE {whole} END"
    if not sealed:
        found = lake.query(
            f"SELECT count(*), sum(md5_number_lower({row})::HUGEINT)::VARCHAR, "
            f"sum(md5_number_upper({row})::HUGEINT)::VARCHAR FROM raw.{name} WHERE {came_in}"
        ).row(0)
        return {"row_count": found[0], "content_hash": _digest(*found)}
    rows = lake.query(f"SELECT {row} AS plain, {', '.join(sealed)} FROM raw.{name} WHERE {came_in}")
    opened = rows.select("plain", *(_opened(rows[column], vault) for column in sealed))
    texts_of_rows = sorted("\x1f".join("\0" if value is None else value for value in one) for one in opened.iter_rows())
    return {
        "row_count": rows.height,
        "content_hash": hashlib.sha256("\n".join(texts_of_rows).encode()).hexdigest(),
    }


def _counts(column: str) -> bool:
    field = FIELDS.get(column)
    return column not in _PASSED_OVER and (field is None or field.token_of is None)


def _opened(column: pl.Series, vault: Vault) -> pl.Series:
    known: dict[str, str] = {}
    for text in column.drop_nulls().unique():
        try:
            known[text] = _TOKEN.sub("tok", opened_text(vault, text) if is_sealed(text) else text)
        except NotFoundError:
            known[text] = "erased"
    return pl.Series(column.name, [None if text is None else known[text] for text in column], dtype=pl.String)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
