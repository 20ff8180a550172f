"""dbt's parse of the project, kept for whoever builds next: a first build would spend a third of its time on it.

dbt keeps a parse in its target folder, one a tenant, and holds it against every file before it uses it; the profile
is the same for all tenants, so one tenant's parse is as good for another.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

from aurora.settings import load_settings

_FILE: Final = "partial_parse.msgpack"


@contextmanager
def shared_parse(data_dir: Path, target: Path, project_dir: Path) -> Iterator[None]:
    """Give a tenant without a parse the one that is kept, and keep the tenant's where it is newer.

    A parse that cannot be read or kept costs time only: dbt then parses, as it would have.
    """
    kept = _folder(data_dir) / f"{_name(project_dir)}.msgpack"
    own = target / _FILE
    with suppress(OSError):
        if not own.exists() and kept.exists():
            _copy(kept, own)
    before = _stamp(own)
    yield
    with suppress(OSError):
        if own.exists() and (_stamp(own) != before or not kept.exists()):
            _copy(own, kept)


def _folder(data_dir: Path) -> Path:
    asked = load_settings(os.environ).parse_dir
    return Path(asked) if asked else data_dir / "parse"


def _name(project_dir: Path) -> str:
    """One a place of the project and version of dbt: another's parse would only be thrown away."""
    said = f"{project_dir.resolve()}|{version('dbt-core')}|{version('dbt-duckdb')}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        state = file.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_size


def _copy(source: Path, target: Path) -> None:
    """Copy whole or not at all: another build may read the target in this moment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent)
    os.close(handle)
    try:
        shutil.copyfile(source, name)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
