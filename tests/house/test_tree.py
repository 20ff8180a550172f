"""What may not stand in the tree: paths of one machine, package hosts, unfinished marks, data."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _hits(pattern: str, *, suffixes: tuple[str, ...] = ()) -> list[str]:
    found = []
    for path in _tracked():
        if path == Path(__file__) or (suffixes and path.suffix not in suffixes):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match}" for match in re.findall(pattern, text)]
    return found


def test_no_absolute_path_of_a_machine() -> None:
    here = re.escape(str(ROOT.parent) + "/")
    assert _hits(here + r"\S*|/(?:home|root|Users)/\w+\S*") == []


def test_no_package_registry_is_named() -> None:
    assert _hits(r"(?:files\.pythonhosted\.org|(?:\w+\.)?pypi\.org|registry\.npmjs\.org|deb\.debian\.org)") == []


def test_no_unfinished_marks() -> None:
    assert _hits(r"\b(?:TODO|FIXME|XXX)\b|raise NotImplementedError", suffixes=(".py", ".sql", ".yaml", ".yml")) == []


def test_no_large_file() -> None:
    assert [str(path.relative_to(ROOT)) for path in _tracked() if path.stat().st_size > 1_000_000] == []


def test_python_files_hold_one_concept() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _tracked()
        if path.suffix == ".py" and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
