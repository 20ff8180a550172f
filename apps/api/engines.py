"""Where the API's engines come from: the tenant's files, loaded anew when one of them changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from apps.api.tenants import DecisionEngine
from aurora.settings import Settings
from aurora.store.paths import TenantPaths


class FileEngines:
    """Engines made from the pack and from what was published into the tenant's serving folder."""

    def load(self, paths: TenantPaths, settings: Settings) -> DecisionEngine:
        """The engine as the files are now."""
        from aurora.decisions.engine import load_engine

        return load_engine(paths, settings)

    def version(self, paths: TenantPaths, settings: Settings) -> str:
        """A hash over name, size and time of every file that an engine is made from."""
        digest = hashlib.sha256()
        for folder in (settings.packs_dir / settings.pack, paths.serving):
            for file in sorted(folder.rglob("*")):
                digest.update(_state_of(file))
        return digest.hexdigest()[:16]


def _state_of(file: Path) -> bytes:
    try:
        state = file.stat()
    except FileNotFoundError:  # replaced between listing and looking: the next look sees the new one
        return b""
    return f"{file}\n{state.st_size}\n{state.st_mtime_ns}\n".encode()
