"""The vault: keys under which personal data rests, apart from the lake, the journal and ordinary backups.

A data key belongs to one subject (a person, a table, the quarantine), lies here wrapped by the tenant's
master key, and is destroyed here: what was encrypted with it can then not be read by anybody, in the lake,
in its old snapshots or in any copy of them. Subjects are known by a keyed hash only.

`secure_delete` overwrites a destroyed key inside the file, and there is no write-ahead log that would keep
it. A restored copy of this file would undo an erasure: back it up apart, and for a shorter time.
"""

from __future__ import annotations

import datetime as dt
import hmac
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aurora.errors import NotFoundError, NotReadyError
from aurora.store.connection import BUSY_TIMEOUT_MS, require_tenant
from aurora.store.journal import time_text
from aurora.store.paths import TenantPaths
from aurora.store.sealing import write_whole

_CHUNK: Final = 400
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS data_key (
    key_id TEXT PRIMARY KEY,
    subject_hash TEXT NOT NULL,
    wrapped BLOB,
    made_at TEXT NOT NULL,
    destroyed_at TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS living_key ON data_key (subject_hash) WHERE destroyed_at IS NULL;
"""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One key of 32 bytes, and the id that stands in what it encrypted."""

    key_id: str
    secret: bytes = field(repr=False)


def vault_folder(paths: TenantPaths) -> Path:
    """Where the tenant's keys lie, readable by the owner alone."""
    return paths.directory / "vault"


class Vault:
    """One tenant's keys. Safe for several threads and processes; a new subject's key is made once."""

    def __init__(self, paths: TenantPaths, connection: sqlite3.Connection, master: bytes) -> None:
        self.paths = paths
        self._connection = connection
        self._lock = threading.Lock()
        self._wrapping = AESGCM(_derived(master, "wrap"))
        self._subjects = _derived(master, "subject")
        self.token_key: bytes = _derived(master, "token")
        """Key of the hashes that stand for values: one a tenant, so that tenants cannot be compared."""

    @classmethod
    def open(cls, paths: TenantPaths) -> Vault:
        """Open the tenant's vault, making it on first use. `NotReadyError` when its master key is gone."""
        require_tenant(paths)
        folder = vault_folder(paths)
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / "keys.sqlite"
        master = _master(folder, may_create=not file.exists())
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(
            file, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
        return cls(paths, connection, master)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Vault:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def subject_hash(self, kind: str, subject: str) -> str:
        """What the vault calls a subject: a keyed hash of its kind (a column, `table`) and id."""
        return hmac.digest(self._subjects, f"{kind}\x1f{subject}".encode(), "sha256").hex()

    def row_hash(self, text: str) -> str:
        """A keyed hash of a whole row, to recognise it without keeping it."""
        return hmac.digest(self._subjects, b"row\x1f" + text.encode(), "sha256").hex()

    def keys(self, subject_hashes: Iterable[str], *, now: dt.datetime) -> dict[str, DataKey]:
        """The living key of each subject; one without gets its key now, on the disk before this returns."""
        wanted = sorted(set(subject_hashes))
        with self._lock:
            found = self._living(wanted)
            # again while another process destroys what was just made
            while missing := [one for one in wanted if one not in found]:
                self._make(missing, now)
                found |= self._living(missing)
        return found

    def key(self, key_id: str) -> DataKey:
        """The key of that id; `NotFoundError` when it was destroyed or is not this tenant's."""
        with self._lock:
            row = self._connection.execute(
                "SELECT wrapped, destroyed_at FROM data_key WHERE key_id = ?", (key_id,)
            ).fetchone()
        if row is None:
            raise NotFoundError(
                f"There is no key {key_id!r} in this tenant's vault.",
                field="key_id",
                rule="key_exists",
                next_step="Check that the value belongs to this tenant and is whole.",
            )
        if row[1] is not None:
            raise NotFoundError(
                f"The value was erased: its key {key_id} was destroyed at {row[1]}.",
                field="key_id",
                rule="erased",
                next_step="Nothing can bring it back; that is what the erasure was for.",
            )
        return DataKey(key_id, self._unwrapped(key_id, row[0]))

    def destroy(self, subject_hashes: Iterable[str], *, now: dt.datetime) -> list[str]:
        """Destroy the subjects' living keys for ever, and return their ids."""
        destroyed: list[str] = []
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for subject in subject_hashes:
                    rows = self._connection.execute(
                        "UPDATE data_key SET wrapped = NULL, destroyed_at = ?"
                        " WHERE subject_hash = ? AND destroyed_at IS NULL RETURNING key_id",
                        (time_text(now), subject),
                    ).fetchall()
                    destroyed += [str(row[0]) for row in rows]
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        return destroyed

    def has_key(self, subject_hash: str) -> bool:
        """Whether the subject has a living key."""
        with self._lock:
            sql = "SELECT 1 FROM data_key WHERE subject_hash = ? AND destroyed_at IS NULL"
            return self._connection.execute(sql, (subject_hash,)).fetchone() is not None

    def counts(self) -> tuple[int, int]:
        """How many keys live, and how many were destroyed."""
        with self._lock:
            living, destroyed = self._connection.execute(
                "SELECT count(*) FILTER (WHERE destroyed_at IS NULL), count(destroyed_at) FROM data_key"
            ).fetchone()
        return int(living), int(destroyed)

    def _living(self, subjects: list[str]) -> dict[str, DataKey]:
        found: dict[str, DataKey] = {}
        for at in range(0, len(subjects), _CHUNK):
            part = subjects[at : at + _CHUNK]
            marks = ", ".join("?" * len(part))
            for subject, key_id, wrapped in self._connection.execute(
                f"SELECT subject_hash, key_id, wrapped FROM data_key WHERE destroyed_at IS NULL AND subject_hash IN ({marks})",
                part,
            ):
                found[subject] = DataKey(key_id, self._unwrapped(key_id, wrapped))
        return found

    def _make(self, subjects: list[str], now: dt.datetime) -> None:
        rows = []
        for subject in subjects:
            key_id = secrets.token_hex(8)
            rows.append((key_id, subject, self._wrapped(key_id, secrets.token_bytes(32)), time_text(now)))
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            # of two processes that meet a subject for the first time, the first one's key counts
            self._connection.executemany(
                "INSERT INTO data_key (key_id, subject_hash, wrapped, made_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                rows,
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def _wrapped(self, key_id: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._wrapping.encrypt(nonce, secret, self._about(key_id))

    def _unwrapped(self, key_id: str, wrapped: bytes) -> bytes:
        try:
            return self._wrapping.decrypt(wrapped[:12], wrapped[12:], self._about(key_id))
        except InvalidTag:
            raise NotReadyError(
                f"The key {key_id} of tenant {self.paths.tenant!r} does not open with its master key.",
                field="vault/master.key",
                rule="unwrap",
                next_step="Restore master.key and keys.sqlite of the same moment into the tenant's vault folder.",
            ) from None

    def _about(self, key_id: str) -> bytes:
        return f"{self.paths.tenant}|{key_id}".encode()


def _derived(master: bytes, purpose: str) -> bytes:
    return hmac.digest(master, f"aurora vault {purpose}".encode(), "sha256")


def _master(folder: Path, *, may_create: bool) -> bytes:
    file = folder / "master.key"
    if not file.exists():
        if not may_create:
            raise NotReadyError(
                f"The master key {file.name} is gone, and the tenant's personal data is encrypted under it.",
                field="vault/master.key",
                rule="key_exists",
                next_step="Restore vault/master.key from where you keep it.",
            )
        write_whole(file, secrets.token_bytes(32), mode=0o600)
    return file.read_bytes()
