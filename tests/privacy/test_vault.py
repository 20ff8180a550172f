"""Keys and what rests under them: who can read, who cannot any more, and what is on record."""

from __future__ import annotations

import datetime as dt
import json
import stat
import threading
from pathlib import Path

import pytest

from aurora.audit.verify import verify
from aurora.errors import DataError, NotFoundError, NotReadyError, PermissionDeniedError, UsageError
from aurora.identity.keys import Identity
from aurora.privacy.cipher import Sealer, take_apart
from aurora.privacy.disclosure import erase, open_refused, opened_text, reveal
from aurora.privacy.tokens import last4, redaction, token_of
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from aurora.store.vault import Vault, vault_folder
from tests.privacy.conftest import NOW


def sealer(vault: Vault, subject: str = "P-1", column: str = "phone") -> Sealer:
    name = vault.subject_hash("party_id", subject)
    return Sealer(vault.keys([name], now=NOW)[name], tenant=vault.paths.tenant, contract="party", column=column)


def kinds(store: StateStore) -> list[str]:
    return [entry.kind for entry in store.after(0, 100)]


def test_the_same_value_is_the_same_text_for_one_person_and_column_only(vault: Vault):
    text = sealer(vault).seal("0501234567")
    assert text == sealer(vault).seal("0501234567")
    others = [sealer(vault, "P-2").seal("0501234567"), sealer(vault, column="email").seal("0501234567")]
    assert len({text, *others, sealer(vault).seal("0501234568")}) == 4


@pytest.mark.parametrize("change", ["column", "contract", "body"])
def test_a_value_that_was_moved_or_changed_does_not_open(vault: Vault, change: str):
    text = sealer(vault).seal("0501234567")
    moved = {
        "column": text.replace("party.phone", "party.email"),
        "contract": text.replace("party.phone", "lead.phone"),
        "body": text[:-3] + ("AAA" if not text.endswith("AAA") else "BBB"),
    }[change]
    with pytest.raises(DataError, match="changed or moved"):
        opened_text(vault, moved)


def test_another_tenant_opens_nothing_and_its_tokens_cannot_be_compared(vault: Vault, tmp_path: Path):
    text = sealer(vault).seal("0501234567")
    with Vault.open(create_tenant(tmp_path / "other", "rival", "ae-dubai")) as rival:
        with pytest.raises(NotFoundError):
            opened_text(rival, text)
        assert token_of(vault.token_key, "phone", "0501234567") != token_of(rival.token_key, "phone", "0501234567")


def test_a_reveal_needs_its_scope_and_a_reason_and_is_on_record_first(
    vault: Vault, store: StateStore, officer: Identity
):
    text = sealer(vault).seal("0501234567")
    assert reveal(store, vault, text, identity=officer, reason="access request DSR-17", now=NOW) == "0501234567"
    (entry,) = store.after(0, 10)
    body = json.loads(entry.body)
    assert (entry.kind, entry.actor_id, body["column_name"]) == ("privacy_reveal", "person:amal", "phone")
    assert b"0501234567" not in entry.body
    with pytest.raises(UsageError, match="reason"):
        reveal(store, vault, text, identity=officer, reason="why", now=NOW)
    reader = Identity(tenant="demo", actor_id="clara", prefix="p", scopes=frozenset({"read", "admin"}), rate_per_s=1)
    with pytest.raises(PermissionDeniedError, match="privacy:reveal"):
        reveal(store, vault, text, identity=reader, reason="access request DSR-17", now=NOW)
    assert kinds(store) == ["privacy_reveal"]
    assert verify(vault.paths).is_valid


def test_a_repair_opens_rows_and_what_is_sealed_inside_them_with_one_record(vault: Vault, store: StateStore):
    inner = sealer(vault).seal('say "hi"\n')
    row = json.dumps({"party_id": "P-1", "phone": inner})
    name = vault.subject_hash("quarantine", "rows")
    key = vault.keys([name], now=NOW)[name]
    outer = '"' + Sealer(key, tenant="demo", contract="party", column="raw_row").seal(row) + '"'
    opened = open_refused(
        store, vault, [outer, None, '{"a": 1}', row], actor_id="person:amal", reason="repair of batch 7", now=NOW
    )
    assert opened[1:3] == [None, '{"a": 1}']
    assert [json.loads(str(text))["phone"] for text in (opened[0], opened[3])] == ['say "hi"\n'] * 2
    assert kinds(store) == ["privacy_open"]


def test_a_destroyed_key_is_gone_from_the_vaults_bytes(vault: Vault):
    name = vault.subject_hash("party_id", "P-1")
    text = sealer(vault).seal("0501234567")
    sealer(vault, "P-2")
    file = vault_folder(vault.paths) / "keys.sqlite"
    wrapped = vault._connection.execute("SELECT wrapped FROM data_key WHERE subject_hash = ?", (name,)).fetchone()[0]
    assert wrapped in file.read_bytes()
    assert vault.destroy([name], now=NOW) == [take_apart(text).key_id]
    assert all(wrapped not in one.read_bytes() for one in file.parent.iterdir())
    with pytest.raises(NotFoundError, match="was erased"):
        opened_text(vault, text)
    assert sealer(vault).seal("0501234567") != text  # who comes back gets a new key
    assert vault.counts() == (2, 1)


def test_an_erasure_names_the_kind_where_an_id_stands_for_several(vault: Vault, store: StateStore, officer: Identity):
    hashes = [vault.subject_hash(kind, "7") for kind in ("party_id", "user_id")]
    vault.keys(hashes, now=NOW)
    with pytest.raises(UsageError, match="more than one subject"):
        erase(store, vault, "7", identity=officer, reason="erasure request", now=NOW)
    assert erase(
        store, vault, "7", identity=officer, reason="erasure request", now=NOW, kind="buyer_party_id"
    ).kinds == ("party_id",)
    assert vault.has_key(hashes[1])
    with pytest.raises(NotFoundError):
        erase(store, vault, "7", identity=officer, reason="erasure request", now=NOW, kind="party_id")
    assert kinds(store) == ["privacy_erasure"]


def test_a_person_known_by_a_phone_is_erased_by_that_phone(vault: Vault, store: StateStore, officer: Identity):
    stored = "whatsapp:" + redaction(vault.token_key, "phone", "+971501234567")
    name = vault.subject_hash("user_id", stored)
    vault.keys([name], now=NOW)
    erase(store, vault, "whatsapp:0501234567", identity=officer, reason="erasure request", now=NOW)
    assert not vault.has_key(name)


def test_processes_that_meet_a_person_at_once_share_one_key(paths: TenantPaths):
    found: list[str] = []

    def meet() -> None:
        with Vault.open(paths) as vault:
            names = [vault.subject_hash("party_id", f"P-{number}") for number in range(50)]
            found.append(repr(sorted((name, key.secret) for name, key in vault.keys(names, now=NOW).items())))

    threads = [threading.Thread(target=meet) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_keys_are_the_owners_alone_and_a_lost_master_key_is_said(paths: TenantPaths):
    with Vault.open(paths) as vault:
        vault.keys(["a"], now=NOW)
    folder = vault_folder(paths)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    (folder / "master.key").unlink()
    with pytest.raises(NotReadyError, match=r"master\.key is gone"):
        Vault.open(paths)
    (folder / "master.key").write_bytes(b"x" * 32)
    with Vault.open(paths) as vault, pytest.raises(NotReadyError, match="does not open"):
        vault.keys(["a"], now=dt.datetime.now(dt.UTC))


@pytest.mark.parametrize(
    ("identifier_class", "spellings"),
    [
        ("phone", ["050 123 4567", "+971 (0)50 123 4567", "00971501234567", "971501234567"]),
        ("email", ["Amal@Example.com", " amal@example.com "]),
        ("emirates_id", ["784-1990-1234567-1", "784199012345671"]),
        ("iban", ["ae07 0331 2345 6789 0123 456", "AE070331234567890123456"]),
    ],
)
def test_spellings_of_one_value_have_one_token(vault: Vault, identifier_class: str, spellings: list[str]):
    assert len({token_of(vault.token_key, identifier_class, text) for text in spellings}) == 1


def test_last4_never_shows_most_of_a_short_value():
    assert [last4(text) for text in ("4111 1111 1111 1234", "123456", "12", "1")] == ["1234", "456", "2", ""]
