"""Where the contents of drafts lie: in the tenant's region, each under its hash, never overwritten.

The journal holds the hash. So what was approved can be told from what is there now, and personal data stays out of the
append-only log.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from aurora.errors import DataError, NotReadyError
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import canonical
from contracts.messages.filings import FilingContent

_CONTENT = msgspec.json.Decoder(FilingContent)


def content_hash(content: FilingContent) -> str:
    """SHA-256 (hex) of the content's canonical JSON."""
    return hashlib.sha256(canonical(content)).hexdigest()


def keep_content(paths: TenantPaths, filing_id: str, content: FilingContent) -> str:
    """Write a content to the disk, readable by the owner alone, and return its hash."""
    body = canonical(content)
    digest = hashlib.sha256(body).hexdigest()
    file = _file(paths, filing_id, digest)
    if file.is_file() and file.read_bytes() == body:
        return digest
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        target.write(body)
        target.flush()
        os.fsync(target.fileno())
    fresh.replace(file)
    return digest


def read_content(paths: TenantPaths, filing_id: str, digest: str) -> tuple[FilingContent, bool]:
    """The content, and whether it is still the one of that hash.

    Errors: `NotReadyError` where the file is gone, `DataError` where it cannot be read any more.
    """
    file = _file(paths, filing_id, digest)
    try:
        body = file.read_bytes()
    except FileNotFoundError:
        raise NotReadyError(
            f"The content of draft {filing_id} is gone.",
            field="filing_id",
            next_step="Restore the tenant's folder `filings` from a backup, or make the draft anew.",
        ) from None
    try:
        return _CONTENT.decode(body), hashlib.sha256(body).hexdigest() == digest
    except msgspec.MsgspecError as error:
        raise DataError(
            f"The content of draft {filing_id} was damaged: {error}.",
            field="filing_id",
            rule="content_hash",
            next_step="Restore the file from a backup, or refresh the draft; approvals are void.",
        ) from error


def _file(paths: TenantPaths, filing_id: str, digest: str) -> Path:
    return paths.files("raw").parent / "filings" / filing_id / f"{digest}.json"
