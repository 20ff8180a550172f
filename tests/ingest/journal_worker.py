"""A process that copies the demo tenant's journal to its lake, for the test that kills it. Not a test itself.

python journal_worker.py DATA_DIR
"""

import datetime as dt
import sys
from pathlib import Path

from aurora.ingest import journal
from aurora.store.paths import tenant_paths

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return NOW


if __name__ == "__main__":
    paths = tenant_paths(Path(sys.argv[1]), "demo")
    journal._BATCH_ENTRIES = 200  # several transactions
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    journal.copy_journal(paths, clock=clock)
