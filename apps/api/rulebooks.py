"""The rules that bind a tenant, read once and again when one of their files changed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from aurora.settings import Settings
from aurora.store.paths import TenantPaths

if TYPE_CHECKING:
    from aurora.compliance.rulebook import Rulebook


def rulebook_of(settings: Settings, paths: TenantPaths) -> Rulebook:
    """The rules that bind the tenant, as the files are now, with the version of its own that is in force."""
    from aurora.compliance.reviews import with_reviews
    from aurora.compliance.rulebook import rules_folder
    from aurora.compliance.versions import version_folder, version_in_force

    folder = rules_folder(settings.packs_dir)
    version = version_in_force(paths)
    own = version_folder(paths, version)
    files = [file for one in (folder, own) if one is not None for file in one.rglob("*.yaml")]
    changed = tuple(sorted((str(file), file.stat().st_mtime_ns) for file in files))
    return with_reviews(_loaded(folder, own, version, settings.pack, changed), paths)


@lru_cache(maxsize=8)
def _loaded(
    folder: Path,
    own: Path | None,
    version: int,
    pack: str,
    changed: tuple[tuple[str, int], ...],  # noqa: ARG001 - the cache's key
) -> Rulebook:
    from aurora.compliance.rulebook import read_rulebook

    return read_rulebook(folder, own, tenant_version=version).for_industry(pack)
