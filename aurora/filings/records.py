"""Records of the lake that a draft is made from: each in its newest state, and noted with the hash of its row."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from aurora.errors import NotFoundError, UsageError
from aurora.store.lake import LakeReader
from contracts import registry
from contracts.messages.filings import FilingRecord

Row = dict[str, Any]
_IDENTITY = ("country", "birth_date", "emirates_id", "passport_no", "id_expiry_date")
"""What another system's record of the same person may say where this one is silent."""
_BOOKKEEPING = ("batch_id", "batch_seq", "row_number", "ingested_at")


class Records:
    """One lake at one snapshot; what is read through it is noted."""

    def __init__(self, lake: LakeReader) -> None:
        self.lake = lake
        self._used: dict[tuple[str, str, str], FilingRecord] = {}
        self.has_samples = False

    @property
    def snapshot_id(self) -> int:
        """The raw lake's snapshot."""
        return self.lake.snapshot_id("raw")

    @property
    def used(self) -> tuple[FilingRecord, ...]:
        """Records read so far, sorted."""
        return tuple(self._used[key] for key in sorted(self._used))

    def of(self, contract: str, **where: object) -> list[Row]:
        """Newest states of the records whose columns have these values, in the order of their keys."""
        table = registry.table(contract)
        order = f"ORDER BY {table.versioned_by} DESC" if table.versioned_by else ""
        keys = ", ".join(table.key if "source" in table.key else ("source", *table.key))
        newest = f"row_number() OVER (PARTITION BY {keys} {order})" if order else "1"
        wanted = " AND ".join(f"{name} = ?" for name in where)
        rows = self.lake.query(
            f"SELECT * EXCLUDE (place) FROM (SELECT *, {newest} AS place FROM raw.{contract}) WHERE place = 1"
            f" AND {wanted} ORDER BY {keys}",
            list(where.values()),
        ).to_dicts()
        for row in rows:
            self._note(contract, row)
        return rows

    def one(self, contract: str, record_id: str, source: str | None = None) -> Row:
        """The record of that id. `NotFoundError` without one, `UsageError` where two sources know one."""
        key = f"{contract}_id"
        found = self.of(contract, **({key: record_id} | ({} if source is None else {"source": source})))
        if not found:
            raise NotFoundError(
                f"The lake holds no {contract.replace('_', ' ')} {record_id[:64]!r}.",
                field="about_id",
                next_step=f"Check the id; the Data page shows the {contract.replace('_', ' ')} records.",
            )
        if len(found) > 1:
            raise UsageError(
                f"{len(found)} sources know a {contract} {record_id!r}: {', '.join(row['source'] for row in found)}.",
                field="record_source",
                rule="required",
                next_step="Say which source is meant.",
            )
        return found[0]

    def party(self, party_id: str | None, source: str) -> Row | None:
        """A party as `source` knows it, or as another system does that uses the same id; what it lacks from the same person's other records."""
        if party_id is None:
            return None
        found = self.of("party", party_id=party_id)
        own = next((row for row in found if row["source"] == source), found[0] if found else None)
        if own is None:
            return None
        others = [
            row
            for at, other_id in self.same_as("party", own["source"], party_id)
            for row in self.of("party", source=at, party_id=other_id)
        ]
        known = {name: next((row[name] for row in others if row[name] is not None), None) for name in _IDENTITY}
        return {name: known[name] if value is None and name in known else value for name, value in own.items()}

    def same_as(self, kind: str, source: str, record_id: str) -> list[tuple[str, str]]:
        """Source and id of the other records of the same golden record: the same person or unit in other systems."""
        found = self.lake.query(
            "SELECT o.source, o.source_record_id FROM raw.entity_link AS l JOIN raw.entity_link AS o"
            " ON o.entity_kind = l.entity_kind AND o.entity_id = l.entity_id"
            " WHERE l.entity_kind = ? AND l.source = ? AND l.source_record_id = ? ORDER BY 1, 2",
            [kind, source, record_id],
        )
        return [(at, other) for at, other in found.iter_rows() if (at, other) != (source, record_id)]

    def of_unit(self, contract: str, property_id: str, source: str, **where: object) -> list[Row]:
        """Records about a property, by the name that any system has for it."""
        found = self.of(contract, property_id=property_id, **where)
        for at, other in self.same_as("property", source, property_id):
            found += self.of(contract, property_id=other, source=at, **where)
        return found

    def _note(self, contract: str, row: Row) -> None:
        record_id = "|".join(str(row[name]) for name in registry.table(contract).key if name != "source")
        self.has_samples = self.has_samples or bool(row.get("is_sample"))
        self._used[contract, row["source"], record_id] = FilingRecord(
            contract=contract,
            record_source=row["source"],
            record_id=record_id,
            updated_at=row.get("updated_at"),
            row_hash=row_hash(row),
        )


def row_hash(row: Row) -> str:
    """SHA-256 (hex) of a row without the columns that say how it came in."""
    kept = {name: value for name, value in row.items() if name not in _BOOKKEEPING}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=_text, ensure_ascii=False).encode()).hexdigest()


def _text(value: object) -> str:
    match value:
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case dt.date():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            return str(value)


def due_of(
    lake: LakeReader, rule_ids: Sequence[str], contract: str, source: str, about_id: str
) -> tuple[dt.datetime, str] | None:
    """When the first open finding of these rules about the record is due, and the rule."""
    found = lake.query(
        "SELECT due_at, rule_id, finding_state FROM raw.finding WHERE about_contract = ? AND record_source = ?"
        " AND about_id = ? QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY updated_at DESC) = 1",
        [contract, source, about_id],
    ).to_dicts()
    clocks = sorted(
        (row["due_at"], row["rule_id"])
        for row in found
        if row["finding_state"] == "open" and row["rule_id"] in rule_ids
    )
    return clocks[0] if clocks else None
