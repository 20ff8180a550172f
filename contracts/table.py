"""What a table is: columns in order, which may be empty, the grain, key, owner, retention, version."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.fields import FIELDS, Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the raw lake, as declared.

    `required` and `optional` together are the columns, in the order of `columns`. `key` is unique
    within the tenant. `version` is semantic: a new optional column is a minor change.
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
    is_ingested: bool = True
    """Rows come from outside and carry the batch columns; otherwise Aurora writes the table itself."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in FIELDS]
        stray = sorted((set(self.key) | self.optional) - set(self.columns))
        if unknown or stray:
            raise ValueError(
                f"Table {self.name} names columns that are not declared: {', '.join(unknown + stray)}. "
                "Declare them in contracts/fields.py first."
            )

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
