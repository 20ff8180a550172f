"""API keys: shown once, hashed at rest, limited, revocable, bound to one tenant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora.errors import AuthenticationError, ConflictError, NotFoundError, PermissionDeniedError, UsageError
from aurora.identity.keys import SCOPES, NewKey, authenticate, create_key, grant_scopes, revoke_key, tenant_of
from aurora.store.paths import create_tenant
from aurora.store.state import StateStore

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def open_store(tmp_path: Path, tenant: str) -> StateStore:
    return StateStore.open(create_tenant(tmp_path, tenant, "ae-dubai"), clock=lambda: NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with open_store(tmp_path, "demo") as opened:
        yield opened


def make(store: StateStore, **changes: object) -> NewKey:
    given: dict[str, object] = {
        "actor_id": "propertygpt", "label": "PropertyGPT", "scopes": ["decide", "read"], "created_by": "person:amal", "now": NOW,
    }  # fmt: skip
    return create_key(store, **(given | changes))  # type: ignore[arg-type]


def test_a_key_says_who_it_is_and_how_far_it_reaches(store: StateStore):
    identity = authenticate(store, make(store, rate_per_s=7).token)
    assert (identity.tenant, identity.actor_id, identity.rate_per_s) == ("demo", "propertygpt", 7)
    identity.require("decide")
    with pytest.raises(PermissionDeniedError, match="lacks the scope 'admin'"):
        identity.require("admin")


def test_the_secret_is_nowhere_in_the_database_and_never_in_a_repr(store: StateStore):
    key = make(store)
    secret = key.token.rpartition("_")[2]
    store.close()
    folder = store.paths.directory
    assert all(secret.encode() not in file.read_bytes() for file in folder.glob("state.sqlite*"))
    assert secret not in repr(key)


def test_a_key_names_its_tenant_and_no_other_tenant_takes_it(store: StateStore, tmp_path: Path):
    key = make(store)
    assert tenant_of(key.token) == "demo"
    with open_store(tmp_path, "other") as other:
        for token in (key.token, key.token.replace("aur_demo.", "aur_other.")):
            with pytest.raises(AuthenticationError):
                authenticate(other, token)


@pytest.mark.parametrize("token", ["", "aur_", "Bearer x", "aur_demo.00_11", "aur_../../x.000000000000_" + "0" * 48])
def test_what_is_not_a_key_is_refused(store: StateStore, token: str):
    with pytest.raises(AuthenticationError):
        tenant_of(token)
    with pytest.raises(AuthenticationError):
        authenticate(store, token)


def test_a_wrong_secret_is_refused(store: StateStore):
    token = make(store).token
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    with pytest.raises(AuthenticationError, match="not known"):
        authenticate(store, wrong)


def test_a_revoked_key_ends_and_the_change_is_counted_and_journalled(store: StateStore):
    key = make(store)
    version = store.api_keys_version()
    revoke_key(store, key.row.prefix, revoked_by="person:amal", now=NOW)
    assert store.api_keys_version() == version + 1
    with pytest.raises(AuthenticationError, match="revoked"):
        authenticate(store, key.token)
    assert [entry.kind for entry in store.about(key.row.prefix)] == ["key_created", "key_revoked"]
    with pytest.raises(ConflictError):
        revoke_key(store, key.row.prefix, revoked_by="person:amal", now=NOW)


def test_a_key_is_widened_by_name_and_the_journal_says_by_whom(store: StateStore):
    key = make(store, scopes=["read"])
    with pytest.raises(PermissionDeniedError) as caught:
        authenticate(store, key.token).require("finance:read")
    assert f"aurora key grant {key.row.prefix} --scope finance:read" in str(caught.value.next_step)
    version = store.api_keys_version()
    grant_scopes(store, key.row.prefix, ["finance:read", "read"], granted_by="owner", now=NOW)
    authenticate(store, key.token).require("finance:read")
    assert authenticate(store, key.token).scopes == {"read", "finance:read"}
    assert store.api_keys_version() == version + 1
    assert [(entry.kind, entry.actor_id) for entry in store.about(key.row.prefix)][-1] == ("key_granted", "owner")
    grant_scopes(store, key.row.prefix, ["read"], granted_by="owner", now=NOW)
    assert store.api_keys_version() == version + 1


def test_what_cannot_be_widened_is_named(store: StateStore):
    key = make(store)
    with pytest.raises(UsageError, match="no scope 'fly'"):
        grant_scopes(store, key.row.prefix, ["fly"], granted_by="owner", now=NOW)
    with pytest.raises(NotFoundError):
        grant_scopes(store, "demo.000000000000", ["read"], granted_by="owner", now=NOW)
    revoke_key(store, key.row.prefix, revoked_by="owner", now=NOW)
    with pytest.raises(ConflictError, match="revoked"):
        grant_scopes(store, key.row.prefix, SCOPES, granted_by="owner", now=NOW)
    assert store.api_key(key.row.prefix).scopes == "decide read"


def test_an_unknown_prefix_cannot_be_revoked(store: StateStore):
    with pytest.raises(NotFoundError):
        revoke_key(store, "demo.000000000000", revoked_by="person:amal", now=NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scopes": ["fly"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"actor_id": "no spaces"}, "actor_id"),
        ({"rate_per_s": 0}, "rate_per_s"),
    ],
)
def test_a_key_that_makes_no_sense_names_the_field(store: StateStore, changes: dict[str, object], field: str):
    with pytest.raises(UsageError) as caught:
        make(store, **changes)
    assert caught.value.field == field
