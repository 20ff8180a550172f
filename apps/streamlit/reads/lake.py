"""The pages' one way into the lake: a pinned snapshot, read in bulk, cached by tenant and snapshot.

Each page reads once, in one session, so that its figures agree with each other. What does not
belong here: what a page wants to know (its own module beside this one), and anything that writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from aurora.errors import NotFoundError
from aurora.settings import Settings, load_settings
from aurora.store.connection import latest_snapshot
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths, tenant_paths

SNAPSHOT_SECONDS = 5
"""How long a page may lag behind the lake."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What a page is read from: one tenant at one snapshot of each lake. The key of every cache."""

    data_dir: str
    tenant: str
    raw_snapshot: int
    mart_snapshot: int
    marts: tuple[str, ...]
    """Marts that exist at this snapshot."""

    @property
    def paths(self) -> TenantPaths:
        """The tenant's paths."""
        return tenant_paths(Path(self.data_dir), self.tenant)

    def has(self, *marts: str) -> bool:
        """Whether all of these marts are built."""
        return set(marts) <= set(self.marts)


class NoLakeError(NotFoundError):
    """The tenant, or its lake, is not made yet."""

    code, status, exit_code = "no-lake", 404, 5


def current_settings() -> Settings:
    """The settings of this process."""
    return load_settings(os.environ)


def current_paths() -> TenantPaths:
    """Paths of the tenant whose pages these are; `NotFoundError` when it is not made yet."""
    settings = current_settings()
    return tenant_paths(settings.data_dir, settings.tenant)


def current_pin() -> Pin:
    """The newest snapshot, at most `SNAPSHOT_SECONDS` old; `NoLakeError` when there is no lake."""
    paths = current_paths()
    if not (paths.catalog("raw").exists() and paths.catalog("mart").exists()):
        raise NoLakeError(
            f"The lake of {paths.tenant!r} is not made yet.",
            field="tenant",
            next_step="`make run` makes it; this page follows by itself.",
        )
    return _newest(str(paths.data_dir), paths.tenant)


@st.cache_data(ttl=SNAPSHOT_SECONDS, max_entries=16, show_spinner=False)
def _newest(data_dir: str, tenant: str) -> Pin:
    paths = tenant_paths(Path(data_dir), tenant)
    mart = latest_snapshot(paths, "mart")  # first: raw is then never behind what mart was made from
    raw = latest_snapshot(paths, "raw")
    return Pin(data_dir, tenant, raw, mart, _marts(data_dir, tenant, raw, mart))


@st.cache_data(ttl=3600, max_entries=16, show_spinner=False)
def _marts(data_dir: str, tenant: str, raw: int, mart: int) -> tuple[str, ...]:
    with read_lake(tenant_paths(Path(data_dir), tenant), raw_at=raw, mart_at=mart) as lake:
        return tuple(lake.table_names("mart"))


@contextmanager
def lake_at(pin: Pin) -> Iterator[LakeReader]:
    """The lake exactly as `pin` says."""
    with read_lake(pin.paths, raw_at=pin.raw_snapshot, mart_at=pin.mart_snapshot) as lake:
        yield lake
