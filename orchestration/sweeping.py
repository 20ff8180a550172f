"""The stage that sweeps the rules: when it is due, and what it does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from aurora.settings import PROJECT_DIR
from orchestration.freshness import fingerprint, fingerprint_content, read_record
from orchestration.work import Work

_SWEEP_EVERY: Final = dt.timedelta(hours=1)


def rules_inputs(work: Work) -> str:
    """What came in, and the rules."""
    from aurora.compliance.rulebook import load_rulebook
    from aurora.store.lake import read_lake

    book = load_rulebook(work.settings.packs_dir).for_industry(work.settings.pack)
    with read_lake(work.paths) as lake:
        came = lake.query(
            "SELECT (SELECT max(batch_seq) FROM raw.ingest_batch), (SELECT max(journal_seq) FROM raw.journal_offset)"
        ).row(0)
    code = fingerprint_content((PROJECT_DIR / "aurora" / "compliance").glob("*.py"))
    return fingerprint(book.book_hash, code, *came)


def was_swept_lately(work: Work) -> bool:
    """Whether the last sweep is less than an hour old: clocks run out without a new row."""
    known = read_record(work.paths, "rules")
    swept_at = None if known is None else known.details.get("swept_at")
    return isinstance(swept_at, str) and work.clock() - dt.datetime.fromisoformat(swept_at) < _SWEEP_EVERY


def run_rules(work: Work) -> Mapping[str, object]:
    """Sweep all records and bring the findings up to date."""
    from aurora.compliance.findings import record_sweep
    from aurora.compliance.rulebook import load_rulebook
    from aurora.compliance.sweep import sweep
    from aurora.store.lake import read_lake

    book = load_rulebook(work.settings.packs_dir).for_industry(work.settings.pack)
    with read_lake(work.paths) as lake:
        swept = sweep(book, lake, now=work.clock())
    found = record_sweep(work.paths, swept)
    return {
        "swept_at": swept.now.isoformat(),
        "rule_count": swept.figures.height,
        "judged_count": int(swept.figures["judged_count"].sum()),
        "broken_count": swept.hits.height,
        "opened_count": found.opened_count + found.reopened_count,
        "remediated_count": found.remediated_count,
        "open_count": found.open_count,
        "raw_snapshot_id": swept.raw_snapshot_id,
    }
