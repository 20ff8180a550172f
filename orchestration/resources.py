"""The one thing that assets are given: the tenant at work. Read when a run begins, never at import."""

from __future__ import annotations

import datetime as dt
import os
import sys

import dagster as dg
import msgspec

from aurora.settings import load_settings
from aurora.store.paths import tenant_paths
from orchestration.stages import Work


class Workspace(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Settings come from the environment; `tenant` replaces the settings' one."""

    tenant: str = ""
    is_told: bool = False
    """Whether progress is written to stderr, for somebody who waits."""

    def work(self) -> Work:
        """What a stage needs. Errors: `UsageError` for a setting, `NotFoundError` for the tenant."""
        settings = load_settings(os.environ)
        if self.tenant:
            settings = msgspec.structs.replace(settings, tenant=self.tenant)
        return Work(
            settings=settings,
            paths=tenant_paths(settings.data_dir, settings.tenant),
            clock=utc_now,
            progress=tell if self.is_told else _stay_silent,
        )


def utc_now() -> dt.datetime:
    """The wall clock; stages take it as an argument."""
    return dt.datetime.now(dt.UTC)


def tell(line: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def _stay_silent(_: str) -> None:
    return
