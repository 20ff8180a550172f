"""What decisions were made from, kept by its hash: packs, published reliability. What replay goes by.

`serving/archive/<kind>/<hash>.z`: written once, compressed, never changed. Features are kept in the lake
(`raw.feature_snapshot`), bundles in their own folders.
"""

from __future__ import annotations

import hashlib
import zlib

import msgspec

from aurora.decisions.bundles import replace_file
from aurora.errors import DataError, NotFoundError
from aurora.packs import Pack
from aurora.store.paths import TenantPaths

_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")


def archive(paths: TenantPaths, kind: str, content_hash: str, content: bytes) -> None:
    """Keep it, unless it is kept already."""
    file = paths.serving / "archive" / kind / f"{content_hash}.z"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, zlib.compress(content, 6))


def archived(paths: TenantPaths, kind: str, content_hash: str) -> bytes:
    """What was kept. `NotFoundError` when nothing was, `DataError` when it cannot be read."""
    file = paths.serving / "archive" / kind / f"{content_hash}.z"
    try:
        return zlib.decompress(file.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(
            f"The {kind} {content_hash[:16]} was not kept.",
            field=kind,
            rule="archive",
            next_step="Restore serving/archive from a backup, or replay newer decisions.",
        ) from None
    except zlib.error as error:
        raise _changed(kind, content_hash) from error


def pack_content(pack: Pack) -> tuple[str, bytes]:
    """The pack as canonical JSON, and its hash: the first 16 hex digits of SHA-256."""
    content = _ENCODER.encode(pack)
    return hashlib.sha256(content).hexdigest()[:16], content


def archived_pack(paths: TenantPaths, engine_hash: str) -> Pack:
    """The pack of that hash. Errors: as `archived`."""
    content = archived(paths, "pack", engine_hash)
    if hashlib.sha256(content).hexdigest()[:16] != engine_hash:
        raise _changed("pack", engine_hash)
    try:
        return msgspec.json.decode(content, type=Pack)
    except msgspec.MsgspecError as error:
        raise _changed("pack", engine_hash) from error


def _changed(kind: str, content_hash: str) -> DataError:
    return DataError(
        f"The {kind} {content_hash[:16]} is not what was kept: its content does not give its hash.",
        field=kind,
        rule="input_drift",
        next_step="Restore serving/archive from a backup; somebody changed it.",
    )
