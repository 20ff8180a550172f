"""Rows that an assistant exports: appended as they come to be, read in pages by an opaque cursor.

A cursor names the run of the twin and a place in it. Another run's cursor begins anew: its rows have other ids.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from aurora.errors import UsageError

RETAINED: Final = 200_000
"""Rows of one contract that one assistant keeps."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")


class GoneError(UsageError):
    """The rows after the cursor are no longer kept."""

    code, status, exit_code = "gone", 410, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Encoded rows, one JSON object each, and where the next page begins."""

    rows: list[bytes]
    cursor: str | None


@dataclass(slots=True)
class RowLog:
    """The rows of one contract, oldest first."""

    run_id: str
    retained: int = RETAINED
    _rows: list[bytes] = field(default_factory=list)
    _dropped: int = 0

    def __len__(self) -> int:
        return self._dropped + len(self._rows)

    def append(self, row: Mapping[str, Any]) -> None:
        """Keep a row; the oldest go when there are far too many."""
        self._rows.append(_ENCODER.encode(row))
        if len(self._rows) > self.retained * 5 // 4:
            gone = len(self._rows) - self.retained
            del self._rows[:gone]
            self._dropped += gone

    def page(self, cursor: str | None, limit: int) -> Page:
        """At most `limit` rows after `cursor`; its cursor is None while there never was a row.

        Errors: `UsageError` for a cursor that none of ours is, `GoneError` when rows after it are gone.
        """
        place = self._place(cursor)
        if place < self._dropped:
            raise GoneError(
                f"The {self._dropped - place} rows after this cursor are no longer kept.",
                field="cursor",
                rule="retained",
                next_step="Leave the cursor out to begin with the oldest row there is.",
            )
        rows = self._rows[place - self._dropped : place - self._dropped + limit]
        end = place + len(rows)
        return Page(rows=rows, cursor=self._cursor(end) if end else None)

    def _cursor(self, place: int) -> str:
        return base64.urlsafe_b64encode(f"{self.run_id}:{place}".encode()).decode().rstrip("=")

    def _place(self, cursor: str | None) -> int:
        if not cursor:
            return self._dropped
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
            run_id, _, place = text.rpartition(":")
            found = int(place)
        except (binascii.Error, ValueError):
            raise _not_ours() from None
        if not run_id or found < 0:
            raise _not_ours()
        if run_id != self.run_id:
            return self._dropped
        if found > len(self):
            raise _not_ours()
        return found


def _not_ours() -> UsageError:
    return UsageError(
        "This cursor was not given by this endpoint.",
        field="cursor",
        rule="opaque",
        next_step="Give a cursor back as it came, or leave it out to begin anew.",
    )
