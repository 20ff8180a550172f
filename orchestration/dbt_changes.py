"""What a build need not look at: dbt models behind which no raw table has changed since the last whole build.

dbt models here read raw, other dbt models and nothing else (a test holds it: no clock, no chance), so the same rows
and the same SQL give the same marts. The note of the last whole build lies beside dbt's target. It counts only while
the project is the same and every table of the mart is as that build left it; otherwise everything is looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from aurora.errors import NotReadyError
from aurora.store.marks import table_marks
from aurora.store.paths import TenantPaths

_FILE: Final = "last_whole_build.json"
_SOURCE: Final = re.compile(r"""\bsource\(\s*['"]raw['"]\s*,\s*['"](\w+)['"]\s*\)""")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a build starts from: the project, what raw held, and what the mart held when it had ended."""

    project: str
    raw: dict[str, str]
    mart: str = ""


def standing(paths: TenantPaths, project_dir: Path) -> Standing:
    """What stands now. Take it before raw is pinned: what arrives in between is then looked at twice, never missed."""
    marks = table_marks(paths, "raw")
    read = _raw_tables(project_dir)
    return Standing(
        project=_project_hash(project_dir), raw={name: marks.get(f"main.{name}", "") for name in sorted(read)}
    )


def to_look_at(paths: TenantPaths, folder: Path, now: Standing) -> list[str] | None:
    """Selectors of what may have changed since the last whole build; None when that is everything."""
    try:
        last = msgspec.json.decode((folder / _FILE).read_bytes(), type=Standing)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    if last.project != now.project or last.mart != _mart_hash(paths):
        return None
    return [f"source:raw.{name}+" for name, mark in now.raw.items() if last.raw.get(name) != mark]


def note_whole_build(paths: TenantPaths, folder: Path, began: Standing) -> None:
    """Note that the mart is now what the project makes of raw as it stood when the build began."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{_FILE}.tmp"
    fresh.write_bytes(msgspec.json.encode(msgspec.structs.replace(began, mart=_mart_hash(paths))))
    fresh.replace(folder / _FILE)


def _raw_tables(project_dir: Path) -> set[str]:
    """Raw tables that any dbt model reads."""
    files = (project_dir / "models").rglob("*.sql")
    return {name for file in files for name in _SOURCE.findall(file.read_text(encoding="utf-8"))}


def _project_hash(project_dir: Path) -> str:
    """SHA-256 over the project's files, by their places, and the versions of what runs them."""
    digest = hashlib.sha256("|".join(map(version, ("dbt-core", "dbt-duckdb", "duckdb"))).encode())
    for file in sorted(file for kind in ("*.sql", "*.yml") for file in project_dir.rglob(kind)):
        digest.update(f"|{file.relative_to(project_dir)}|".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _mart_hash(paths: TenantPaths) -> str:
    """Of all tables; nothing where there is no mart yet, which no build leaves."""
    try:
        return _joined(table_marks(paths, "mart"))
    except NotReadyError:
        return "no mart"


def _joined(marks: Mapping[str, str]) -> str:
    return hashlib.sha256("|".join(f"{name}={mark}" for name, mark in sorted(marks.items())).encode()).hexdigest()
