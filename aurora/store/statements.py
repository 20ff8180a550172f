"""Which SQL statements a lake session takes, told by DuckDB's own parser."""

from __future__ import annotations

import re
from typing import Final

import duckdb

from aurora.errors import UsageError

_FOREIGN: Final = re.compile(r'\b"?(sqlite|postgres|ducklake)_\w+"?\s*\(', re.IGNORECASE)
"""Table functions that open another database. No DuckDB setting stops sqlite_scan once it is loaded."""


def require_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """`UsageError` unless `sql` is one SELECT (or EXPLAIN) on what is attached."""
    kinds = [statement.type for statement in connection.extract_statements(sql)]
    if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]) or _FOREIGN.search(sql):
        raise UsageError(
            "A reader takes one SELECT on raw and mart.",
            field="sql",
            rule="read_only",
            next_step="Write with write_lake; address tables as raw.<table> or mart.<table>.",
        )


def refuse_transaction(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """`UsageError` for BEGIN, COMMIT and ROLLBACK: the transaction is `write_lake`'s."""
    if any(part.type == duckdb.StatementType.TRANSACTION for part in connection.extract_statements(sql)):
        raise UsageError(
            "A transaction statement inside write_lake.",
            field="sql",
            rule="one_transaction",
            next_step="Return from the work to commit it, raise to undo it.",
        )
