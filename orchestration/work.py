"""What a build is about: whose data, under which settings, by which clock, told to whom. No Dagster here."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from aurora.settings import Settings, load_settings
from aurora.store.paths import TenantPaths, tenant_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every stage is given."""

    settings: Settings
    paths: TenantPaths
    clock: Callable[[], dt.datetime]
    progress: Callable[[str], None]


def open_work(environ: Mapping[str, str], *, tenant: str = "", is_told: bool = False) -> Work:
    """The work on the settings' tenant, or on `tenant`; `is_told` writes progress to stderr.

    Errors: `UsageError` for a setting, `NotFoundError` for the tenant.
    """
    settings = load_settings(environ)
    if tenant:
        settings = msgspec.structs.replace(settings, tenant=tenant)
    return Work(
        settings=settings,
        paths=tenant_paths(settings.data_dir, settings.tenant),
        clock=utc_now,
        progress=tell if is_told else _stay_silent,
    )


def utc_now() -> dt.datetime:
    """The wall clock; stages take it as an argument."""
    return dt.datetime.now(dt.UTC)


def tell(line: str) -> None:
    """One line of progress, for somebody who waits."""
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def _stay_silent(_: str) -> None:
    return
