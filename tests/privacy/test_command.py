"""`aurora privacy`: report, reveal, erase, as a person at the command line meets them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.bootstrap import prepare_tenant
from apps.cli import main
from aurora.settings import Settings
from tests.privacy.conftest import Crm

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def crm_of_owner(tmp_path: Path) -> Crm:
    """A tenant as the first start leaves it, with one party."""
    crm = Crm(prepare_tenant(Settings(data_dir=tmp_path), progress=lambda _: None).paths)
    row = {"party_id": "P-1", "party_kind": "natural", "phone": "0501234567", "updated_at": "2026-09-02T10:00:00Z"}
    crm.bring("party", [row, {**row, "party_id": "P-2", "region": "us-east-1"}])
    return crm


@pytest.fixture
def aurora(crm_of_owner: Crm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("AURORA_DATA_DIR", str(crm_of_owner.paths.data_dir))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aurora", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_report_tells_what_came_in_and_who_sent_what_was_refused(aurora: Run):
    code, out, _ = aurora("privacy", "report", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["keys"] == {"living": 1, "destroyed": 0}
    assert {"phone:encrypted", "phone_token:tokenised"} <= {
        f"{row['column_name']}:{row['privacy_action']}" for row in told["findings"]
    }
    (refused,) = told["residency_refusals"]
    assert (refused["source"], refused["refused_region"], refused["row_count"]) == ("crm", "us-east-1", 1)


def test_a_value_is_read_back_with_a_reason_and_not_after_the_erasure(aurora: Run, crm_of_owner: Crm):
    (sealed,) = crm_of_owner.look("SELECT phone FROM raw.party")["phone"]
    code, out, err = aurora("privacy", "reveal", sealed, "--reason", "access request DSR-17")
    assert (code, out) == (0, "0501234567\n")
    assert "Recorded: owner read it" in err
    assert aurora("privacy", "reveal", sealed, "--reason", "so")[0] == 2
    code, out, _ = aurora("privacy", "erase", "P-1", "--reason", "erasure request DSR-18", "--yes", "--json")
    assert (code, json.loads(out)["kinds"]) == (0, ["party_id"])
    code, _, err = aurora("privacy", "reveal", sealed, "--reason", "access request DSR-19")
    assert code == 5
    assert "was erased" in err
    assert aurora("audit", "verify")[0] == 0


def test_a_key_without_the_scope_reads_nothing(aurora: Run, crm_of_owner: Crm, tmp_path: Path):
    (sealed,) = crm_of_owner.look("SELECT phone FROM raw.party")["phone"]
    file = tmp_path / "clara.key"
    file.write_text(aurora("key", "create", "clara", "--scope", "read")[1], encoding="utf-8")
    code, out, err = aurora("privacy", "reveal", sealed, "--reason", "curiosity", "--key-file", str(file))
    assert (code, out) == (4, "")
    assert "privacy:reveal" in err
