"""The spool: bodies that were pushed or pulled, on the disk of the tenant's region until they are in the lake.

A body grows as `<id><suffix>.part` beside `<id>.about`, which says what it is. It counts from the moment
it is on the disk and renamed: what a kill leaves behind later is ingested by whoever looks next, and what
it leaves earlier is removed. The one who works on a body holds a lock on it, which dies with the process.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from aurora.store.ids import IdMaker
from aurora.store.paths import TenantPaths

VERDICTS: Final = ".verdicts"
"""Ending of the file beside a body that holds the answer to its sender."""
_ABOUT: Final = ".about"
_PART: Final = ".part"
_DOOR: Final = ".door"
_PRIVATE: Final = 0o600
_IDS: Final = IdMaker(lambda: dt.datetime.now(dt.UTC))


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a body besides its bytes."""

    spool_id: str
    suffix: str
    source: str
    contract: str
    source_format: str | None = None
    """Detected from the content when None."""
    batch_id: str | None = None
    """The SHA-256 of the content when None."""
    source_cursor: str | None = None

    @property
    def file_name(self) -> str:
        """What the ledger calls it."""
        return f"{self.spool_id}{self.suffix}"


def spool_folder(paths: TenantPaths) -> Path:
    """Where bodies wait, inside the tenant's region."""
    return paths.files("raw").parent / ".spool"


def new_spool_id(prefix: str) -> str:
    """An id that sorts by time, so that what waits is taken in its order."""
    return _IDS.new(prefix)


class SpooledBody:
    """One body that grows, then stands, then goes. Not for two threads at once."""

    def __init__(self, paths: TenantPaths, about: About) -> None:
        folder = spool_folder(paths)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.about = about
        self.file = folder / about.file_name
        self.size = 0
        self._note = folder / f"{about.spool_id}{_ABOUT}"
        self._part = self.file.with_name(self.file.name + _PART)
        self._hash = hashlib.sha256()
        with _door(folder):
            self._descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def growing(self) -> Path:
        """Where it is until it is finished."""
        return self._part

    def rename(self, suffix: str) -> None:
        """Give a body that still grows another suffix: only its bytes told what it is."""
        self.about = msgspec.structs.replace(self.about, suffix=suffix)
        self.file = self.file.with_name(self.about.file_name)
        part = self.file.with_name(self.file.name + _PART)
        self._part.rename(part)
        self._part = part

    @property
    def content_hash(self) -> str:
        """SHA-256 of what was written, hex."""
        return self._hash.hexdigest()

    @property
    def batch_id(self) -> str:
        """What makes the same body the same batch."""
        return self.about.batch_id or self.content_hash

    def write(self, data: bytes) -> None:
        """Append to the body."""
        self._hash.update(data)
        self.size += len(data)
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def finish(self, about: About | None = None) -> None:
        """Make it durable: from here on a kill does not lose it. `about` is what became known meanwhile."""
        self.about = about or self.about
        note = os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
        try:
            os.write(note, msgspec.json.encode(self.about))
            os.fsync(note)
        finally:
            os.close(note)
        os.fsync(self._descriptor)
        self._part.rename(self.file)
        _fsync_folder(self.file.parent)

    def remove(self) -> None:
        """Forget it: it is in the lake, or nobody wants it."""
        for file in (self.file, self._part, self._note):
            file.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Hold it no longer: whoever looks next takes it for left behind."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LeftBody:
    """A whole body that somebody left behind; held while this lives."""

    def __init__(self, file: Path, about: About, content_hash: str, descriptor: int) -> None:
        self.file = file
        self.about = about
        self.batch_id = about.batch_id or content_hash
        self._descriptor = descriptor

    def remove(self) -> None:
        """It is in the lake."""
        self.file.unlink(missing_ok=True)
        self.file.with_name(f"{self.about.spool_id}{_ABOUT}").unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it where it is, for the next one."""
        os.close(self._descriptor)


def left_bodies(paths: TenantPaths) -> Iterator[LeftBody]:
    """Whole bodies whose owner died, oldest first; what never became whole is removed on the way."""
    folder = spool_folder(paths)
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file.suffix in {_ABOUT, VERDICTS} or file.name == _DOOR:
            continue
        with _door(folder):
            descriptor = _held(file)
        if descriptor is None:
            continue
        about = _about(folder, file)
        if about is None:
            file.unlink(missing_ok=True)
            os.close(descriptor)
            continue
        with file.open("rb") as stream:
            content_hash = hashlib.file_digest(stream, "sha256").hexdigest()
        yield LeftBody(file, about, content_hash, descriptor)
    _remove_lone(folder)


def _held(file: Path) -> int | None:
    """A locked descriptor of the file; None while its owner lives or when it has gone meanwhile."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def _about(folder: Path, file: Path) -> About | None:
    """What the body is; None for one that never became whole."""
    if file.suffix == _PART:
        return None
    with suppress(FileNotFoundError, msgspec.DecodeError):
        about = msgspec.json.decode((folder / f"{file.name.partition('.')[0]}{_ABOUT}").read_bytes(), type=About)
        return about if about.file_name == file.name else None
    return None


def _remove_lone(folder: Path) -> None:
    """Notes and answers whose body has gone: a kill between two removals."""
    for file in [*folder.glob(f"*{_ABOUT}"), *folder.glob(f"*{VERDICTS}")]:
        beside = folder.glob(f"{file.name.partition('.')[0]}.*")
        if all(other.suffix in {_ABOUT, VERDICTS} for other in beside):
            file.unlink(missing_ok=True)


@contextmanager
def _door(folder: Path) -> Iterator[None]:
    """One at a time: a body that was made and not locked yet must not look left behind."""
    descriptor = os.open(folder / _DOOR, os.O_RDWR | os.O_CREAT, _PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
