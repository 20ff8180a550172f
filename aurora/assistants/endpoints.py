"""Where each assistant of a tenant is reached.

Whoever connects an assistant over HTTP may name public addresses, and those that the operator listed in
AURORA_ASSISTANTS_ALLOWED. The operator on the command line may also name this very machine (loopback), for that
assistant alone. The rule holds when an assistant is connected and again for each connection that is opened.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from typing import Final

from aurora.errors import DataError, NotFoundError, UsageError
from aurora.ingest.fetching import checked_addresses, url_parts
from aurora.settings import Settings
from aurora.store.fleet import EndpointRow, drop_endpoint, endpoints, put_endpoint
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord, StateReader, time_text
from aurora.store.paths import TenantPaths
from aurora.store.state import Statement
from contracts.messages.commands import Endpoint, EndpointRequest
from contracts.messages.decisions import canonical

SETTING: Final = "AURORA_ASSISTANTS_ALLOWED"
_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_SECRET: Final = re.compile(r"env:(?P<variable>ASSISTANT_[A-Z0-9_]{1,60})|file:(?P<file>[a-z0-9][a-z0-9_.\-]{0,63})")
Change = tuple[JournalRecord, list[Statement]]
"""A record and the statements that run in its transaction."""


def allowed_for(endpoint: Endpoint, settings: Settings) -> tuple[str, ...]:
    """Addresses besides public ones that may be connected to for this endpoint."""
    return settings.assistants_allowed_hosts + (_LOOPBACK if endpoint.is_local else ())


def connect(
    wanted: EndpointRequest,
    settings: Settings,
    *,
    assistant_id: str,
    actor_id: str,
    is_local: bool,
    now: dt.datetime,
) -> tuple[Endpoint, Change]:
    """The endpoint and what makes it so. `UsageError` for an address that may not be connected to."""
    endpoint = Endpoint(
        assistant_id=assistant_id,
        base_url=wanted.base_url.rstrip("/"),
        secret=wanted.secret,
        is_local=is_local,
        connected_at=now,
        actor_id=actor_id,
    )
    if wanted.secret is not None and not _SECRET.fullmatch(wanted.secret):
        raise _wrong_secret("it must be env:ASSISTANT_<NAME> or file:<name>, never the secret itself")
    host, port, _, target = url_parts(endpoint.base_url)
    if "?" in target or "#" in target:
        raise UsageError(
            f"{endpoint.base_url[:200]!r} has a query; the base of an assistant's addresses has none.",
            field="base_url",
            rule="url",
            next_step="Name what stands before /api/<assistant>/status, such as https://assistants.example.com.",
        )
    checked_addresses(host, port, allowed_for(endpoint, settings), setting=SETTING)
    row = EndpointRow(assistant_id, endpoint.base_url, wanted.secret, is_local, time_text(now), actor_id)
    return endpoint, (_event("assistant_connected", endpoint, actor_id, now), put_endpoint(row))


def disconnect(state: StateReader, assistant_id: str, *, actor_id: str, now: dt.datetime) -> Change:
    """What disconnects an assistant; `NotFoundError` when it is not connected."""
    endpoint = endpoint_of(state, assistant_id)
    return _event("assistant_disconnected", endpoint, actor_id, now), drop_endpoint(assistant_id)


def connected(state: StateReader) -> dict[str, Endpoint]:
    """Every connected assistant, by id."""
    return {row.assistant_id: _endpoint(row) for row in endpoints(state)}


def endpoint_of(state: StateReader, assistant_id: str) -> Endpoint:
    """The assistant's endpoint; `NotFoundError` when it has none."""
    found = connected(state).get(assistant_id)
    if found is None:
        raise NotFoundError(
            f"The assistant {assistant_id[:64]!r} is not connected.",
            field="assistant_id",
            next_step=f"`aurora assistant connect {assistant_id[:64]} URL` connects it.",
        )
    return found


def bearer(endpoint: Endpoint, paths: TenantPaths, environ: Mapping[str, str] = os.environ) -> str | None:
    """The token that Aurora shows the assistant; `DataError` when the endpoint names one that is not there."""
    match = _SECRET.fullmatch(endpoint.secret or "")
    if match is None:
        return None
    if match["variable"]:
        token = environ.get(match["variable"], "")
    else:
        file = paths.directory / "secrets" / match["file"]
        token = file.read_text(encoding="utf-8") if file.is_file() else ""
    if not token.strip():
        raise _wrong_secret(f"{endpoint.secret} holds nothing")
    return token.strip()


def _endpoint(row: EndpointRow) -> Endpoint:
    return Endpoint(
        assistant_id=row.assistant_id,
        base_url=row.base_url,
        secret=row.secret,
        is_local=row.is_local,
        connected_at=dt.datetime.fromisoformat(row.connected_at),
        actor_id=row.actor_id,
    )


def _event(kind: str, endpoint: Endpoint, actor_id: str, now: dt.datetime) -> JournalRecord:
    return JournalRecord(
        record_id=IdMaker(lambda: now).new("ast"),
        kind=kind,
        subject_id=endpoint.assistant_id,
        actor_id=actor_id,
        recorded_at=now,
        body=canonical(endpoint),
    )


def _wrong_secret(problem: str) -> DataError:
    return DataError(
        f"The field secret: {problem}.",
        field="secret",
        rule="secret",
        next_step="Put the token into the environment or into the tenant's secrets folder, and name it.",
    )
