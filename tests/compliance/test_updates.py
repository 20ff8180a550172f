"""New versions of a tenant's rules: held against examples, versions and dates, tried on history, in force, and back."""

from __future__ import annotations

import datetime as dt
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

from aurora.compliance.rulebook import FOLDER
from aurora.compliance.sweep import sweep
from aurora.compliance.updates import enforce_update, proposed, tried
from aurora.compliance.verdicts import evaluate, record_of
from aurora.compliance.versions import (
    go_back,
    own_rules,
    read_version,
    rules_history,
    tenant_rulebook,
    version_in_force,
)
from aurora.errors import AuroraError, DataError, NotFoundError, NotReadyError
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.compliance import RulesUpdate
from tests.compliance.conftest import UNTIL, fill

PACKS = Settings().packs_dir
NOW = UNTIL + dt.timedelta(days=40)
"""After the packs were checked."""
SOC2 = PACKS / FOLDER / "soc2"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """A lake with incidents closed 1 to 20 days ago without a post-mortem. Its lake is not written to."""
    paths = create_tenant(tmp_path_factory.mktemp("company"), "demo", "ae-dubai")
    create_lake(paths)
    rows = [
        {"incident_id": f"in-{one}", "incident_kind": "outage", "severity": "high" if one % 2 else "low",
         "is_personal_breach": False, "detected_at": NOW - dt.timedelta(days=one + 1),
         "closed_at": NOW - dt.timedelta(days=one), "updated_at": NOW - dt.timedelta(days=one), "source": "pager"}
        for one in range(1, 21)
    ]  # fmt: skip
    fill(paths, {"incident": pl.DataFrame(rows)})
    return paths


@pytest.fixture
def store(company: TenantPaths) -> Iterator[StateStore]:
    """The company's journal, without a version of its own before and after."""
    with StateStore.open(company, clock=lambda: NOW) as opened:
        yield opened
    shutil.rmtree(own_rules(company), ignore_errors=True)
    for file in company.directory.glob("state.sqlite*"):
        file.unlink()


def rule_file(folder: Path, rule_id: str, **changed: object) -> Path:
    """A rule as it is shipped, with changes."""
    name = rule_id.lower().replace("-", "_")
    (shipped,) = (PACKS / FOLDER).glob(f"*/{name}.yaml")
    told = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**told, **changed}), encoding="utf-8")
    return file


NARROWER = {
    "version": 2,
    "violates_when": "closed_at IS NOT NULL AND postmortem_id IS NULL AND severity = 'high'",
    "examples": [
        {"expect": "fail", "given": {"closed_at": "2026-06-10T08:00:00Z", "postmortem_id": None, "severity": "high"}},
        {"expect": "pass", "given": {"closed_at": "2026-06-10T08:00:00Z", "postmortem_id": None, "severity": "low"}},
    ],
}


def looked_at(paths: TenantPaths, given: Path, *, pack: str | None = None) -> RulesUpdate:
    with proposed(PACKS, paths, given, now=NOW, pack=pack) as proposal:
        return tried(paths, proposal, industry="real_estate", now=NOW)


def put(store: StateStore, given: Path, *, pack: str | None = None) -> RulesUpdate:
    with proposed(PACKS, store.paths, given, now=NOW, pack=pack) as proposal:
        update = tried(store.paths, proposal, industry="real_estate", now=NOW)
        return enforce_update(store, proposal, update, actor_id="laila", note="Circular 7", now=NOW)


def broken(paths: TenantPaths, rule_id: str, *, now: dt.datetime = NOW) -> int:
    with read_lake(paths) as lake:
        return sweep(tenant_rulebook(PACKS, paths, "real_estate"), lake, now=now, rule_ids=[rule_id]).hits.height


def test_a_changed_rule_is_tried_on_history_and_nothing_is_in_force(company: TenantPaths, tmp_path: Path):
    found = looked_at(company, rule_file(tmp_path, "SOC2-006", **NARROWER))
    (line,) = found.rules
    assert (line.change, line.old_count, line.new_count, line.gained_count, line.lost_count) == (
        "changed",
        20,
        10,
        0,
        10,
    )
    assert line.lost[0] == "pager in-10"
    assert (found.is_in_force, found.version, found.checked_example_count) == (False, 1, 2)
    assert version_in_force(company) == 0
    assert not own_rules(company).exists()


def test_a_version_in_force_is_what_sweeps_verdicts_and_the_hash_follow_and_going_back_is_one_act(
    store: StateStore, tmp_path: Path
):
    paths = store.paths
    shipped = tenant_rulebook(PACKS, paths, "real_estate").book_hash
    done = put(store, rule_file(tmp_path, "SOC2-006", **NARROWER))
    book = tenant_rulebook(PACKS, paths, "real_estate")
    assert (book.tenant_version, book.rule("SOC2-006").file.version, broken(paths, "SOC2-006")) == (1, 2, 10)
    assert book.book_hash != shipped
    assert done.is_in_force
    low = {"closed_at": "2026-06-10T08:00:00Z", "severity": "low"}
    said = evaluate(book, "incident", record_of(book, "incident", low, where="t"), now=NOW)
    assert next(one.verdict for one in said if one.rule.rule_id == "SOC2-006") == "pass"
    change = go_back(store, PACKS, to=None, actor_id="omar", note="too narrow", now=NOW)
    assert (change.version, change.is_back, change.book_hash) == (0, True, read_version(PACKS, paths, 0).book_hash)
    assert broken(paths, "SOC2-006") == 20
    again = go_back(store, PACKS, to=1, actor_id="omar", note="no, right", now=NOW)
    assert (again.version, broken(paths, "SOC2-006")) == (1, 10)
    assert [one.version for one in rules_history(paths)] == [1, 0, 1]
    assert store.page("rules_change")[0].actor_id == "omar"


def test_there_is_no_way_back_from_nothing_nor_to_what_never_was(store: StateStore, tmp_path: Path):
    with pytest.raises(NotFoundError, match="no earlier version"):
        go_back(store, PACKS, to=None, actor_id="omar", note="x", now=NOW)
    put(store, rule_file(tmp_path, "SOC2-006", **NARROWER))
    with pytest.raises(NotFoundError, match="never had version 7"):
        go_back(store, PACKS, to=7, actor_id="omar", note="x", now=NOW)
    shutil.rmtree(own_rules(store.paths) / "0001")
    with pytest.raises(NotReadyError, match="not on the disk"):
        tenant_rulebook(PACKS, store.paths, None)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({**NARROWER, "version": 1}, "version 1"),
        ({**NARROWER, "examples": [*NARROWER["examples"], {"expect": "pass", "given": {"closed_at": "2026-06-10T08:00:00Z", "severity": "high"}}]}, "verdict is fail, but pass"),
        ({**NARROWER, "violates_when": "closed_on IS NULL"}, "closed_on"),
        ({**NARROWER, "effective_from": "2001-01-01"}, "would begin on 2001-01-01"),
        ({**NARROWER, "effective_to": "2002-01-01", "effective_from": "2024-01-01"}, "not after effective_from"),
        ({}, "changes nothing"),
    ],
)  # fmt: skip
def test_a_version_that_does_not_hold_is_refused(company: TenantPaths, tmp_path: Path, changed: dict, says: str):
    with pytest.raises(DataError, match=says):
        looked_at(company, rule_file(tmp_path, "SOC2-006", **changed))


def test_a_rule_that_begins_later_leaves_the_one_before_in_force_until_then(store: StateStore, tmp_path: Path):
    begins = (NOW + dt.timedelta(days=10)).date()
    update = put(store, rule_file(tmp_path, "SOC2-006", **NARROWER, effective_from=begins.isoformat()))
    assert (update.rules[0].lost_count, update.lost_count) == (10, 10)  # as if it had begun
    assert broken(store.paths, "SOC2-006") == 20
    assert broken(store.paths, "SOC2-006", now=NOW + dt.timedelta(days=10)) == 10
    assert tenant_rulebook(PACKS, store.paths, None).rule("SOC2-006").file.version == 2


def test_parameters_of_a_pack_are_changed_by_name_and_keep_what_was_changed_before(store: StateStore, tmp_path: Path):
    for name, value in (("freeze_due_hours", 12), ("retention_mend_days", 31)):
        file = tmp_path / "given.yaml"
        one = {"type": "int", "value": value, "meaning": "Ours.", "source": "Board", "as_of": "2026-11-26"}
        file.write_text(yaml.safe_dump({"parameters": {name: one}}), encoding="utf-8")
        with pytest.raises(AuroraError, match="does not say to which rule pack"):
            looked_at(store.paths, file)
        put(store, file, pack="uae_aml")
    book = tenant_rulebook(PACKS, store.paths, None)
    assert book.pack("uae_aml").parameters["retention_mend_days"].value == 31
    assert book.rule("AML-009").clock_value == 12
    assert len(book.pack("uae_aml").parameters) == len(read_version(PACKS, store.paths, 0).pack("uae_aml").parameters)


def test_a_whole_pack_comes_as_folder_or_zip_and_its_version_must_grow(store: StateStore, tmp_path: Path):
    folder = tmp_path / "soc2"
    shutil.copytree(SOC2, folder)
    (folder / "soc2_006.yaml").unlink()
    with pytest.raises(DataError, match="loses SOC2-006"):
        looked_at(store.paths, folder)
    head = folder / "pack.yaml"
    known = yaml.safe_load(head.read_text(encoding="utf-8"))
    grown = ".".join([str(int(known["version"].split(".")[0]) + 1), "0", "0"])
    head.write_text(yaml.safe_dump({**known, "version": grown}), encoding="utf-8")
    packed = tmp_path / "soc2.zip"
    with zipfile.ZipFile(packed, "w") as out:
        for file in folder.glob("*.yaml"):
            out.write(file, f"soc2/{file.name}")
    update = put(store, packed)
    assert f"soc2 {known['version']} -> {grown}" in update.changed
    assert "removed SOC2-006" in update.changed
    assert update.lost_count == 20
    book = tenant_rulebook(PACKS, store.paths, None)
    assert "SOC2-006" not in {rule.rule_id for rule in book.rules}
    assert book.pack("soc2").file.version == grown


@pytest.mark.parametrize("member", ["../outside.yaml", "/outside.yaml"])
def test_a_zip_cannot_leave_its_folder(company: TenantPaths, tmp_path: Path, member: str):
    packed = tmp_path / "bad.zip"
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr(member, "binds: {}")
    with pytest.raises(AuroraError, match="leaves its folder"):
        looked_at(company, packed)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 1\n", "no mapping"),
        ("a: [", "no YAML"),
        ("name: x\n", "neither rule_id"),
        ("binds: {regimes: [mars]}", "mars"),
    ],
)
def test_what_is_no_rule_is_refused(company: TenantPaths, tmp_path: Path, text: str, says: str):
    file = tmp_path / "given.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AuroraError, match=says):
        looked_at(company, file)


def test_a_tenant_says_which_law_binds_it_and_what_its_sources_carry(store: StateStore, tmp_path: Path):
    file = tmp_path / "coverage.yaml"
    told = {
        "binds": {"regimes": ["soc2", "aml"], "jurisdictions": ["AE"]},
        "sources": {
            "pager": {"because": "It knows no post-mortems.", "carries": {"incident": ["incident_kind", "closed_at"]}}
        },
    }
    file.write_text(yaml.safe_dump(told), encoding="utf-8")
    update = put(store, file)
    assert update.changed[:2] == ["coverage of sources", "binds soc2, aml in AE"]
    book = tenant_rulebook(PACKS, store.paths, "real_estate")
    assert {pack.file.regime for pack in book.packs} == {"soc2", "aml"}
    assert {rule.file.jurisdiction for rule in book.rules} <= {"any", "AE"}
    assert broken(store.paths, "SOC2-006") == 0  # the source's silence is no breach
    assert {one.rule_id: one.lost_count for one in update.rules}["SOC2-006"] == 20


def test_another_version_that_came_first_wins(store: StateStore, tmp_path: Path):
    with proposed(PACKS, store.paths, rule_file(tmp_path, "SOC2-006", **NARROWER), now=NOW) as mine:
        update = tried(store.paths, mine, industry="real_estate", now=NOW)
        put(store, rule_file(tmp_path, "SOC2-006", **NARROWER, title="Another title"))
        with pytest.raises(AuroraError, match="another version"):
            enforce_update(store, mine, update, actor_id="omar", note="mine", now=NOW)
    assert len(rules_history(store.paths)) == 1
