"""What was built from what: one small file a stage, so that nothing fresh is built again. No Dagster here.

A stage's inputs are told by a fingerprint that is cheap to take. It is taken before the stage runs, so
what arrives meanwhile makes the stage stale again and is never missed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from aurora.store.paths import TenantPaths

Detail = str | int | float | bool | None
State = Literal["built", "failed"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How a stage ended the last time, in `<tenant>/builds/<stage>.json`."""

    stage: str
    state: State
    inputs: str
    seconds: float
    ended_at: str
    details: dict[str, Detail] = {}
    message: str = ""
    exit_code: int = 0


def record_file(paths: TenantPaths, stage: str) -> Path:
    """Where a stage's record lies."""
    return paths.directory / "builds" / f"{stage}.json"


def read_record(paths: TenantPaths, stage: str) -> Record | None:
    """How the stage ended the last time; None before the first, or when the file is damaged: it runs again."""
    try:
        return msgspec.json.decode(record_file(paths, stage).read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_record(paths: TenantPaths, record: Record) -> None:
    """Replace the stage's record, whole."""
    file = record_file(paths, record.stage)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
    fresh.replace(file)


def fingerprint(*parts: object) -> str:
    """SHA-256 over values that tell what a stage reads."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def fingerprint_files(files: Iterable[Path]) -> str:
    """SHA-256 over paths, sizes and times of change: content is not read, a touched file counts as new."""
    lines = []
    for file in sorted(files):
        stat = file.stat()
        lines.append(f"{file}\x1f{stat.st_size}\x1f{stat.st_mtime_ns}")
    return fingerprint(*lines)


def fingerprint_content(files: Iterable[Path]) -> str:
    """SHA-256 over names and content, for small files that a checkout touches without a change."""
    return fingerprint(*[f"{file.name}\x1f{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in sorted(files)])


def as_details(values: Mapping[str, object]) -> dict[str, Detail]:
    """`values` as a record holds them."""
    return {key: value if isinstance(value, str | int | float | None) else str(value) for key, value in values.items()}
