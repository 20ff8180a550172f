"""The SQL that changes API keys; each runs in the transaction of the record that says who did it."""

from __future__ import annotations

import datetime as dt
from dataclasses import astuple

from aurora.store.journal import ApiKeyRow, time_text
from aurora.store.state import Statement

_CHANGED: Statement = ("UPDATE counter SET value = value + 1 WHERE name = 'api_keys'", ())


def insert_api_key(row: ApiKeyRow) -> list[Statement]:
    """Add a key; its prefix must be new."""
    return [("INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?, ?)", astuple(row)), _CHANGED]


def widen_api_key(prefix: str, scopes: str) -> list[Statement]:
    """Give a key that was not revoked these scopes, parted by spaces."""
    return [("UPDATE api_key SET scopes = ? WHERE prefix = ? AND revoked_at IS NULL", (scopes, prefix)), _CHANGED]


def revoke_api_key(prefix: str, at: dt.datetime) -> list[Statement]:
    """End a key from that moment on; the first revocation counts."""
    sql = "UPDATE api_key SET revoked_at = ? WHERE prefix = ? AND revoked_at IS NULL"
    return [(sql, (time_text(at), prefix)), _CHANGED]
