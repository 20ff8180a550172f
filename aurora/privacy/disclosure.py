"""Reading protected values back, and erasing a person: each act leaves a record of who did it and why.

The record is durable before the value is shown or the key destroyed. It names the key, the contract and the
column, never the value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import msgspec

from aurora.errors import NotFoundError, UsageError
from aurora.identity.keys import Identity
from aurora.privacy.cipher import SEALED, Sealed, open_sealed, take_apart
from aurora.privacy.columns import subject_kind
from aurora.privacy.detection import find_in_id
from aurora.privacy.tokens import redaction
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord
from aurora.store.state import StateStore
from aurora.store.vault import Vault
from contracts import registry

_ENCODER = msgspec.json.Encoder(order="deterministic")
_MIN_REASON = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What an erasure did: keys destroyed, and the kinds of subject they belonged to."""

    kinds: tuple[str, ...]
    key_ids: tuple[str, ...]
    record_id: str

    def as_dict(self) -> dict[str, object]:
        """Every fact by name."""
        return asdict(self)


def reveal(store: StateStore, vault: Vault, text: str, *, identity: Identity, reason: str, now: dt.datetime) -> str:
    """The value behind a protected text, for a holder of the scope `privacy:reveal`.

    Errors: `PermissionDeniedError` without the scope, `DataError` for a text that is not protected or was
    changed, `NotFoundError` when it was erased. An attempt that fails is on record too.
    """
    identity.require("privacy:reveal")
    sealed = take_apart(text)
    body = {**_about(sealed), "reason": _checked(reason)}
    _record(store, "privacy_reveal", sealed.key_id, identity.actor_id, now, body)
    return open_sealed(sealed, vault.key(sealed.key_id), tenant=store.paths.tenant)


def open_refused(
    store: StateStore,
    vault: Vault,
    raw_rows: Sequence[str | None],
    *,
    actor_id: str,
    reason: str,
    now: dt.datetime,
) -> list[str | None]:
    """Refused rows as they came, for a repair; one record for all of them. Rows in clear are given back as they are.

    The caller has checked that the actor may repair. Values must go back through the door, not to a screen.
    """
    sealed = [take_apart(text) for text in raw_rows if text is not None and is_sealed(text)]
    if sealed:
        about = {"contracts": sorted({one.contract for one in sealed}), "row_count": len(sealed)}
        _record(store, "privacy_open", "quarantine", actor_id, now, {**about, "reason": _checked(reason)})
    return [None if text is None else opened_text(vault, text) for text in raw_rows]


def is_sealed(text: str) -> bool:
    """Whether a text is a protected value as a whole."""
    return SEALED.fullmatch(text.strip('"')) is not None


def opened_text(vault: Vault, text: str) -> str:
    """A text with every protected value in it opened, those inside an opened one too. It records nothing.

    `DataError` and `NotFoundError` as `reveal`.
    """
    tenant = vault.paths.tenant
    if is_sealed(text):
        sealed = take_apart(text)
        return opened_text(vault, open_sealed(sealed, vault.key(sealed.key_id), tenant=tenant))

    def opened(match_text: str) -> str:
        sealed = take_apart(match_text)
        return _in_json(open_sealed(sealed, vault.key(sealed.key_id), tenant=tenant))

    return SEALED.sub(lambda match: opened(match[0]), text)


def _in_json(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return msgspec.json.encode(text).decode()[1:-1]


def subject_kinds() -> tuple[str, ...]:
    """Kinds of subject that the contracts know, sorted."""
    return tuple(sorted({subject_kind(one.subject) for one in registry.tables().values() if one.subject}))


def erase(
    store: StateStore,
    vault: Vault,
    subject: str,
    *,
    identity: Identity,
    reason: str,
    now: dt.datetime,
    kind: str | None = None,
) -> Erasure:
    """Destroy a person's key: whatever was encrypted under it cannot be read again, by anybody, anywhere.

    `kind` is the column that names the person (`party_id`, `user_id`), needed where the id stands for more
    than one. Needs the scope `admin`. Errors: `NotFoundError` when there is no such key (any more),
    `UsageError` for an unknown or missing kind.
    """
    identity.require("admin")
    known = subject_kinds()
    wanted = known if kind is None else (subject_kind(kind),)
    if not set(wanted) <= set(known):
        raise UsageError(
            f"No contract has a subject of kind {kind!r}.",
            field="kind",
            rule="one_of",
            next_step=f"Choose from {', '.join(known)}.",
        )
    stored = stored_subject(vault, subject)
    hashes = {name: vault.subject_hash(name, stored) for name in wanted}
    held = [name for name in wanted if vault.has_key(hashes[name])]
    if not held:
        raise NotFoundError(
            "There is no key of that person: nothing was encrypted for them, or it was erased before.",
            field="subject",
            next_step="Check the id; `aurora audit` shows erasures as privacy_erasure.",
        )
    if len(held) > 1 and kind is None:
        raise UsageError(
            f"The id stands for more than one subject: {', '.join(held)}.",
            field="kind",
            rule="required",
            next_step=f"Say which one: --kind {held[0]}.",
        )
    body = {"kinds": held, "subject_hash": hashes[held[0]], "reason": _checked(reason)}
    record_id = _record(store, "privacy_erasure", hashes[held[0]], identity.actor_id, now, body)
    key_ids = vault.destroy([hashes[name] for name in held], now=now)
    return Erasure(kinds=tuple(held), key_ids=tuple(key_ids), record_id=record_id)


def stored_subject(vault: Vault, subject: str) -> str:
    """The subject's id as the lake holds it: an id that is itself an identifier rests redacted."""
    parts: list[str] = []
    at = 0
    for found in find_in_id(subject):
        parts += [subject[at : found.start], redaction(vault.token_key, found.identifier_class, found.value)]
        at = found.end
    return "".join(parts) + subject[at:]


def _about(sealed: Sealed) -> dict[str, object]:
    return {"key_id": sealed.key_id, "contract": sealed.contract, "column_name": sealed.column}


def _checked(reason: str) -> str:
    if len(reason.strip()) < _MIN_REASON:
        raise UsageError(
            "A reason of at least eight characters is needed: it stands in the audit log.",
            field="reason",
            rule="at_least",
            next_step='Say what for, such as --reason "access request DSR-17".',
        )
    return reason.strip()[:500]


def _record(
    store: StateStore, kind: str, subject_id: str, actor_id: str, now: dt.datetime, body: Mapping[str, object]
) -> str:
    record_id = IdMaker(lambda: now).new("prv")
    record = JournalRecord(
        record_id=record_id,
        kind=kind,
        subject_id=subject_id,
        actor_id=actor_id,
        recorded_at=now,
        body=_ENCODER.encode(body),
    )
    store.append([record]).result()
    return record_id
