"""The rules that bind a tenant, read once and again when one of their files changed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from aurora.settings import Settings

if TYPE_CHECKING:
    from aurora.compliance.rulebook import Rulebook


def rulebook_of(settings: Settings) -> Rulebook:
    """The rules that bind tenants of the settings' pack, as the files are now."""
    from aurora.compliance.rulebook import rules_folder

    folder = rules_folder(settings.packs_dir)
    changed = tuple(sorted((str(file), file.stat().st_mtime_ns) for file in folder.rglob("*.yaml")))
    return _loaded(folder, settings.pack, changed)


@lru_cache(maxsize=2)
def _loaded(folder: Path, pack: str, changed: tuple[tuple[str, int], ...]) -> Rulebook:  # noqa: ARG001 - the cache's key
    from aurora.compliance.rulebook import read_rulebook

    return read_rulebook(folder).for_industry(pack)
