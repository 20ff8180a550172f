"""Making a tenant ready: once, resumable, and with a key that nobody else reads."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from apps.bootstrap import prepare_tenant, seed_tenant, utc_now
from aurora.identity.keys import SCOPES, authenticate, create_key, prefix_of, revoke_key
from aurora.settings import Settings
from aurora.store.journal import StateReader
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore


def _files(paths: TenantPaths) -> dict[str, bytes]:
    found = (file for file in sorted(paths.landing.rglob("*")) if file.is_file())
    return {str(file.relative_to(paths.landing)): file.read_bytes() for file in found}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, shared_data_dir=tmp_path / "absent")


def test_preparing_again_changes_nothing_and_says_nothing(settings):
    said: list[str] = []
    first = prepare_tenant(settings, progress=said.append)
    token = first.key_file.read_text(encoding="utf-8")
    assert said == ["Making tenant demo in ae-dubai"]
    again = prepare_tenant(settings, progress=said.append)
    assert (again, len(said)) == (first, 1)
    assert again.key_file.read_text(encoding="utf-8") == token


def test_the_owners_key_works_and_is_readable_by_the_owner_alone(settings):
    prepared = prepare_tenant(settings, progress=lambda _: None)
    assert stat.S_IMODE(prepared.key_file.stat().st_mode) == 0o600
    with StateReader(prepared.paths) as state:
        identity = authenticate(state, prepared.key_file.read_text(encoding="utf-8").strip())
    assert (identity.tenant, identity.actor_id, identity.scopes) == ("demo", "owner", frozenset(SCOPES))


OLDER = ("admin", "decide", "ingest:write", "outcome", "override", "read")
"""What the owner's key could do in the first release."""


def older(settings: Settings, *, actor_id: str = "owner") -> tuple[TenantPaths, str]:
    """A tenant as an older release left it, and its owner's key."""
    paths = create_tenant(settings.data_dir, "demo", "ae-dubai")
    with StateStore.open(paths, clock=utc_now) as store:
        new = create_key(store, actor_id=actor_id, label="", scopes=OLDER, created_by="aurora up", now=utc_now())
    (paths.directory / "owner.key").write_text(new.token + "\n", encoding="utf-8")
    return paths, new.token


def scopes_of(paths: TenantPaths, token: str) -> frozenset[str]:
    with StateReader(paths) as state:
        return authenticate(state, token).scopes


def test_an_owners_key_of_an_older_release_may_do_what_is_new_and_is_the_same_key(settings):
    paths, token = older(settings)
    said: list[str] = []
    prepared = prepare_tenant(settings, progress=said.append)
    assert prepared.key_file.read_text(encoding="utf-8").strip() == token
    assert scopes_of(paths, token) == frozenset(SCOPES)
    assert len(said) == 1
    assert "finance:read" in said[0]
    prepare_tenant(settings, progress=said.append)
    with StateReader(paths) as state:
        told = [entry.kind for entry in state.about(prefix_of(token))]
    assert (told, len(said)) == (["key_created", "key_granted"], 1)


def test_a_key_that_is_not_the_owners_or_not_alive_is_left_as_it_is(settings):
    paths, token = older(settings, actor_id="person:amal")
    prepare_tenant(settings, progress=lambda _: None)
    assert scopes_of(paths, token) == frozenset(OLDER)
    with StateStore.open(paths, clock=utc_now) as store:
        revoke_key(store, prefix_of(token), revoked_by="owner", now=utc_now())
    prepare_tenant(settings, progress=lambda _: None)
    (paths.directory / "owner.key").write_text("no key at all", encoding="utf-8")
    prepare_tenant(settings, progress=lambda _: None)
    with StateReader(paths) as state:
        assert [row.scopes.split() for row in state.api_keys()] == [sorted(OLDER)]


def test_samples_are_dropped_once(settings):
    paths = create_tenant(settings.data_dir, "demo", "ae-dubai")
    seed_tenant(settings, paths, progress=lambda _: None)
    first = _files(paths)
    seed_tenant(settings, paths, progress=lambda _: None)
    assert _files(paths) == first
    assert len(first) >= 5


def test_a_start_that_was_killed_while_seeding_goes_on_with_the_same_files(settings):
    """Samples end at the moment of seeding: a second moment would drop a second set beside the first."""
    paths = create_tenant(settings.data_dir, "demo", "ae-dubai")
    begun = paths.landing / ".seeding"
    begun.write_text("2026-11-20T10:00:00+00:00", encoding="utf-8")
    seed_tenant(settings, paths, progress=lambda _: None)
    whole = _files(paths)
    (paths.landing / max(whole)).unlink()
    begun.write_text("2026-11-20T10:00:00+00:00", encoding="utf-8")
    seed_tenant(settings, paths, progress=lambda _: None)
    assert _files(paths) == whole
    assert not begun.exists()


def test_a_folder_that_somebody_filled_is_left_alone(settings):
    paths = create_tenant(settings.data_dir, "demo", "ae-dubai")
    (paths.landing / "mine").mkdir()
    (paths.landing / "mine" / "usage.csv").write_text("usage_id\n", encoding="utf-8")
    seed_tenant(settings, paths, progress=lambda _: None)
    assert list(_files(paths)) == ["mine/usage.csv"]
