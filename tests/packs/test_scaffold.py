"""A new pack: it passes the check at once, stands alone where nothing is shared, and appears whole or not at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from aurora.decisions.pack_check import check_pack
from aurora.errors import ConflictError, NotFoundError, UsageError
from aurora.packs import list_packs, load_pack
from aurora.packs.scaffold import draft_pack, write_pack
from aurora.settings import Settings

PACKS = Settings().packs_dir
TODAY = dt.date(2026, 11, 21)


def _draft(folder: Path, name: str = "bakery", template: str = "general") -> dict[Path, str]:
    return draft_pack(folder, name, title='The "Bakery": bread', template_dir=PACKS, template=template)


@pytest.mark.parametrize("template", list_packs(PACKS))
def test_a_new_pack_passes_the_check_at_once(tmp_path: Path, template: str):
    write_pack(tmp_path, "bakery", _draft(tmp_path, template=template))
    assert check_pack(tmp_path, "bakery", today=TODAY) == []
    pack = load_pack(tmp_path, "bakery")
    assert (pack.name, pack.title, pack.version) == ("bakery", 'The "Bakery": bread', "0.1.0")


def test_where_declarations_are_shared_they_stay_shared(packs: Path):
    texts = _draft(packs)
    assert texts[Path("llms.yaml")] == "from: shared\n"
    write_pack(packs, "bakery", texts)
    assert check_pack(packs, "bakery", today=TODAY) == []


def test_a_draft_writes_nothing(tmp_path: Path):
    assert Path("pack.yaml") in _draft(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_or_not_plain_is_refused(packs: Path):
    with pytest.raises(ConflictError, match="already"):
        _draft(packs, "general")
    for name in ("../bakery", "Bakery", "", "_shared", "a.b"):
        with pytest.raises(UsageError, match="plain name"):
            _draft(packs, name)
    with pytest.raises(NotFoundError, match="no pack named"):
        _draft(packs, template="moonbase")


def test_a_pack_that_cannot_be_written_leaves_nothing(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be written"):
        write_pack(tmp_path, "bakery", {Path("pack.yaml"): "a", Path("pack.yaml/b.yaml"): "b"})
    assert list(tmp_path.iterdir()) == []
