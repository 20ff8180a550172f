"""Findings over time: each once, remediated when gone, open again when back; posture follows from them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from aurora.compliance.differences import back_test, rule_changes
from aurora.compliance.enforcement import enforce
from aurora.compliance.findings import Changes, judge_finding, list_findings, record_sweep
from aurora.compliance.posture import posture_by_assistant, posture_by_regime, posture_of
from aurora.compliance.remedies import REQUEST as KIND
from aurora.compliance.rulebook import FOLDER, Rulebook, read_rulebook
from aurora.compliance.sweep import sweep
from aurora.errors import ConflictError, NotFoundError
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.lake import latest_snapshot, read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from tests.compliance.conftest import UNTIL, fill

HOUR = dt.timedelta(hours=1)
RULE = "RERA-007"


def run(paths: TenantPaths, book: Rulebook, *, now: dt.datetime = UNTIL, rules: list[str] | None = None) -> Changes:
    with read_lake(paths) as lake:
        swept = sweep(book, lake, now=now, rule_ids=rules)
    return record_sweep(paths, swept)


def mend(paths: TenantPaths, *, form_u_id: str | None, at: dt.datetime) -> None:
    """Newer states of the listings that break RERA-007."""
    with read_lake(paths) as lake:
        rows = lake.query(
            "SELECT * FROM raw.listing WHERE is_form_a_cancelled AND (form_u_id IS NULL OR form_u_id = 'FU-9')"
        )
    newest = rows.sort("updated_at").group_by("listing_id").last().select(rows.columns)
    fill(paths, {"listing": newest.with_columns(pl.lit(form_u_id).alias("form_u_id"), pl.lit(at).alias("updated_at"))})


def test_a_second_sweep_writes_nothing(own: TenantPaths, book: Rulebook):
    first = run(own, book)
    assert first.opened_count == first.open_count > 140
    snapshot = latest_snapshot(own, "raw")
    again = run(own, book)
    assert (again.opened_count, again.remediated_count, again.changed_count) == (0, 0, 0)
    assert latest_snapshot(own, "raw") == snapshot


def test_a_finding_is_remediated_when_it_is_gone_and_opens_again_when_it_is_back(own: TenantPaths, book: Rulebook):
    opened = run(own, book, rules=[RULE]).opened_count
    assert opened
    mend(own, form_u_id="FU-9", at=UNTIL + HOUR)
    assert run(own, book, now=UNTIL + 2 * HOUR, rules=[RULE]).remediated_count == opened
    with read_lake(own) as lake:
        (gone, *_) = list_findings(lake, states=["remediated"])
    assert gone["resolved_at"] == UNTIL + 2 * HOUR
    mend(own, form_u_id=None, at=UNTIL + 3 * HOUR)
    back = run(own, book, now=UNTIL + 4 * HOUR, rules=[RULE])
    assert (back.opened_count, back.reopened_count) == (0, opened)
    with read_lake(own) as lake:
        (again, *_) = list_findings(lake)
    assert (again["found_at"], again["resolved_at"]) == (UNTIL + 4 * HOUR, None)


def test_what_a_person_said_holds_while_the_record_breaks_the_rule(own: TenantPaths, book: Rulebook):
    run(own, book, rules=[RULE])
    with read_lake(own) as lake:
        name = list_findings(lake)[0]["finding_id"]
    judge_finding(own, name, "false_positive", actor_id="person-0003", note="another form", now=UNTIL)
    assert run(own, book, now=UNTIL + HOUR, rules=[RULE]).opened_count == 0
    with read_lake(own) as lake:
        assert [one["finding_id"] for one in list_findings(lake, states=["false_positive"])] == [name]
    mend(own, form_u_id="FU-9", at=UNTIL + HOUR)
    run(own, book, now=UNTIL + 2 * HOUR, rules=[RULE])
    with pytest.raises(ConflictError, match="remediated"):
        judge_finding(own, name, "accepted", actor_id="person-0003", note="late", now=UNTIL + 3 * HOUR)
    with pytest.raises(NotFoundError):
        judge_finding(own, "fnd-none", "accepted", actor_id="person-0003", note="what", now=UNTIL)


def test_findings_of_a_rule_that_was_dropped_are_over_after_a_whole_sweep(own: TenantPaths, book: Rulebook):
    run(own, book)
    smaller = replace(book, packs=tuple(pack for pack in book.packs if pack.file.rule_pack != "tenancy"))
    gone = run(own, smaller, now=UNTIL + HOUR)
    assert gone.remediated_count == sum(rule.pack.rule_pack == "tenancy" for rule in book.rules) + 1  # TEN-004 has two


def test_posture_follows_from_findings(own: TenantPaths, book: Rulebook):
    with read_lake(own) as lake:
        before = {row["regime"]: row["posture"] for row in posture_by_regime(book, lake, now=UNTIL)}
    assert set(before.values()) == {"pending_review"}  # nothing was judged yet
    run(own, book)
    stale = book.packs[0].file.checked_at + dt.timedelta(days=8)
    with read_lake(own) as lake:
        rows = {row["regime"]: row for row in posture_by_regime(book, lake, now=UNTIL)}
        late = posture_by_regime(book, lake, now=stale)
        assistants = {row["assistant_id"]: row for row in posture_by_assistant(lake, now=UNTIL)}
    assert rows["aml"]["posture"] == "non_compliant"
    assert rows["aml"]["critical_count"] > 0
    assert all(row["is_stale"] for row in late)
    assert any(row["open_count"] for row in assistants.values())


@pytest.mark.parametrize(
    ("counts", "is_known", "posture"),
    [
        ((0, 0, 0), True, "compliant"),
        ((0, 0, 0), False, "pending_review"),
        ((2, 0, 0), True, "pending_review"),
        ((2, 1, 0), True, "non_compliant"),
        ((2, 0, 1), True, "non_compliant"),
    ],
)
def test_the_worst_open_finding_makes_the_posture(counts: tuple[int, int, int], is_known: bool, posture: str):
    opened, critical, overdue = counts
    found = posture_of(open_count=opened, critical_count=critical, overdue_count=overdue, is_known=is_known)
    assert found == posture


def test_enforcing_asks_once_for_what_mends_a_finding(own: TenantPaths, book: Rulebook):
    dry = enforce(own, book, "aml-002", actor_id="laila", now=UNTIL, store=None)
    assert dry.is_dry_run
    assert dry.requested_count == dry.broken_count == dry.opened_count > 0
    assert set(dry.acts) == {"report_draft", "task"}
    with read_lake(own) as lake:
        assert not list_findings(lake)
    with StateStore.open(own, clock=lambda: UNTIL) as store:
        done = enforce(own, book, "AML-002", actor_id="laila", now=UNTIL, store=store)
        again = enforce(own, book, "AML-002", actor_id="laila", now=UNTIL + HOUR, store=store)
    assert (done.requested_count, again.requested_count, again.opened_count) == (dry.requested_count, 0, 0)
    with StateReader(own) as state:
        assert len(state.page(KIND)) == done.requested_count


def test_a_changed_rule_is_tried_on_history_before_it_goes_live(own: TenantPaths, book: Rulebook, tmp_path):
    import shutil

    folder = tmp_path / FOLDER
    shutil.copytree(Settings().packs_dir / FOLDER, folder)
    params = folder / "uae_aml" / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("value: 55000", "value: 60000"), encoding="utf-8")
    title = folder / "rera" / "rera_007.yaml"
    title.write_text(
        title.read_text(encoding="utf-8")
        .replace("title: ", "title: Still: ", 1)
        .replace("title: Still: Form U ends a Form A", "title: Another title"),
        encoding="utf-8",
    )
    (folder / "dld" / "dld_007.yaml").unlink()
    new = read_rulebook(folder)
    changes = {one.rule_id: one for one in rule_changes(book, new)}
    assert set(changes) == {"AML-002", "AML-006", "RERA-007", "DLD-007"}
    assert changes["AML-002"].fields == ("parameters",)
    assert not changes["RERA-007"].moves_verdicts
    with read_lake(own) as lake:
        tests = {one.rule_id: one for one in back_test(lake, book, new, changes.values(), now=UNTIL)}
    assert (len(tests["AML-002"].gained), len(tests["AML-002"].lost)) == (0, 1)
    assert tests["DLD-007"].new_count == 0
    assert set(tests) == {"AML-002", "AML-006", "DLD-007"}


def test_records_of_a_silent_source_are_counted_as_unknown(own: TenantPaths, book: Rulebook):
    with read_lake(own) as lake:
        deal = lake.query("SELECT * FROM raw.deal LIMIT 1").with_columns(
            deal_id=pl.lit("SALE-1"), source=pl.lit("funnel"), source_of_funds=pl.lit(None, dtype=pl.String)
        )
        before = sweep(book, lake, now=UNTIL, rule_ids=["AML-016"]).figures.to_dicts()[0]
    fill(own, {"deal": deal})
    with read_lake(own) as lake:
        after = sweep(book, lake, now=UNTIL, rule_ids=["AML-016"]).figures.to_dicts()[0]
    assert after["broken_count"] == before["broken_count"]
    assert after["unknown_count"] == before["unknown_count"] + 1
