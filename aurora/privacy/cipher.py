"""A value at rest: AES-256-GCM, as a text that says what it is, which key opens it and where it belongs.

`enc1:<key id>:<contract>.<column>:<base64url of nonce, ciphertext and tag>`; tenant, contract and column are
authenticated, so a value that is moved to another column, contract or tenant does not open there.

The nonce follows from key and content (HMAC-SHA-256, its key derived from the data key), so that the same
value of the same subject is the same text: a row that comes twice is still known as a duplicate. That is
the synthetic-nonce construction of SIV and AES-GCM-SIV. It gives away that two values of one subject in one
column are equal, and nothing across subjects. A nonce repeats by chance after some 2^48 values of one key.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aurora.errors import DataError
from aurora.store.vault import DataKey

SEALED: Final = re.compile(
    r"enc1:(?P<key_id>[0-9a-f]{16}):(?P<contract>[a-z0-9_]+)\.(?P<column>[a-z0-9_]+):(?P<body>[A-Za-z0-9_\-]{38,})"
)
_NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value, taken apart."""

    key_id: str
    contract: str
    column: str
    body: bytes


class Sealer:
    """Seals the values of one subject in one column."""

    __slots__ = ("_about", "_aead", "_head", "_nonces")

    def __init__(self, key: DataKey, *, tenant: str, contract: str, column: str) -> None:
        self._aead = AESGCM(key.secret)
        self._nonces = hmac.digest(key.secret, b"aurora nonce", "sha256")
        self._about = _about(tenant, contract, column)
        self._head = f"enc1:{key.key_id}:{contract}.{column}:"

    def seal(self, text: str) -> str:
        """The value as it may rest."""
        plain = text.encode()
        nonce = hmac.digest(self._nonces, self._about + b"\x00" + plain, "sha256")[:_NONCE]
        body = nonce + self._aead.encrypt(nonce, plain, self._about)
        return self._head + base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def take_apart(text: str) -> Sealed:
    """What a sealed text says of itself; `DataError` when it is none. JSON's quotes around it are taken off."""
    match = SEALED.fullmatch(text.strip().strip('"'))
    if match is None:
        raise DataError(
            "This is not a protected value.",
            field="value",
            rule="sealed",
            next_step="Give the whole text as it stands in the lake; it begins with enc1: .",
        )
    body = base64.urlsafe_b64decode(match["body"] + "=" * (-len(match["body"]) % 4))
    return Sealed(match["key_id"], match["contract"], match["column"], body)


def open_sealed(sealed: Sealed, key: DataKey, *, tenant: str) -> str:
    """The value in clear; `DataError` when it was changed, or belongs to another column, contract or tenant."""
    about = _about(tenant, sealed.contract, sealed.column)
    try:
        return AESGCM(key.secret).decrypt(sealed.body[:_NONCE], sealed.body[_NONCE:], about).decode()
    except InvalidTag:
        raise DataError(
            f"The protected value of {sealed.contract}.{sealed.column} does not open: it was changed or moved.",
            field=f"{sealed.contract}.{sealed.column}",
            rule="authentic",
            next_step="Take it from the lake again; if it fails there too, restore the file from a backup.",
        ) from None


def _about(tenant: str, contract: str, column: str) -> bytes:
    return f"{tenant}|{contract}|{column}".encode()
