"""The state database's tables, their migrations, and how a connection to it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from aurora.errors import NotReadyError

BUSY_TIMEOUT_MS = 30_000
PAGE_BYTES = 8_192
"""Of new databases: two receipts of 3.3 kB to a page. At 4 KiB a record of a full commit took 30 to 45 % more CPU;
at 16 KiB a lone commit took 10 % more, for it writes four whole pages."""

_APPEND_ONLY = """
CREATE TRIGGER {table}_keeps_rows BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append only'); END;
CREATE TRIGGER {table}_keeps_values BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append only'); END;
"""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE journal (
        seq INTEGER PRIMARY KEY,
        record_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        subject_id TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        elapsed_us INTEGER,
        body BLOB NOT NULL,
        leaf BLOB NOT NULL
    ) STRICT;
    -- Decisions are found by record_id; only what follows them pays for these.
    CREATE INDEX journal_about ON journal (subject_id, seq) WHERE kind <> 'decision';
    CREATE INDEX journal_of_kind ON journal (kind, seq) WHERE kind <> 'decision';
    CREATE TABLE tree (id INTEGER PRIMARY KEY CHECK (id = 1), tree_size INTEGER NOT NULL, edge BLOB NOT NULL) STRICT;
    INSERT INTO tree VALUES (1, 0, x'');
    CREATE TABLE subtree (
        level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoint (tree_size INTEGER PRIMARY KEY, note BLOB NOT NULL, signed_at TEXT NOT NULL) STRICT;
    CREATE TABLE idempotency (
        actor_id TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        request_hash BLOB NOT NULL,
        status INTEGER NOT NULL,
        response BLOB NOT NULL,
        recorded_at TEXT NOT NULL,
        PRIMARY KEY (actor_id, idempotency_key)
    ) STRICT;
    CREATE INDEX idempotency_age ON idempotency (recorded_at);
    CREATE TABLE api_key (
        prefix TEXT PRIMARY KEY,
        secret_hash BLOB NOT NULL,
        actor_id TEXT NOT NULL,
        label TEXT NOT NULL,
        scopes TEXT NOT NULL,
        rate_per_s INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        revoked_at TEXT
    ) STRICT;
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    INSERT INTO counter VALUES ('api_keys', 0), ('probes', 0);
    """
    + _APPEND_ONLY.format(table="journal")
    + _APPEND_ONLY.format(table="checkpoint"),
    """
    CREATE TABLE assistant_endpoint (
        assistant_id TEXT PRIMARY KEY,
        base_url TEXT NOT NULL,
        secret TEXT,
        is_local INTEGER NOT NULL,
        connected_at TEXT NOT NULL,
        actor_id TEXT NOT NULL
    ) STRICT;
    -- A row stands for an assistant that is switched off.
    CREATE TABLE assistant_switch (
        assistant_id TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        actor_id TEXT NOT NULL
    ) STRICT;
    CREATE TABLE assistant_setting (
        assistant_id TEXT NOT NULL,
        command_kind TEXT NOT NULL,
        name TEXT NOT NULL,
        value REAL NOT NULL,
        command_id TEXT NOT NULL,
        PRIMARY KEY (assistant_id, command_kind, name)
    ) STRICT;
    CREATE TABLE command (
        command_id TEXT PRIMARY KEY,
        assistant_id TEXT NOT NULL,
        command_state TEXT NOT NULL,
        next_at TEXT,
        record BLOB NOT NULL,
        request BLOB,
        callback_token TEXT
    ) STRICT;
    CREATE INDEX command_due ON command (assistant_id, next_at) WHERE next_at IS NOT NULL;
    CREATE INDEX command_of_assistant ON command (assistant_id, command_id);
    INSERT INTO counter VALUES ('fleet', 0);
    """,
)
"""Forward only; the place in the tuple is the schema version. A released entry is never edited."""


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that writes: WAL, every commit flushed to the disk, schema brought up to date."""
    path.touch(mode=0o600, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # NORMAL loses acknowledged records at a power cut
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; any thread may close it. `NotReadyError` when there is no database."""
    if not path.exists():
        raise NotReadyError(
            "This tenant has no state database yet.",
            field="state",
            next_step="Start Aurora once (`make run` or `aurora up`): it makes the database.",
        )
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA query_only = ON")
        _check_version(_version(connection), is_reader=True)
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(path: Path) -> None:
    """Bring an existing state database up to date; cheap when it is so."""
    if path.exists():
        open_writer(path).close()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(version: int, *, is_reader: bool) -> None:
    if version > len(MIGRATIONS):
        raise NotReadyError(
            f"The state database has schema {version}; this Aurora knows {len(MIGRATIONS)}.",
            field="user_version",
            next_step="Start the newer Aurora that wrote it, or restore the backup made before the upgrade.",
        )
    if is_reader and version < len(MIGRATIONS):
        raise NotReadyError(
            f"The state database has schema {version} and needs {len(MIGRATIONS)}.",
            field="user_version",
            next_step="Start Aurora once: it brings the schema up to date.",
        )


def _migrate(connection: sqlite3.Connection) -> None:
    _check_version(_version(connection), is_reader=False)
    while _version(connection) < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection)  # another process may have done it while we waited
            if version < len(MIGRATIONS):
                for statement in _statements(MIGRATIONS[version]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _statements(script: str) -> list[str]:
    """The script's statements. `executescript` would commit the transaction that it runs in."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found
