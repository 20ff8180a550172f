"""Evidence packs: what they hold, what they leave out, and that a change of any byte is told, with and without Aurora."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aurora.errors import DataError, NotFoundError, PermissionDeniedError, UsageError
from aurora.filings.book import approve, find_filing
from aurora.filings.evidence_pack import make_pack, verify_pack
from aurora.identity.keys import Identity
from contracts.messages.filings import EvidenceRequest
from tests.filings.sale import NOW, who

AMAL = who("person:amal")
OUTSIDER = who("person:amal", without=("suspicion:read",))


@pytest.fixture
def packed(store, paths, book, tmp_path):
    """Makes a pack and writes it; returns its file and its files."""

    def made(identity: Identity = AMAL, **about: str) -> tuple[Path, dict[str, bytes]]:
        pack = make_pack(store, paths, book, EvidenceRequest(**about), identity=identity, now=NOW)
        file = tmp_path / "pack.zip"
        file.write_bytes(pack.body)
        with zipfile.ZipFile(file) as opened:
            return file, {name: opened.read(name) for name in opened.namelist()}

    return made


def test_a_pack_about_a_deal_holds_findings_rules_sweeps_approvals_and_proofs(packed, in_review, store, paths):
    filing = in_review
    approve(store, paths, filing.filing_id, content_hash=filing.content_hash, identity=AMAL, now=NOW)
    file, files = packed(deal_id="D-1")
    found = {one["rule_id"] for one in json.loads(files["findings.json"])}
    assert found == {"AML-002", "RERA-005"}
    rules = {one["rule"]["rule_id"]: one for one in json.loads(files["rules.json"])}
    assert rules["AML-002"]["rule"]["violates_when"].startswith("is_freehold")
    assert rules["AML-002"]["parameters"]["rear_cash_threshold_aed"]["value"] == 55000
    assert {one["rule_id"] for one in json.loads(files["sweeps.json"])} == found
    (draft,) = json.loads(files["drafts.json"])
    assert (draft["state"], draft["approved_by"]) == ("approved", "person:amal")
    assert f"drafts/{filing.filing_id}.html" in files
    proofs = {one["record_id"] for one in json.loads(files["proofs.json"])}
    assert {filing.filing_id, f"{filing.filing_id}.2"} <= proofs
    assert b"Evidence pack: deal D-1" in files["summary.html"]
    report = verify_pack(file, paths)
    assert (report.is_valid, report.is_signed, report.is_journaled) == (True, True, True)


def test_the_manifest_names_every_file_the_snapshots_and_the_rules(packed, book):
    _, files = packed(regime="rera")
    manifest = json.loads(files["manifest.json"])
    assert {one["path"] for one in manifest["files"]} == set(files) - {"manifest.json"}
    assert manifest["rulebook_sha256"] == book.book_hash
    assert manifest["raw_snapshot_id"] > 0
    assert manifest["counts"]["findings"] == 1
    assert manifest["counts"]["rules"] == len([one for one in book.rules if one.pack.regime == "rera"])


def test_protected_and_personal_values_stay_out(packed):
    _, files = packed(deal_id="D-1")
    everything = b"".join(files.values())
    for secret in (b"Farsi", b"enc1:", b"p-buyer", b"funds came by three accounts"):
        assert secret not in everything, secret


def test_suspicions_are_only_in_packs_of_those_who_may_know(packed, make):
    make("str", "S-1")
    _, files = packed(regime="aml")
    assert {"AML-002", "AML-007", "AML-011"} == {one["rule_id"] for one in json.loads(files["findings.json"])}
    assert len(json.loads(files["drafts.json"])) == 1
    _, files = packed(OUTSIDER, regime="aml")
    assert {"AML-002"} == {one["rule_id"] for one in json.loads(files["findings.json"])}
    assert json.loads(files["drafts.json"]) == []
    assert b"AML-007" not in b"".join(files.values())


def test_a_finding_about_a_suspicion_is_not_there_for_others(packed):
    _, files = packed(regime="aml")
    findings = {one["rule_id"]: one["finding_id"] for one in json.loads(files["findings.json"])}
    _, files = packed(finding_id=findings["AML-007"])
    assert len(json.loads(files["findings.json"])) == 1
    with pytest.raises(NotFoundError):
        packed(OUTSIDER, finding_id=findings["AML-007"])


@pytest.mark.parametrize(
    ("about", "error"),
    [
        ({}, UsageError),
        ({"regime": "aml", "deal_id": "D-1"}, UsageError),
        ({"regime": "mars"}, NotFoundError),
        ({"deal_id": "D-9"}, NotFoundError),
        ({"finding_id": "fnd-0"}, NotFoundError),
    ],
)
def test_a_pack_is_about_one_thing_that_is_there(packed, about, error):
    with pytest.raises(error):
        packed(**about)


def test_a_pack_needs_its_scope(packed):
    with pytest.raises(PermissionDeniedError):
        packed(who(without=("filing:read",)), regime="aml")


@pytest.fixture
def in_review(reviewed, store):
    """The REAR that waits for another person."""
    return find_filing(store, reviewed[1], who())


def _rewrite(file: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as pack:
        for name, body in files.items():
            pack.writestr(name, body)


@pytest.mark.usefixtures("in_review")
def test_any_change_is_told_by_aurora_and_by_the_verifier_in_the_pack(packed, paths, tmp_path):
    file, files = packed(deal_id="D-1")
    assert json.loads(files["proofs.json"])
    script = tmp_path / "verify.py"
    script.write_bytes(files["verify.py"])

    def checked() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", str(script), str(file)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    assert checked() == (0, "Every file and proof of the pack holds.\n")
    _rewrite(file, {**files, "findings.json": b"[]"})
    assert checked() == (1, "findings.json was changed\n")
    _rewrite(file, {name: body for name, body in files.items() if name != "rules.json"})
    assert checked() == (1, "rules.json is missing\n")
    _rewrite(file, {**files, "more.txt": b"x"})
    assert "not in the manifest" in checked()[1]
    assert not verify_pack(file, paths).is_valid


@pytest.mark.usefixtures("in_review")
def test_a_record_that_was_never_sealed_is_told_even_with_a_new_manifest(packed, paths):
    file, files = packed(deal_id="D-1")
    proofs = json.loads(files["proofs.json"])
    proofs[0]["leaf_index"] += 1
    forged = _with_manifest({**files, "proofs.json": json.dumps(proofs).encode()})
    _rewrite(file, forged)
    report = verify_pack(file, paths)
    assert any("not in the signed log" in one for one in report.problems)
    assert report.is_journaled is False


def test_a_pack_changed_together_with_its_manifest_is_told_by_the_journal(packed, paths):
    file, files = packed(deal_id="D-1")
    _rewrite(file, _with_manifest({**files, "findings.json": b"[]"}))
    report = verify_pack(file, paths)
    assert (report.problems, report.is_journaled, report.is_valid) == ((), False, False)
    assert verify_pack(file, None).is_journaled is None


def _with_manifest(files: dict[str, bytes]) -> dict[str, bytes]:
    import hashlib

    manifest = json.loads(files["manifest.json"])
    for one in manifest["files"]:
        one["sha256"] = hashlib.sha256(files[one["path"]]).hexdigest()
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def test_what_is_no_pack_is_refused(tmp_path):
    file = tmp_path / "x.zip"
    file.write_bytes(b"no zip")
    with pytest.raises(DataError, match="no evidence pack"):
        verify_pack(file, None)
