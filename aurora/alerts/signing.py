"""Signatures of webhooks as Standard Webhooks has them: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

https://www.standardwebhooks.com: HMAC-SHA256 over `id.timestamp.body`, base64, with the version `v1` before it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from aurora.errors import DataError

PREFIX: Final = "whsec_"
TOLERANCE: Final = dt.timedelta(minutes=5)
_MIN_BYTES: Final = 24


def signed_headers(secret: str, *, webhook_id: str, body: bytes, now: dt.datetime) -> dict[str, str]:
    """The three headers of a message. `DataError` for a secret that is no base64 of at least 24 bytes."""
    stamp = str(int(now.timestamp()))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{_signature(secret, webhook_id, stamp, body)}",
    }


def is_authentic(secret: str, headers: Mapping[str, str], body: bytes, *, now: dt.datetime) -> bool:
    """Whether a message bears a right signature and is not older or newer than the tolerance: for receivers."""
    webhook_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        return False
    right = f"v1,{_signature(secret, webhook_id, stamp, body)}"
    return any(hmac.compare_digest(right, one) for one in headers.get("webhook-signature", "").split(" "))


def _signature(secret: str, webhook_id: str, stamp: str, body: bytes) -> str:
    signed = f"{webhook_id}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < _MIN_BYTES:
        raise DataError(
            "The webhook's secret is no base64 of at least 24 bytes.",
            field="secret",
            rule="webhook_secret",
            next_step="Make one: `openssl rand -base64 32`, with whsec_ before it.",
        )
    return key
