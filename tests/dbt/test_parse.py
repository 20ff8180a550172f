"""dbt's parse is taken over by the next tenant, and a parse that cannot be read costs nothing but time."""

from pathlib import Path

import pytest

from orchestration.dbt_parse import shared_parse


def _parsed(folder: Path, text: str) -> Path:
    file = folder / "target" / "partial_parse.msgpack"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AURORA_PARSE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_the_next_tenant_starts_from_the_parse_of_the_first(tmp_path: Path):
    with shared_parse(tmp_path, tmp_path / "a" / "target", tmp_path):
        _parsed(tmp_path / "a", "first")
    with shared_parse(tmp_path, tmp_path / "b" / "target", tmp_path):
        assert (tmp_path / "b" / "target" / "partial_parse.msgpack").read_text() == "first"


def test_a_newer_parse_is_kept_and_a_tenants_own_is_left(tmp_path: Path, own_folder: Path):
    for text in ("first", "second, longer"):
        with shared_parse(tmp_path, tmp_path / "a" / "target", tmp_path):
            _parsed(tmp_path / "a", text)
    assert [file.read_text() for file in own_folder.iterdir()] == ["second, longer"]
    _parsed(tmp_path / "b", "its own")
    with shared_parse(tmp_path, tmp_path / "b" / "target", tmp_path):
        assert (tmp_path / "b" / "target" / "partial_parse.msgpack").read_text() == "its own"


def test_another_project_has_a_parse_of_its_own(tmp_path: Path):
    with shared_parse(tmp_path, tmp_path / "a" / "target", tmp_path / "project"):
        _parsed(tmp_path / "a", "first")
    with shared_parse(tmp_path, tmp_path / "b" / "target", tmp_path / "other"):
        assert not (tmp_path / "b" / "target" / "partial_parse.msgpack").exists()


def test_a_folder_that_cannot_be_written_stops_no_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AURORA_PARSE_DIR", str(tmp_path / "file"))
    with shared_parse(tmp_path, tmp_path / "a" / "target", tmp_path):
        _parsed(tmp_path / "a", "first")
