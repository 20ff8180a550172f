"""API keys: made once and shown once, kept as a hash, limited to scopes, bound to one tenant and actor.

A key reads `aur_<tenant>.<id>_<secret>`. `<tenant>.<id>` is its prefix: it may be shown and logged, and
it says which state database knows the key, so that a tenant never comes from a request body.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import msgspec

from aurora.errors import AuthenticationError, ConflictError, NotFoundError, PermissionDeniedError, UsageError
from aurora.store.credentials import insert_api_key, revoke_api_key, widen_api_key
from aurora.store.ids import IdMaker
from aurora.store.journal import ApiKeyRow, IdempotencyKey, JournalRecord, StateReader, time_text
from aurora.store.state import StateStore

Scope = Literal[
    "decide",
    "outcome",
    "override",
    "read",
    "ingest:write",
    "ingest:any_source",
    "handoff:write",
    "command:write",
    "quarantine:write",
    "privacy:reveal",
    "filing:read",
    "filing:write",
    "filing:approve",
    "suspicion:read",
    "finance:read",
    "kpi:write",
    "admin",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a key may do; `admin` also makes and revokes keys. No scope contains another."""

DEFAULT_RATE_PER_S = 1000
_TOKEN = re.compile(r"aur_(?P<prefix>(?P<tenant>[a-z][a-z0-9_\-]{0,62})\.[0-9a-f]{12})_(?P<secret>[0-9a-f]{48})")
_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@\-]{0,127}")
_ENCODER = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a request comes from and how far it reaches."""

    tenant: str
    actor_id: str
    prefix: str
    scopes: frozenset[str]
    rate_per_s: int

    def require(self, scope: Scope) -> None:
        """`PermissionDeniedError` unless the key has the scope."""
        if scope not in self.scopes:
            raise PermissionDeniedError(
                f"The key {self.prefix} may not do this: it lacks the scope {scope!r}.",
                field="Authorization",
                rule=f"scope:{scope}",
                next_step=f"An administrator grants it, `aurora key grant {self.prefix} --scope {scope}`, or use a key "
                "that has it.",
            )


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment when its secret is known."""

    token: str = field(repr=False)
    row: ApiKeyRow


def create_key(
    store: StateStore,
    *,
    actor_id: str,
    label: str,
    scopes: Sequence[str],
    created_by: str,
    now: dt.datetime,
    rate_per_s: int = DEFAULT_RATE_PER_S,
    random_hex: Callable[[int], str] = secrets.token_hex,
    answered: Callable[[ApiKeyRow], IdempotencyKey] | None = None,
) -> NewKey:
    """Make a key for an assistant or a person of the store's tenant, and journal that it was made.

    `answered` gives the idempotency key to be recorded with it, where the request had one.
    """
    _check_scopes(scopes)
    if not _ACTOR.fullmatch(actor_id):
        raise UsageError(
            f"The actor id {actor_id[:80]!r} is not an id.",
            field="actor_id",
            rule="matches " + _ACTOR.pattern,
            next_step="Use letters, digits and _ . : @ -, such as person:amal or propertygpt.",
        )
    if rate_per_s < 1:
        raise UsageError(
            "A key's rate must be at least 1 a second.",
            field="rate_per_s",
            rule="at_least",
            next_step="Give a rate of 1 or more.",
        )
    prefix = f"{store.paths.tenant}.{random_hex(6)}"
    token = f"aur_{prefix}_{random_hex(24)}"
    row = ApiKeyRow(
        prefix=prefix,
        secret_hash=_hash(token),
        actor_id=actor_id,
        label=label[:256],
        scopes=" ".join(sorted(set(scopes))),
        rate_per_s=rate_per_s,
        created_at=time_text(now),
        revoked_at=None,
    )
    event = {
        "prefix": prefix,
        "actor_id": actor_id,
        "label": row.label,
        "scopes": row.scopes.split(),
        "rate_per_s": rate_per_s,
    }
    record = _event("key_created", prefix, created_by, now, event)
    once = None if answered is None else answered(row)
    store.append([record], idempotency=once, statements=insert_api_key(row)).result()
    return NewKey(token, row)


def grant_scopes(
    store: StateStore, prefix: str, scopes: Sequence[str], *, granted_by: str, now: dt.datetime
) -> ApiKeyRow:
    """Widen a key, such as one that was made before a scope existed; running processes see it within seconds.

    A key that has them all is left as it is. Errors: `UsageError` for an unknown scope, `NotFoundError` for a key that
    is none of the tenant's, `ConflictError` for one that was revoked.
    """
    _check_scopes(scopes)
    row = _live_key(store, prefix)
    held = set(row.scopes.split())
    added = sorted(set(scopes) - held)
    if not added:
        return row
    scopes_now = " ".join(sorted({*held, *added}))
    event = _event("key_granted", prefix, granted_by, now, {"prefix": prefix, "scopes": added})
    store.append([event], statements=widen_api_key(prefix, scopes_now)).result()
    return replace(row, scopes=scopes_now)


def revoke_key(store: StateStore, prefix: str, *, revoked_by: str, now: dt.datetime) -> None:
    """End a key; running processes see it within seconds. `NotFoundError` when the tenant has no such key."""
    _live_key(store, prefix)
    event = _event("key_revoked", prefix, revoked_by, now, {"prefix": prefix})
    store.append([event], statements=revoke_api_key(prefix, now)).result()


def _check_scopes(scopes: Sequence[str]) -> None:
    wrong = sorted(set(scopes) - set(SCOPES))
    if wrong or not scopes:
        raise UsageError(
            f"There is no scope {wrong[0]!r}." if wrong else "A key needs at least one scope.",
            field="scopes",
            rule="one_of",
            next_step=f"Choose from {', '.join(SCOPES)}.",
        )


def _live_key(store: StateStore, prefix: str) -> ApiKeyRow:
    row = store.api_key(prefix)
    if row is None:
        raise NotFoundError(
            f"There is no key {prefix!r} in this tenant.", field="prefix", next_step="`aurora key list` shows them."
        )
    if row.revoked_at is not None:
        raise ConflictError(
            f"The key {prefix} was revoked at {row.revoked_at}.",
            field="prefix",
            next_step="`aurora key create` makes one.",
        )
    return row


def tenant_of(token: str) -> str:
    """The tenant that a key names; `AuthenticationError` when it is not a key. It proves nothing yet."""
    return prefix_of(token).partition(".")[0]


def prefix_of(token: str) -> str:
    """The prefix that a key names; `AuthenticationError` when it is not a key. It proves nothing yet."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise refused("This is not an Aurora API key")
    return match["prefix"]


def authenticate(reader: StateReader, token: str) -> Identity:
    """Who holds this key; `AuthenticationError` when it is unknown, wrong or revoked."""
    match = _TOKEN.fullmatch(token)
    if match is None or match["tenant"] != reader.paths.tenant:
        raise refused("This is not an API key of this tenant")
    row = reader.api_key(match["prefix"])
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(token)):
        raise refused("The API key is not known")
    if row.revoked_at is not None:
        raise refused(f"The API key {row.prefix} was revoked")
    return Identity(
        tenant=reader.paths.tenant,
        actor_id=row.actor_id,
        prefix=row.prefix,
        scopes=frozenset(row.scopes.split()),
        rate_per_s=row.rate_per_s,
    )


def refused(why: str) -> AuthenticationError:
    """The error for a credential that does not hold."""
    return AuthenticationError(
        f"{why}.",
        field="Authorization",
        rule="bearer",
        next_step="Send `Authorization: Bearer aur_...`; an administrator makes keys with `aurora key create`.",
    )


def _hash(token: str) -> bytes:
    """One round is enough: the secret is 192 random bits, not a password."""
    return hashlib.sha256(token.encode()).digest()


def _event(kind: str, prefix: str, actor_id: str, now: dt.datetime, body: dict[str, object]) -> JournalRecord:
    return JournalRecord(
        record_id=IdMaker(lambda: now).new("key"),
        kind=kind,
        subject_id=prefix,
        actor_id=actor_id,
        recorded_at=now,
        body=_ENCODER.encode(body),
    )
