"""What one command works with: the settings of this process and the tenant it names."""

from __future__ import annotations

import os

import msgspec

from aurora.settings import Settings, load_settings
from aurora.store.paths import TenantPaths, tenant_paths


def open_paths(tenant: str | None) -> tuple[Settings, TenantPaths]:
    """Settings from the environment and the paths of `tenant` (the settings' own when None)."""
    settings = load_settings(os.environ)
    if tenant is not None:
        settings = msgspec.structs.replace(settings, tenant=tenant)
    return settings, tenant_paths(settings.data_dir, settings.tenant)
