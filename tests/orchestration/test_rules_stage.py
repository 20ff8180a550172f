"""The stage of rules: findings, their remedies and breaches in one go, and nothing at all the second time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest

from aurora.compliance.holds import read_holds
from aurora.compliance.versions import own_rules
from aurora.store.connection import latest_snapshot
from aurora.store.journal import StateReader
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import RulesChange
from orchestration.stages import JOURNAL, RULES, is_fresh, run_stage
from orchestration.work import Work
from tests.compliance.conftest import fill
from tests.dbt.company import NOW


@pytest.fixture
def broken(empty: TenantPaths) -> TenantPaths:
    """A deal that breaks a rule, and an incident that is a breach."""
    stamp = {"updated_at": NOW - dt.timedelta(days=1), "source": "desk", "is_sample": False}
    deal = {"deal_id": "D-7", "deal_stage": "transfer", "noc_id": None, **stamp}
    incident = {"incident_id": "in-1", "incident_kind": "breach", "severity": "high", "is_personal_breach": True,
                "jurisdiction": "AE", "detected_at": NOW - dt.timedelta(hours=9), **stamp}  # fmt: skip
    fill(empty, {"deal": pl.DataFrame([deal]), "incident": pl.DataFrame([incident])})
    return empty


def test_a_build_carries_out_remedies_and_notices_breaches_and_is_fresh_afterwards(
    broken: TenantPaths, work_of: Callable[[TenantPaths], Work]
):
    work = work_of(broken)
    assert run_stage(JOURNAL, work)[0] == "built"
    outcome, record = run_stage(RULES, work)
    assert (outcome, record.details["breaches_detected_count"]) == ("built", 1)
    assert record.details["remedies_done_count"] >= 1
    with StateReader(broken) as state:
        assert "D-7" in {one.about_id for one in read_holds(state)}
    with read_lake(broken) as lake:
        assert lake.query("SELECT breach_state FROM raw.breach_case")["breach_state"].to_list() == ["detected"]
        packs = lake.query("SELECT rule_pack_id, rule_count FROM raw.rule_pack WHERE source = 'aurora'").rows()
    assert dict(packs)["uae_aml"] == 22
    assert is_fresh(RULES, work)
    assert is_fresh(JOURNAL, work)
    snapshot = latest_snapshot(broken, "raw")
    RULES.run(work)
    assert latest_snapshot(broken, "raw") == snapshot


def test_a_version_of_the_tenants_own_makes_the_stage_stale(
    broken: TenantPaths, work_of: Callable[[TenantPaths], Work]
):
    work = work_of(broken)
    run_stage(RULES, work)
    folder = own_rules(broken) / "0001"
    folder.mkdir(parents=True)
    (folder / "coverage.yaml").write_text("binds: {regimes: [soc2]}\n", encoding="utf-8")
    change = RulesChange(
        change_id="rlc-000001", version=1, previous_version=0, is_back=False, changed=[], book_hash_before="",
        book_hash="", gained_count=0, lost_count=0, note="only one", actor_id="laila", recorded_at=NOW,
    )  # fmt: skip
    from aurora.compliance.versions import _say

    with StateStore.open(broken, clock=work.clock) as store:
        _say(store, change)
    assert not is_fresh(RULES, work)
    _, record = run_stage(RULES, work)
    assert record.details["remediated_count"] >= 1  # what no longer binds is no finding


def test_a_quiet_company_gets_no_journal_from_the_stage(empty: TenantPaths, work_of: Callable[[TenantPaths], Work]):
    for file in empty.directory.glob("state.sqlite*"):
        file.unlink()
    work = work_of(empty)
    assert run_stage(RULES, work)[0] == "built"
    assert not empty.state.exists()
