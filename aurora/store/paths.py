"""Where a tenant's data lies: one catalog a lake, one state database a tenant, one folder a region."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aurora.errors import NotFoundError, UsageError

Layer = Literal["raw", "mart"]
_SLUG = re.compile(r"[a-z][a-z0-9_\-]{0,62}")


@dataclass(frozen=True, slots=True)
class TenantPaths:
    """Every path of one tenant. Made by `tenant_paths` or `create_tenant`, never from a request body."""

    data_dir: Path
    tenant: str
    region: str

    @property
    def directory(self) -> Path:
        return self.data_dir / "tenants" / self.tenant

    def catalog(self, layer: Layer) -> Path:
        """SQLite catalog of one of the tenant's two lakes."""
        return self.directory / f"{layer}.catalog.sqlite"

    def files(self, layer: Layer) -> Path:
        """Parquet files of one lake, inside the tenant's region."""
        return self.directory / "files" / self.region / layer

    @property
    def state(self) -> Path:
        """SQLite state database: journal, keys, idempotency."""
        return self.directory / "state.sqlite"

    @property
    def write_lock(self) -> Path:
        """File whose lock a lake writer holds."""
        return self.directory / "write.lock"

    @property
    def serving(self) -> Path:
        """Published snapshots and policy bundles that the API maps read-only."""
        return self.directory / "serving"

    @property
    def landing(self) -> Path:
        """Where this tenant's exports are dropped, a folder a source."""
        return self.data_dir / "landing" / self.tenant


def check_slug(value: str, *, field: str) -> str:
    """`value` if it is a plain lower-case name, so that it can never leave its folder."""
    if not _SLUG.fullmatch(value):
        raise UsageError(
            f"{field} {value[:80]!r} is not a plain name.",
            field=field,
            rule="matches " + _SLUG.pattern,
            next_step="Use lower-case letters, digits, - and _, beginning with a letter.",
        )
    return value


def tenant_paths(data_dir: Path, tenant: str) -> TenantPaths:
    """Paths of an existing tenant; `NotFoundError` when there is none of that name."""
    check_slug(tenant, field="tenant")
    marker = data_dir / "tenants" / tenant / "region"
    try:
        region = marker.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no tenant named {tenant!r}.",
            field="tenant",
            next_step="`aurora status` lists tenants; `aurora demo` makes the demo tenant.",
        ) from None
    return TenantPaths(data_dir, tenant, region)


def create_tenant(data_dir: Path, tenant: str, region: str) -> TenantPaths:
    """Make a tenant's folders; the same call again changes nothing. A region is never changed."""
    paths = TenantPaths(data_dir, check_slug(tenant, field="tenant"), check_slug(region, field="region"))
    for folder in (paths.files("raw"), paths.files("mart"), paths.serving, paths.landing):
        folder.mkdir(parents=True, exist_ok=True)
    marker = paths.directory / "region"
    if marker.exists():
        return tenant_paths(data_dir, tenant)
    marker.write_text(region + "\n", encoding="utf-8")
    return paths


def list_tenants(data_dir: Path) -> list[str]:
    """Names of the tenants there are, sorted."""
    return sorted(marker.parent.name for marker in (data_dir / "tenants").glob("*/region"))
