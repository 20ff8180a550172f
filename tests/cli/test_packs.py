"""`aurora pack`: list, show, new, check."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty packs folder."""
    folder = tmp_path / "packs"
    monkeypatch.setenv("AURORA_PACKS_DIR", str(folder))
    return folder


def test_the_shipped_packs_are_listed_and_pass(aurora):
    rows = {row["pack"]: row for row in aurora("pack", "list", "--json").json()}
    assert {"automotive", "finance", "general", "healthcare", "manufacturing", "real_estate"} <= set(rows)
    assert rows["real_estate"]["assistants"] == 16
    checked = aurora("pack", "check", "--json")
    assert checked.code == 0
    assert all(one["faults"] == [] for one in checked.json())


def test_one_pack_is_shown(aurora):
    shown = aurora("pack", "show", "healthcare", "--json").json()
    assert shown["profile"]["security_level"] == "hipaa"
    told = aurora("pack", "show", "healthcare").out
    assert "healthcare_hipaa" in told
    assert "assumption" in told
    assert aurora("pack", "show", "moonbase").code == 5


def test_a_new_pack_is_made_and_passes(aurora, own: Path):
    dry = aurora("pack", "new", "bakery", "--dry-run", "--json").json()
    assert not dry["is_written"]
    assert not own.exists()
    made = aurora("pack", "new", "bakery", "--title", "Bakery")
    assert made.code == 0
    assert "AURORA_PACK=bakery" in made.out
    assert sorted(map(str, own.rglob("*.yaml"))) == sorted(dry["files"])
    assert aurora("pack", "check", "bakery").out == "bakery: no fault\n"
    assert aurora("pack", "new", "bakery").code == 3
    assert aurora("pack", "new", "Bakery").code == 2
    assert aurora("pack", "new", "cake", "--from", "moonbase").code == 5


def test_a_fault_is_told_and_ends_with_3(aurora, own: Path):
    aurora("pack", "new", "bakery")
    file = own / "bakery" / "assistants" / "alex.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("- scheduling", "- sheduling"), encoding="utf-8")
    by_name, by_path = aurora("pack", "check", "bakery"), aurora("pack", "check", str(own / "bakery"), "--json")
    assert by_name.code == by_path.code == 3
    assert f"file: {file}" in by_name.out
    assert "next: Name one of: scheduling" in by_name.out
    assert "1 fault in bakery" in by_path.err
    (fault,) = by_path.json()[0]["faults"]
    assert (fault["file"], fault["field"], fault["rule"]) == (str(file), "skills", "is_declared")
    assert "in trouble" in aurora("pack", "list").out


@pytest.mark.usefixtures("own")
def test_a_folder_without_a_pack_is_not_found(aurora, tmp_path: Path):
    assert aurora("pack", "check", str(tmp_path)).code == 5
    assert aurora("pack", "check").code == 5
    assert "aurora pack new" in aurora("pack", "list").out
