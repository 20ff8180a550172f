"""The stage that sweeps the rules: when it is due, and what it does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aurora.settings import PROJECT_DIR
from orchestration.freshness import fingerprint, fingerprint_content, read_record
from orchestration.work import Work

if TYPE_CHECKING:
    from aurora.compliance.rulebook import Rulebook

_SWEEP_EVERY: Final = dt.timedelta(hours=1)


def rules_inputs(work: Work) -> str:
    """What came in, and the rules."""
    from aurora.compliance.versions import tenant_rulebook
    from aurora.store.lake import read_lake

    book = tenant_rulebook(work.settings.packs_dir, work.paths, work.settings.pack)
    with read_lake(work.paths) as lake:
        came = lake.query(
            "SELECT (SELECT max(batch_seq) FROM raw.ingest_batch),"
            " (SELECT max(journal_seq) FROM raw.journal_offset WHERE row_count > 0)"
        ).row(0)
    code = fingerprint_content((PROJECT_DIR / "aurora" / "compliance").glob("*.py"))
    return fingerprint(book.book_hash, code, *came)


def was_swept_lately(work: Work) -> bool:
    """Whether the last sweep is less than an hour old: clocks run out without a new row."""
    known = read_record(work.paths, "rules")
    swept_at = None if known is None else known.details.get("swept_at")
    return isinstance(swept_at, str) and work.clock() - dt.datetime.fromisoformat(swept_at) < _SWEEP_EVERY


def run_rules(work: Work) -> Mapping[str, object]:
    """Sweep all records, bring the findings up to date, and carry out what mends them."""
    from aurora.compliance.findings import record_sweep
    from aurora.compliance.publishing import publish_rule_packs
    from aurora.compliance.sweep import sweep
    from aurora.compliance.versions import tenant_rulebook
    from aurora.store.lake import read_lake

    book = tenant_rulebook(work.settings.packs_dir, work.paths, work.settings.pack)
    publish_rule_packs(work.paths, book, now=work.clock())
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
        **_followed_up(work, book),
    }


def _followed_up(work: Work, book: Rulebook) -> dict[str, int]:
    """Remedies and breaches. The journal is opened only where there is something to follow up, or was."""
    from aurora.alerts.hands import Hands
    from aurora.compliance.breach_detection import detect_breaches
    from aurora.compliance.breach_rules import breach_rules
    from aurora.compliance.enforcement import remedy_findings
    from aurora.compliance.judging import catch_up
    from aurora.compliance.rulebook import rules_folder
    from aurora.store.lake import read_lake
    from aurora.store.state import StateStore

    with read_lake(work.paths) as lake:
        is_quiet = not lake.query(
            "SELECT (SELECT count(*) FROM raw.finding) + (SELECT count(*) FROM raw.residency_refusal)"
            " + (SELECT count(*) FROM raw.incident WHERE is_personal_breach) AS n"
        ).item()
    if is_quiet and not work.paths.state.is_file():
        return {}
    with StateStore.open(work.paths, clock=work.clock) as store:
        catch_up(work.paths, store)
        done = remedy_findings(work.paths, book, store, Hands(work.paths, store, book), now=work.clock())
        rules = breach_rules(rules_folder(work.settings.packs_dir), book)
        breaches = detect_breaches(work.paths, store, rules, now=work.clock())
    return {
        **{f"remedies_{name}_count": count for name, count in sorted(done.items())},
        "breaches_detected_count": breaches["detected"],
    }
