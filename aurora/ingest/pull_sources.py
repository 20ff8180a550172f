"""What is pulled: the tenant's `pulls.yaml`, one entry an export endpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from aurora.errors import DataError, NotFoundError
from aurora.packs import read_declared
from aurora.store.paths import TenantPaths, check_slug
from contracts import registry

FILE: Final = "pulls.yaml"
_SECRET: Final = re.compile(r"env:(?P<variable>PULL_[A-Z0-9_]{1,60})|file:(?P<file>[a-z0-9][a-z0-9_.\-]{0,63})")


class PullSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One export endpoint of an assistant."""

    source: str
    """Source of the rows, as a landing folder's name."""
    url: str
    contract: str
    source_format: str | None = None
    """Detected from the answer when absent."""
    interval_s: Annotated[int, Meta(ge=10)] = 300
    limit: Annotated[int, Meta(ge=1, le=1_000_000)] = 5000
    """Rows asked for at once."""
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    secret: str | None = None
    """Where the bearer token is: `env:PULL_<NAME>`, or `file:<name>` in the tenant's `secrets` folder."""

    @property
    def name(self) -> str:
        """What names it on the command line and in reports."""
        return f"{self.source}.{self.contract}"


class _Pulls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pulls: tuple[PullSource, ...]


def load_sources(paths: TenantPaths) -> tuple[PullSource, ...]:
    """The tenant's sources, none without a file. `DataError` names an entry that does not fit."""
    file = paths.directory / FILE
    if not file.exists():
        return ()
    found = read_declared(file, _Pulls).pulls
    seen: set[str] = set()
    for one in found:
        check_slug(one.source, field="source")
        declared = registry.tables().get(one.contract)
        if declared is None or not declared.is_ingested:
            raise _wrong(one, "contract", f"{one.contract!r} is no contract that takes rows")
        if one.secret is not None and not _SECRET.fullmatch(one.secret):
            raise _wrong(one, "secret", "it must be env:PULL_<NAME> or file:<name>, never the secret itself")
        if one.name in seen:
            raise _wrong(one, "source", "it stands twice with the same contract")
        seen.add(one.name)
    return found


def named_sources(paths: TenantPaths, name: str | None) -> list[PullSource]:
    """All sources, or those of that source or name; `NotFoundError` when there is none."""
    found = load_sources(paths)
    wanted = [one for one in found if name in (None, one.source, one.name)]
    if name is not None and not wanted:
        raise NotFoundError(
            f"There is no source {name[:80]!r} to pull from.",
            field="source",
            next_step=f"{paths.directory / FILE} has {', '.join(one.name for one in found) or 'none'}.",
        )
    return wanted


def bearer(source: PullSource, paths: TenantPaths, environ: Mapping[str, str] = os.environ) -> str | None:
    """The source's token; `DataError` when it names one that is not there."""
    match = _SECRET.fullmatch(source.secret or "")
    if match is None:
        return None
    if match["variable"]:
        token = environ.get(match["variable"], "")
    else:
        token = _read(paths.directory / "secrets" / match["file"])
    if not token.strip():
        raise _wrong(source, "secret", f"{source.secret} holds nothing")
    return token.strip()


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _wrong(source: PullSource, field: str, problem: str) -> DataError:
    return DataError(
        f"{FILE}, source {source.source[:64]!r}, field {field}: {problem}.",
        field=field,
        rule="pulls",
        next_step="Correct the file; docs/how-to/send-data.md shows one.",
    )
