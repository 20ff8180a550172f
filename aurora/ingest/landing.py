"""The landing folder: what may be read from it, and how a file gets into it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aurora.errors import NotFoundError, UsageError
from aurora.store.paths import TenantPaths, check_slug

_UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".swp")


def landed_files(paths: TenantPaths) -> Iterator[tuple[str, Path]]:
    """(source, file) of everything that was dropped, in order. Hidden and unfinished files are left alone."""
    for folder in sorted(paths.landing.iterdir()) if paths.landing.is_dir() else ():
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        for file in sorted(folder.rglob("*")):
            is_hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
            if file.is_file() and not is_hidden and not file.name.endswith(_UNFINISHED):
                yield folder.name, file


def require_landed(paths: TenantPaths, file: Path) -> Path:
    """The file's real path, if it lies inside the tenant's landing folder; links out of it are refused."""
    real, folder = file.resolve(), paths.landing.resolve()
    if not real.is_relative_to(folder):
        raise UsageError(
            f"{file} lies outside the landing folder of {paths.tenant}.",
            field="file",
            rule="inside_landing",
            next_step=f"Copy it below {paths.landing}/<source>/; links to other places are not followed.",
        )
    if not real.is_file():
        raise NotFoundError(f"There is no file {file}.", field="file", next_step=f"Drop it below {paths.landing}.")
    return real


def drop_file(paths: TenantPaths, file: Path, *, source: str) -> Path:
    """Bring a file into the landing folder of `source`, without a copy where the disk allows it.

    The same content under the same name again is the same file. Errors: `UsageError` for a source that
    is not a plain name, `NotFoundError` for a missing file.
    """
    check_slug(source, field="source")
    if not file.is_file():
        raise NotFoundError(f"There is no file {file}.", field="file", next_step="Check the path.")
    folder = paths.landing / source
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.name
    if target.exists() and fingerprint(target) != fingerprint(file):
        target = folder / f"{file.stem}-{fingerprint(file)[:8]}{file.suffix}"
    if not target.exists():
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            unfinished.hardlink_to(file.resolve())
        except OSError:
            shutil.copyfile(file, unfinished)
        unfinished.replace(target)
    return target


def fingerprint(file: Path) -> str:
    """SHA-256 of the content, hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
