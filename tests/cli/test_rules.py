"""`aurora rules`: list, show, test, sweep, diff, check, findings, judge, posture."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from aurora.settings import Settings
from aurora.store.lake import create_lake
from aurora.store.paths import create_tenant
from tests.compliance.conftest import UNTIL, fill

RULES = Settings().packs_dir / "_rules"


@pytest.fixture
def tenant(aurora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company with one broker whose card has expired; named after what `aurora` names."""
    assert aurora
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    paths = create_tenant(tmp_path / "data", "demo", "ae-dubai")
    create_lake(paths)
    broker = {
        "broker_id": "B-1",
        "party_id": "P-1",
        "is_acting": True,
        "brn": "77",
        "brn_expiry_date": UNTIL.date(),
        "source": "hr",
    }
    fill(paths, {"broker": pl.DataFrame([broker])})


def test_rules_are_listed_shown_and_tested(aurora):
    listed = aurora("rules", "list", "--pack", "uae_aml", "--json").json()
    assert len(listed["rules"]) == 22
    assert listed["rules"][12]["source"] == "K (to be verified)"
    assert "frozen_at IS NOT NULL" in aurora("rules", "show", "AML-010").out
    assert aurora("rules", "test", "--json").json() == {"rules": 144, "examples": 288, "faults": []}
    assert aurora("rules", "show", "AML-999").code == 5


def test_an_example_that_does_not_hold_fails_the_test(aurora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(RULES, tmp_path / "packs" / "_rules")
    file = tmp_path / "packs" / "_rules" / "rera" / "rera_007.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("expect: fail", "expect: unknown"), encoding="utf-8")
    monkeypatch.setenv("AURORA_PACKS_DIR", str(tmp_path / "packs"))
    assert aurora("rules", "test", "RERA-007").code == 3


@pytest.mark.usefixtures("tenant")
def test_a_sweep_finds_a_person_judges_and_posture_follows(aurora):
    dry = aurora("rules", "sweep", "--dry-run", "--json").json()
    assert (dry["is_dry_run"], dry["opened"]) == (True, 1)
    assert "Nothing" not in aurora("rules", "sweep").out
    (found,) = aurora("rules", "findings", "--json").json()["findings"]
    assert (found["rule_id"], found["about_id"]) == ("RERA-009", "B-1")
    rows = {row["regime"]: row["posture"] for row in aurora("rules", "posture", "--json").json()["regimes"]}
    assert rows["rera"] == "non_compliant"
    assert aurora("rules", "judge", found["finding_id"], "--as", "accepted", "--because", "renewed today").code == 0
    assert aurora("rules", "findings", "--json").json()["findings"] == []


@pytest.mark.usefixtures("tenant")
def test_a_change_says_which_findings_it_loses(aurora, tmp_path: Path):
    old = tmp_path / "old"
    shutil.copytree(RULES, old)
    file = old / "rera" / "rera_009.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("is_acting AND", "NOT is_acting AND"), encoding="utf-8")
    (change,) = aurora("rules", "diff", str(old), "--json").json()["changes"]
    assert (change["fields"], change["gained"], change["lost"]) == ("violates_when", 1, 0)
    assert aurora("rules", "diff", str(RULES)).out == "The rules are the same.\n"
    assert aurora("rules", "diff", str(tmp_path)).code == 2


def test_a_pack_that_nobody_checked_for_a_week_is_told(aurora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(RULES, tmp_path / "packs" / "_rules")
    for file in (tmp_path / "packs" / "_rules").glob("*/pack.yaml"):
        text = file.read_text(encoding="utf-8")
        year = "2020" if file.parent.name == "dld" else "2999"
        file.write_text(text.replace("checked_at: 2026", f"checked_at: {year}"), encoding="utf-8")
    monkeypatch.setenv("AURORA_PACKS_DIR", str(tmp_path / "packs"))
    told = aurora("rules", "check")
    assert told.code == 4
    assert "dld" in told.err
    assert "aurora rules reviewed PACK" in told.err
    assert aurora("rules", "reviewed", "--against", "Gazette 812").code == 2
    done = aurora("rules", "reviewed", "dld", "--against", "Gazette 812", "--actor", "laila", "--json").json()
    assert [(one["rule_pack"], one["actor_id"]) for one in done] == [("dld", "laila")]
    assert aurora("rules", "check").code == 0
