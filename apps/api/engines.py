"""Where the API's engines come from: the tenant's files, loaded anew when one of them changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurora.settings import Settings
from aurora.store.paths import TenantPaths

if TYPE_CHECKING:
    from aurora.decisions.engine import Engine


class FileEngines:
    """Engines made from the pack and from what was published into the tenant's serving folder."""

    def load(self, paths: TenantPaths, settings: Settings) -> Engine:
        """The engine as the files are now."""
        from aurora.decisions.loading import load_engine

        return load_engine(paths, settings)

    def version(self, paths: TenantPaths, settings: Settings) -> str:
        """What names those files as they are now."""
        from aurora.decisions.loading import engine_version

        return engine_version(paths, settings)
