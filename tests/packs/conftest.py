"""A copy of the shipped packs that a test may break."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora.settings import Settings

Edit = Callable[[str, str, str], None]


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A copy of the shipped packs that a test may break."""
    shutil.copytree(Settings().packs_dir, tmp_path / "packs")
    return tmp_path / "packs"


@pytest.fixture
def edit(packs: Path) -> Edit:
    """Replaces the first occurrence of a text in a file of the copy."""

    def replace(name: str, old: str, new: str) -> None:
        file = packs / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
