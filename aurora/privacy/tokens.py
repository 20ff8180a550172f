"""Keyed hashes that stand for values, and the text that takes an identifier's place."""

from __future__ import annotations

import hmac
from typing import Final

from aurora.privacy.identifiers import SHOWS_LAST4, normal_form

_SIZE: Final = 12
"""Bytes of a token: 96 bits, so that two of a billion values share one with a chance of 1 in 10^11."""


def token_of(key: bytes, identifier_class: str, value: str) -> str:
    """The token of a value: equal for equal values however they are written, within one tenant."""
    text = f"{identifier_class}\x1f{normal_form(identifier_class, value)}"
    return "tok_" + hmac.digest(key, text.encode(), "sha256")[:_SIZE].hex()


def redaction(key: bytes, identifier_class: str, value: str) -> str:
    """What stands where the value stood: `[phone ****4567 tok_...]`."""
    shown = f" ****{last4(value)}" if identifier_class in SHOWS_LAST4 else ""
    return f"[{identifier_class}{shown} {token_of(key, identifier_class, value)}]"


def last4(value: str) -> str:
    """The last four letters or digits, fewer of a short value: never more than half of it."""
    plain = "".join(char for char in value if char.isalnum())
    return plain[-min(4, len(plain) // 2) :] if len(plain) > 1 else ""
