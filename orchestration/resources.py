"""The one thing that assets are given: the tenant at work. Read when a run begins, never at import."""

from __future__ import annotations

import os

import dagster as dg

from orchestration.work import Work, open_work


class Workspace(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Settings come from the environment; `tenant` replaces the settings' one."""

    tenant: str = ""
    is_told: bool = False
    """Whether progress is written to stderr, for somebody who waits."""

    def work(self) -> Work:
        """What a stage needs. Errors: `UsageError` for a setting, `NotFoundError` for the tenant."""
        return open_work(os.environ, tenant=self.tenant, is_told=self.is_told)
