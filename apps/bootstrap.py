"""Make a tenant ready: folders, lakes, state, the owner's key, and something to ingest.

Each step is skipped when it is done already, so that a second start is fast.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aurora.errors import AuroraError
from aurora.identity.keys import SCOPES, authenticate, create_key, grant_scopes, prefix_of
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from aurora.store.state_schema import migrate

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A tenant that can be served."""

    paths: TenantPaths
    key_file: Path


def utc_now() -> dt.datetime:
    """The wall clock; everything below the doors takes it as an argument."""
    return dt.datetime.now(dt.UTC)


def prepare_tenant(settings: Settings, *, progress: Callable[[str], None]) -> Prepared:
    """Folders, both lakes, the state database and the owner's key of the settings' tenant."""
    is_new = not (settings.data_dir / "tenants" / settings.tenant / "region").exists()
    if is_new:
        progress(f"Making tenant {settings.tenant} in {settings.region}")
    paths = create_tenant(settings.data_dir, settings.tenant, settings.region)
    migrate(paths.state)
    create_lake(paths)
    return Prepared(paths, _owner_key(paths, progress))


def seed_tenant(settings: Settings, paths: TenantPaths, *, progress: Callable[[str], None]) -> None:
    """Fill an empty landing folder with real data where it is present, else with seeded samples.

    A start that was killed in the middle of it goes on with the same moment, and so with the same files.
    """
    begun = paths.landing / ".seeding"
    if not begun.exists():
        if any(paths.landing.rglob("*")):
            return
        begun.write_text(utc_now().isoformat(), encoding="utf-8")
    from aurora.ingest.samples import seed_landing

    moment = dt.datetime.fromisoformat(begun.read_text(encoding="utf-8"))
    is_real = settings.shared_data_dir.is_dir()
    progress("Bringing in real data" if is_real else "Generating seeded samples (no real data found)")
    seed_landing(paths, settings, clock=lambda: moment)
    begun.unlink()


def _owner_key(paths: TenantPaths, progress: Callable[[str], None]) -> Path:
    """The file that holds the owner's key, readable by the owner alone; made on the first start.

    The owner may do everything: a key of an older release is given the scopes that there are since.
    """
    file = paths.directory / f"{OWNER}.key"
    if file.exists():
        if lacking := _lacking(paths, file):
            with StateStore.open(paths, clock=utc_now) as store:
                prefix = prefix_of(file.read_text(encoding="utf-8").strip())
                grant_scopes(store, prefix, lacking, granted_by="aurora up", now=utc_now())
            progress(f"The owner's key may now do what is new: {', '.join(lacking)}")
        return file
    with StateStore.open(paths, clock=utc_now) as store:
        new = create_key(
            store, actor_id=OWNER, label="made on the first start", scopes=SCOPES, created_by="aurora up", now=utc_now()
        )
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(new.token + "\n")
    return file


def _lacking(paths: TenantPaths, file: Path) -> list[str]:
    """Scopes that the owner's key does not have; none where the file holds no living key of the owner."""
    try:
        with StateReader(paths) as state:
            identity = authenticate(state, file.read_text(encoding="utf-8").strip())
    except AuroraError:
        return []
    return [one for one in SCOPES if one not in identity.scopes] if identity.actor_id == OWNER else []
