"""What a table is: columns in order, which may be empty, the grain, key, owner, retention, version."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.field import Field
from contracts.fields import FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the raw lake, as declared.

    `required` and `optional` together are the columns, in the order of `columns`. `key` is unique
    within the tenant. `version` is semantic: a new optional column is a minor change.

    A table of things that change (a task, a deal) names in `versioned_by` the time of the state: raw keeps
    every state once, and staging shows the newest one of each key. `subject` is the column that names the
    person a row is about: its protected columns are encrypted under that person's key.
    """

    name: str
    meaning: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    owner: str
    retention_days: int
    version: str = "1.0.0"
    versioned_by: str | None = None
    backfill: tuple[tuple[str, str], ...] = ()
    """Column and SQL expression of each required column that was added later: its value in rows that were there."""
    migration: tuple[str, ...] = ()
    """SQL on `raw.<name>` that brings a lake of the previous major version to this one, where `backfill` is not
    enough. It runs once, in the transaction that follows the contracts, and must lead to the contract's shape."""
    subject: str | None = None
    is_ingested: bool = True
    """Rows come from outside and carry the batch columns; otherwise Aurora writes the table itself."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in FIELDS]
        others = (self.versioned_by, self.subject, *dict(self.backfill))
        named = {*self.key, *self.optional, *(name for name in others if name)}
        stray = sorted(named - set(self.columns))
        if unknown or stray:
            raise ValueError(
                f"Table {self.name} names columns that are not declared: {', '.join(unknown + stray)}. "
                "Declare them in contracts/columns/ first."
            )

    @property
    def row_key(self) -> tuple[str, ...]:
        """Columns that are unique together in raw: the key, and the time of the state where there are many."""
        return (*self.key, self.versioned_by) if self.versioned_by else self.key

    @property
    def fields(self) -> tuple[Field, ...]:
        """The declared columns, in order, without the batch columns."""
        return tuple(FIELDS[name] for name in self.columns)

    @property
    def stored_columns(self) -> tuple[str, ...]:
        """All columns as stored: the declared ones, then the batch columns of an ingested table."""
        return (*self.columns, *BATCH_COLUMNS) if self.is_ingested else self.columns

    def is_required(self, column: str) -> bool:
        """Whether the column must hold a value in every row."""
        return column not in self.optional


BATCH_COLUMNS: tuple[str, ...] = ("batch_id", "batch_seq", "row_number", "ingested_at")
"""Where a row came from and when: added by ingest to every ingested table."""
