"""What makes the journal tamper-evident: RFC 6962 hashing, the tree's right edge, signed checkpoints.

The store seals each batch with this in the batch's own transaction. Proofs and verification are in
`aurora/audit`. Nothing here opens a database.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aurora.errors import DataError, NotReadyError
from aurora.store.paths import TenantPaths

EMPTY_ROOT = hashlib.sha256(b"").digest()
TILE_LEVELS = 8
"""Every 2^8 leaves one inner hash is kept, every 2^16 the next: proofs then read few rows."""
_ED25519 = b"\x01"
_DASH = "\u2014"


_AT_ONCE = 2047
"""From 2,048 bytes on hashlib gives the interpreter lock away, which under load costs more than the hash."""


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 hash of one entry."""
    hashed = hashlib.sha256(b"\x00")
    for at in range(0, len(entry), _AT_ONCE):
        hashed.update(entry[at : at + _AT_ONCE])
    return hashed.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Subtree:
    """The hash over the 2^level leaves from `position * 2^level` on."""

    level: int
    position: int
    hash: bytes


@dataclass(slots=True)
class Edge:
    """The right edge of a tree of `size` leaves: the complete subtrees, largest first."""

    size: int = 0
    nodes: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> Iterator[Subtree]:
        """Add a leaf; yields the kept subtrees that it completes. Exhaust it."""
        self.nodes.append(leaf)
        self.size += 1
        rest, level = self.size, 0
        while rest % 2 == 0:
            right = self.nodes.pop()
            self.nodes[-1] = node_hash(self.nodes[-1], right)
            rest >>= 1
            level += 1
            if level % TILE_LEVELS == 0:
                yield Subtree(level, (self.size >> level) - 1, self.nodes[-1])

    def root(self) -> bytes:
        """RFC 6962 root of the tree."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for left in reversed(self.nodes[:-1]):
            root = node_hash(left, root)
        return root

    def pack(self) -> bytes:
        """The edge as stored: its hashes, one after the other."""
        return b"".join(self.nodes)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Edge:
        """The edge as stored; `DataError` when it cannot be the edge of a tree of that size."""
        if len(packed) != 32 * size.bit_count():
            raise DataError(
                f"The audit tree's edge does not fit its size of {size}.",
                field="tree.edge",
                next_step="Run `aurora audit verify`, then restore the state database from a backup.",
            )
        return cls(size, [packed[at : at + 32] for at in range(0, len(packed), 32)])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint commits to: the log's name, its size and its root."""

    origin: str
    size: int
    root: bytes


def _key_id(origin: str, public: bytes) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs checkpoints as C2SP signed notes, with the tenant's Ed25519 key."""

    origin: str
    _private: Ed25519PrivateKey
    _id: bytes

    @classmethod
    def of(cls, origin: str, private: Ed25519PrivateKey) -> Signer:
        """A signer for the log named `origin`."""
        return cls(origin, private, _key_id(origin, private.public_key().public_bytes_raw()))

    def sign(self, size: int, root: bytes) -> bytes:
        """The signed note of one checkpoint."""
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._id + self._private.sign(text.encode())).decode()
        return f"{text}\n{_DASH} {self.origin} {signature}\n".encode()

    @property
    def verifier_key(self) -> str:
        """The public half as a C2SP verifier key: `<name>+<key id>+<key>`."""
        public = self._private.public_key().public_bytes_raw()
        return f"{self.origin}+{self._id.hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def open_note(note: bytes, verifier_key: str) -> Checkpoint:
    """The checkpoint of a signed note; `DataError` when any part of it is not what the key signed."""
    try:
        origin, key_id, encoded = verifier_key.strip().split("+", 2)
        raw_key = base64.b64decode(encoded, validate=True)
        text, _, signatures = note.decode().partition("\n\n")
        name, size, root, *extra = text.split("\n")
        dash, signer, signature = signatures.removesuffix("\n").split(" ")
        signed = base64.b64decode(signature, validate=True)
        checkpoint = Checkpoint(name, int(size), base64.b64decode(root, validate=True))
    except ValueError as error:
        raise _bad_note("it is not a signed note") from error
    if extra or dash != _DASH or size != str(checkpoint.size) or len(checkpoint.root) != 32 or checkpoint.size < 0:
        raise _bad_note("it is not in the form of a checkpoint")
    if name != origin or signer != origin:
        raise _bad_note(f"it is about the log {name!r}, not {origin!r}")
    if raw_key[:1] != _ED25519 or len(raw_key) != 33 or _key_id(origin, raw_key[1:]).hex() != key_id:
        raise _bad_note("the verifier key is damaged")
    if signed[:4].hex() != key_id:
        raise _bad_note("another key signed it")
    try:
        Ed25519PublicKey.from_public_bytes(raw_key[1:]).verify(signed[4:], text.encode() + b"\n")
    except InvalidSignature as error:
        raise _bad_note("its signature does not hold") from error
    return checkpoint


def _bad_note(why: str) -> DataError:
    return DataError(
        f"A checkpoint is not to be trusted: {why}.",
        field="checkpoint",
        rule="signed",
        next_step="Compare it with a checkpoint kept elsewhere and restore the state database from a backup.",
    )


def key_path(paths: TenantPaths) -> Path:
    """The tenant's private signing key, 32 bytes, readable by the owner alone."""
    return paths.directory / "audit.key"


def verifier_key_path(paths: TenantPaths) -> Path:
    """The public half: what anybody needs to check the log."""
    return paths.directory / "audit.pub"


def origin_of(paths: TenantPaths) -> str:
    """The name that the tenant's log signs under."""
    return f"aurora/{paths.tenant}"


def load_signer(paths: TenantPaths, *, may_create: bool) -> Signer:
    """The tenant's signer. A log that has checkpoints never gets a new key: `NotReadyError` then."""
    path = key_path(paths)
    if not path.exists():
        if not may_create:
            raise NotReadyError(
                f"The audit key {path.name} of tenant {paths.tenant!r} is gone, and its log is signed with it.",
                field="audit.key",
                next_step=f"Restore {path.name} from a backup into the tenant's folder.",
            )
        _create_key(path)
    signer = Signer.of(origin_of(paths), Ed25519PrivateKey.from_private_bytes(path.read_bytes()))
    public = verifier_key_path(paths)
    if not public.exists():
        write_whole(public, signer.verifier_key.encode() + b"\n", mode=0o644)
    return signer


def load_verifier_key(paths: TenantPaths) -> str:
    """The verifier key of the tenant's log; `NotReadyError` before the first start."""
    try:
        return verifier_key_path(paths).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise NotReadyError(
            f"Tenant {paths.tenant!r} has no audit key yet.",
            field="audit.pub",
            next_step="Start Aurora once: it makes the key with the state database.",
        ) from None


def _create_key(path: Path) -> None:
    write_whole(path, Ed25519PrivateKey.generate().private_bytes_raw(), mode=0o600)


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Make the file at once or not at all; of two makers the first one wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
