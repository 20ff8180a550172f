"""`aurora twin history|truth|hash`: what they print, and that it is called simulated."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from apps.bootstrap import prepare_tenant
from apps.cli import main
from aurora.settings import load_settings


@pytest.fixture
def aurora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs `aurora twin ARGUMENTS` in a data folder of its own: exit code, standard output, standard error."""
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AURORA_SHARED_DATA_DIR", str(tmp_path / "no-real-data"))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aurora", "twin", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_a_history_is_written_its_truth_listed_and_its_lake_hashed(aurora, tmp_path: Path):
    asked = ("history", "--days", "30", "--scale", "0.01", "--until", "2026-11-26", "--tenant", "small")
    code, out, _ = aurora(*asked, "--json")
    manifest = json.loads(out)
    assert (code, manifest["label"], manifest["first_day"]) == (0, "simulated", "2026-10-27")
    assert manifest["row_counts"]["task"] >= 666
    assert (tmp_path / "landing" / "small" / "twin_clara").is_dir()

    code, out, _ = aurora(*asked)
    assert code == 0
    assert out.startswith("A simulated brokerage, seed 7: 30 days from 2026-10-27")

    code, out, _ = aurora("truth", "--tenant", "small", "--json")
    document = json.loads(out)
    assert (code, document["label"]) == (0, "simulated")
    assert document["manifest"]["files_hash"] == manifest["files_hash"]
    assert {"assistant_skill", "overriders"} <= {one["truth"] for one in document["tables"]}
    assert "simulated" in aurora("truth", "--tenant", "small")[1]

    code, out, _ = aurora("hash", "--tenant", "small", "--json")
    assert code == 0
    assert len(json.loads(out)["content_hash"]) == 64


def test_a_tenant_without_a_twin_is_told_what_to_do(aurora):
    prepare_tenant(load_settings(os.environ), progress=lambda _: None)
    code, _, err = aurora("truth")
    assert code == 5
    assert "aurora twin history" in err
