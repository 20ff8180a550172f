"""A process that ingests or copies the journal, for the tests that kill it. Not a test itself.

python ingest_worker.py landing DATA_DIR    ingest the demo tenant's landing folder
python ingest_worker.py journal DATA_DIR    copy the demo tenant's journal to its lake
"""

import datetime as dt
import sys
from pathlib import Path

from aurora.ingest import journal
from aurora.ingest.batch import ingest_landing
from aurora.ingest.journal import copy_journal
from aurora.store.paths import tenant_paths

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def clock() -> dt.datetime:
    return NOW


if __name__ == "__main__":
    kind, folder = sys.argv[1:]
    paths = tenant_paths(Path(folder), "demo")
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    if kind == "landing":
        ingest_landing(paths, clock=clock)
    else:
        journal._BATCH_ENTRIES = 400  # several transactions
        copy_journal(paths, clock=clock)
