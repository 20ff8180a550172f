"""Who may come in: bearer keys, scopes and a token bucket a key. The tenant follows from the key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from apps.api.problems import RateLimitError
from apps.api.tenants import TenantRuntime, Tenants
from aurora.identity.keys import Identity, Scope, authenticate, refused, tenant_of

Header = tuple[bytes, bytes]
_MAX_CACHED = 10_000
_NO_NAME = re.compile(r"[^a-z0-9_\-]+")


class Admitted:
    """A key that was let in, with its bucket: `rate_per_s` requests a second, and as many at once."""

    __slots__ = ("_at", "_rate", "_tokens", "identity", "policy_header", "runtime")

    def __init__(self, identity: Identity, runtime: TenantRuntime, now: float) -> None:
        self.identity = identity
        self.runtime = runtime
        self._rate = float(identity.rate_per_s)
        self._tokens = self._rate
        self._at = now
        self.policy_header: Header = (b"ratelimit-policy", b'"key";q=%d;w=1' % identity.rate_per_s)

    def spend(self, now: float) -> None:
        """Take one token; `RateLimitError` when there is none."""
        tokens = self._tokens + (now - self._at) * self._rate
        self._at = now
        if tokens > self._rate:
            tokens = self._rate
        if tokens < 1.0:
            self._tokens = tokens
            raise RateLimitError(
                f"The key {self.identity.prefix} may send {self.identity.rate_per_s} requests a second.",
                field="Authorization",
                rule="rate_per_s",
                next_step="Wait for Retry-After and send it again; the same Idempotency-Key makes that safe.",
                headers=self.limit_headers(),
            )
        self._tokens = tokens - 1.0

    @property
    def source(self) -> str:
        """The caller as a source of rows: its actor id as a plain name."""
        name = _NO_NAME.sub("_", self.identity.actor_id.lower()).strip("_-")
        return (name if name[:1].isalpha() else f"s_{name}")[:63]

    def limit_headers(self) -> tuple[Header, Header]:
        """The RateLimit headers of a reply."""
        return self.policy_header, self.limit_header()

    def limit_header(self) -> Header:
        """What is left of the key's rate."""
        return b"ratelimit", b'"key";r=%d;t=1' % self._tokens


class Admission:
    """Lets requests in. Keys are looked up once and forgotten when any key changes."""

    def __init__(self, tenants: Tenants, *, monotonic: Callable[[], float]) -> None:
        self._tenants = tenants
        self._monotonic = monotonic
        self._known: dict[bytes, Admitted] = {}
        self._buckets: dict[str, Admitted] = {}
        tenants.on_keys_changed(self._known.clear)

    def admit(self, authorization: bytes | None, scope: Scope) -> Admitted:
        """The caller, if the key holds, reaches this far and is within its rate."""
        if authorization is None:
            raise refused("The request carries no API key")
        digest = hashlib.sha256(authorization).digest()  # a cache of hashes: no secret stays in memory
        admitted = self._known.get(digest)
        if admitted is None:
            admitted = self._look_up(authorization, digest)
        if scope not in admitted.identity.scopes:
            admitted.identity.require(scope)
        admitted.spend(self._monotonic())
        return admitted

    def knows(self, digest: bytes) -> bool:
        """Whether the caller with that hash of its Authorization was let in, and no key changed since."""
        return digest in self._known

    def admit_again(self, digest: bytes, scope: Scope) -> Admitted | None:
        """As `admit`, by the hash; None when the key must be looked up anew."""
        admitted = self._known.get(digest)
        if admitted is not None:
            if scope not in admitted.identity.scopes:
                admitted.identity.require(scope)
            admitted.spend(self._monotonic())
        return admitted

    def _look_up(self, authorization: bytes, digest: bytes) -> Admitted:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise refused("The Authorization header is not a bearer key")
        runtime = self._tenants.runtime(tenant_of(token.strip()))
        identity = authenticate(runtime.store, token.strip())
        known = self._buckets.get(identity.prefix)
        if known is None or known.identity != identity:
            known = Admitted(identity, runtime, self._monotonic())
            self._buckets[identity.prefix] = known
        if len(self._known) >= _MAX_CACHED:
            self._known.clear()
        self._known[digest] = known
        return known
