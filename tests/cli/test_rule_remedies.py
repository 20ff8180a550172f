"""`aurora rules`: enforce, remedies, complete, holds, release, update, history, back; and `aurora breach`."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from aurora.settings import Settings
from aurora.store.lake import create_lake
from aurora.store.paths import create_tenant
from tests.compliance.conftest import fill

RULES = Settings().packs_dir / "_rules"
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with an incident that was closed without a post-mortem and a deal without the developer's word."""
    folder = tmp_path_factory.mktemp("remedied")
    paths = create_tenant(folder, "demo", "ae-dubai")
    create_lake(paths)
    stamp = {"updated_at": NOW - dt.timedelta(days=2), "source": "desk", "is_sample": False}
    incident = {
        "incident_id": "in-1", "incident_kind": "breach", "severity": "high", "is_personal_breach": True,
        "jurisdiction": "AE", "detected_at": NOW - dt.timedelta(days=5), "closed_at": NOW - dt.timedelta(days=3), **stamp,
    }  # fmt: skip
    deal = {"deal_id": "D-7", "deal_stage": "transfer", "noc_id": None, **stamp}
    fill(paths, {"incident": pl.DataFrame([incident]), "deal": pl.DataFrame([deal])})
    return folder


@pytest.fixture
def company(aurora, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A copy of it; what `aurora` gives runs there."""
    shutil.copytree(home, tmp_path / "data")
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    return aurora


def test_a_rule_is_enforced_and_its_hold_released(company):
    dry = company("rules", "enforce", "DLD-007", "--json").json()
    assert (dry["is_dry_run"], dry["remedies"]) == (True, {"hold: would be held": 1})
    assert company("rules", "holds").out == "Nothing is on hold.\n"
    assert company("rules", "enforce", "DLD-007", "--yes", "--json").json()["remedies"] == {"done": 1}
    (hold,) = company("rules", "holds", "--json").json()["holds"]
    assert (hold["about_id"], hold["hold_kind"]) == ("D-7", "hold")
    (found,) = company("rules", "findings", "--rule", "DLD-007", "--json").json()["findings"]
    assert [(one["act"], one["state"]) for one in found["remedies"]] == [("hold", "done")]
    assert "hold done" in company("rules", "findings", "--rule", "DLD-007").out
    assert company("rules", "release", hold["hold_id"], "--because", "It came.").code == 0
    assert company("rules", "release", hold["hold_id"], "--because", "It came.").code == 3
    assert company("rules", "release", "hld-none", "--because", "It came.").code == 5


def test_a_task_stands_in_the_to_do_list_until_it_is_done(company):
    company("rules", "enforce", "SOC2-006", "--yes")
    (task,) = company("rules", "remedies", "--act", "task", "--json").json()["remedies"]
    assert (task["remedy_state"], task["rule_id"]) == ("waiting", "SOC2-006")
    assert company("rules", "remedies", "--role", "nobody", "--json").json()["remedies"] == []
    assert company("rules", "complete", task["remedy_id"], "--because", "Written.", "--actor", "omar").code == 0
    assert company("rules", "remedies").out.startswith("No remedy is open.")
    (done,) = company("rules", "remedies", "--state", "all", "--json").json()["remedies"]
    assert (done["remedy_state"], done["actor_id"]) == ("done", "omar")


def test_how_often_a_rule_was_wrong_stands_below_findings_and_posture(company):
    company("rules", "sweep", "--rule", "DLD-007")
    (found,) = company("rules", "findings", "--json").json()["findings"]
    company("rules", "judge", found["finding_id"], "--as", "false_positive", "--because", "paper file")
    (wrong,) = company("rules", "findings", "--json").json()["false_positives"]
    assert (wrong["rule_id"], wrong["false_positive_count"], wrong["judged_count"]) == ("DLD-007", 1, 1)
    assert (wrong["low"], wrong["high"]) == (0.2065, 1.0)
    assert company("rules", "posture", "--json").json()["false_positives"] == [wrong]
    assert "DLD-007" in company("rules", "posture").out


def test_a_changed_rule_is_tried_put_in_force_and_taken_back(company, tmp_path: Path):
    file = tmp_path / "dld_007.yaml"
    told = yaml.safe_load((RULES / "dld" / "dld_007.yaml").read_text(encoding="utf-8"))
    narrower = {**told, "version": 2, "violates_when": "deal_stage = 'closed' AND noc_id IS NULL",
                "examples": [{"expect": "fail", "given": {"deal_stage": "closed"}},
                             {"expect": "pass", "given": {"deal_stage": "transfer"}}]}  # fmt: skip
    file.write_text(yaml.safe_dump(narrower), encoding="utf-8")
    tried = company("rules", "update", str(file), "--json").json()
    assert (tried["is_in_force"], tried["gained_count"], tried["lost_count"]) == (False, 0, 1)
    assert "1 would close" in company("rules", "update", str(file)).out
    assert company("rules", "update", str(file), "--yes").code == 2  # no reason
    assert company("rules", "update", str(file), "--yes", "--because", "Circular 7").code == 0
    assert "deal_stage = 'closed'" in company("rules", "show", "DLD-007").out
    assert company("rules", "sweep", "--rule", "DLD-007", "--json").json()["broken"] == 0
    assert company("rules", "history", "--json").json()["version"] == 1
    assert "--yes puts version 0 in force" in company("rules", "back").out
    assert company("rules", "back", "--yes").out == "Version 0 is in force.\n"
    assert company("rules", "sweep", "--rule", "DLD-007", "--json").json()["broken"] == 1
    file.write_text("nothing", encoding="utf-8")
    assert company("rules", "update", str(file)).code == 2


def test_a_lake_of_an_older_release_is_upgraded_or_says_what_to_do(company, tmp_path: Path):
    from aurora.store.lake import write_lake
    from aurora.store.paths import tenant_paths

    paths = tenant_paths(tmp_path / "data", "demo")
    write_lake(paths, "raw", lambda lake: lake.execute("DROP TABLE raw.finding"), author="t", message="older")
    told = company("rules", "findings")
    assert (told.code, "rules sweep" in told.err) == (6, True)
    assert company("rules", "posture").code == 6
    assert company("rules", "sweep", "--rule", "DLD-007", "--json").json()["broken"] == 1
    assert len(company("rules", "findings", "--json").json()["findings"]) == 1


def test_a_breach_is_noticed_assessed_told_and_closed(company):
    assert company("breach", "detect", "--json").json()["detected"] == 1
    (case,) = company("breach", "list", "--json").json()["breaches"]
    name = case["breach_id"]
    assert (case["breach_state"], case["is_overdue"]) == ("detected", True)
    assert "UAE Data Office" in company("breach", "show", name).out
    assert company("breach", "close", name, "--because", "over").code == 3
    assert company("breach", "notify", name, "--because", "told").code == 2
    company("breach", "assess", name, "--breach", "yes", "--high-risk", "no", "--people", "3", "--because", "mailbox")
    company("breach", "notify", name, "--authority", "ae_data_office", "--reference", "N-1", "--because", "portal")
    told = company("breach", "notify", name, "--subjects", "--because", "letters", "--json").json()
    assert told["breach_state"] == "notified_subjects"
    assert company("breach", "close", name, "--because", "over").code == 0
    assert company("breach", "list").out.startswith("No breach is open.")
    assert len(company("breach", "list", "--all", "--json").json()["breaches"]) == 1
