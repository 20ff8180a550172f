"""Idempotency-Key: the same request sent again gets the answer it got, and nothing happens twice.

The answer is stored in the transaction of what it answers (`StateStore.append`), so that no crash parts them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from apps.api.admission import Admitted
from aurora.errors import ConflictError, DataError, UsageError
from aurora.store.journal import IdempotencyKey

REPLAYED = (b"idempotency-replayed", b"true")
_MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's hold on its key. `stored` is the answer it was given before, if it was."""

    actor_id: str
    key: str
    request_hash: bytes
    stored: IdempotencyKey | None

    def answered(self, status: int, response: bytes) -> IdempotencyKey:
        """The answer to be stored."""
        return IdempotencyKey(self.actor_id, self.key, self.request_hash, status, response)


@contextmanager
def claimed(admitted: Admitted, raw_key: bytes, *, act: str, body: bytes) -> Iterator[Claim]:
    """Hold the caller's key while its request is answered.

    Errors: `UsageError` for what is no key, `ConflictError` while the same key is being answered, `DataError`
    when it was used for another act or body.
    """
    key = _checked(raw_key)
    runtime, actor_id = admitted.runtime, admitted.identity.actor_id
    slot = (actor_id, key)
    if slot in runtime.in_flight:
        raise ConflictError(
            f"A request with the idempotency key {key!r} is being answered.",
            field="Idempotency-Key",
            rule="in_flight",
            next_step="Wait for its answer, or send the same request again a moment later.",
        )
    request_hash = hashlib.sha256(f"{act}\n".encode() + body).digest()
    stored = runtime.store.answered(actor_id, key)
    if stored is not None and stored.request_hash != request_hash:
        raise DataError(
            f"The idempotency key {key!r} was used for another request.",
            field="Idempotency-Key",
            rule="same_request",
            next_step="Use a new key for a new request.",
        )
    runtime.in_flight.add(slot)
    try:
        yield Claim(actor_id, key, request_hash, stored)
    finally:
        runtime.in_flight.discard(slot)


def _checked(value: bytes) -> str:
    if not 0 < len(value) <= _MAX_KEY or not value.isascii() or not value.decode().isprintable():
        raise UsageError(
            f"The Idempotency-Key must be 1 to {_MAX_KEY} printable ASCII characters.",
            field="Idempotency-Key",
            rule="matches",
            next_step="Send a random id, such as a UUID, a new one for each new request.",
        )
    return value.decode()
