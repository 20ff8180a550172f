"""Rows through the real door into a real lake: what is protected, what is refused, what is left as it was."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from aurora.audit.verify import verify
from aurora.errors import NotFoundError
from aurora.identity.keys import Identity
from aurora.ingest.batch import ingest_file
from aurora.ingest.portions import BatchOrigin
from aurora.privacy.cipher import SEALED
from aurora.privacy.columns import ColumnPlan, TablePlan, table_plan
from aurora.privacy.disclosure import erase, opened_text
from aurora.privacy.door import Door, Doorkeeper
from aurora.store.state import StateStore
from aurora.store.vault import Vault
from benchmarks.identifiers import KINDS
from contracts import registry
from contracts.field import Field
from tests.privacy.conftest import NOW, Crm

AMAL = {
    "phone": "050 123 4567",
    "email": "Amal@Example.com",
    "emirates_id": "784-1990-1234567-1",
    "iban": "AE07 0331 2345 6789 0123 456",
}


def party(number: int, **changed: Any) -> dict[str, Any]:
    row = {
        "party_id": f"P-{number}",
        "party_kind": "natural",
        "full_name": "Amal Haddad",
        "updated_at": f"2026-09-{1 + number % 28:02d}T10:00:00Z",
        "is_sample": False,
    }
    return {key: value for key, value in {**row, **changed}.items() if value is not None}


def usage(number: int, **changed: Any) -> dict[str, Any]:
    row = {
        "usage_id": f"call-{number}",
        "occurred_at": "2026-09-02T10:00:00Z",
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 1000 + number,
        "output_tokens": 100,
    }
    return {**row, **changed}


def note(number: int, text: str) -> dict[str, Any]:
    return {
        "evaluation_id": f"e-{number}",
        "evaluation_name": "tone",
        "evaluator": "human",
        "occurred_at": "2026-09-02T10:00:00Z",
        "score_value": 0.5,
        "note": text,
    }


def test_declared_columns_are_encrypted_under_the_persons_key_and_tokens_match_across_spellings(crm: Crm, vault: Vault):
    assert crm.bring("party", [party(1, **AMAL), party(2, phone="+971501234567", email="amal@example.com")]).good == 2
    first, second = crm.look("SELECT * FROM raw.party ORDER BY party_id").to_dicts()
    for name, value in AMAL.items():
        assert SEALED.fullmatch(first[name])
        assert opened_text(vault, first[name]) == value
    assert first["phone"] != second["phone"]
    assert first["phone_token"] == second["phone_token"]
    assert first["email_token"] == second["email_token"]
    assert second["iban"] is None
    assert second["iban_token"] is None


@pytest.mark.usefixtures("store")
def test_no_planted_value_rests_in_clear_anywhere_in_the_tenants_folder(crm: Crm):
    draw = random.Random(7)
    planted = {kind: KINDS[kind](draw) for kind in KINDS}
    crm.bring(
        "party", [party(1, **AMAL), party(2, **{**AMAL, "party_kind": "no kind at all"}), {"party_id": "P-3", **AMAL}]
    )
    crm.bring("usage", [usage(number, user_id=value) for number, value in enumerate(planted.values())], "u.ndjson")
    crm.bring(
        "usage", [usage(90, user_id=planted["phone"], output_tokens="x"), "not json " + planted["email"]], "bad.ndjson"
    )
    crm.bring(
        "evaluation",
        [note(number, f"write to {value} now") for number, value in enumerate(planted.values())],
        "n.ndjson",
    )
    at_rest = crm.bytes_at_rest()
    assert len(at_rest) > 100_000
    for value in (*AMAL.values(), *planted.values()):
        assert value.encode() not in at_rest, value
        assert value.replace(" ", "").encode() not in at_rest, value


def test_the_same_row_again_is_a_duplicate_and_a_changed_one_a_conflict(crm: Crm):
    row = party(1, **AMAL)
    assert crm.bring("party", [row, row]).duplicates == 1
    again = crm.bring("party", [row, party(2)], "later.ndjson")
    assert (again.good, again.duplicates) == (1, 1)
    changed = crm.bring("party", [{**row, "phone": "0507654321"}], "changed.ndjson")
    assert (changed.good, changed.quarantined) == (0, 1)


def test_identifiers_in_ids_free_text_and_json_give_way_to_a_token(crm: Crm):
    crm.bring(
        "usage",
        [usage(1, user_id="+971 50 123 4567"), usage(2, user_id="whatsapp:+971501234567"), usage(3, user_id="u-1")],
    )
    crm.bring("evaluation", [note(1, "call 0501234567 or amal@example.com, she is diabetic")], "n.ndjson")
    first, second, third = crm.look("SELECT user_id FROM raw.usage ORDER BY usage_id")["user_id"]
    assert third == "u-1"
    assert first.startswith("[phone ****4567 tok_")
    assert second == "whatsapp:" + first
    (text,) = crm.look("SELECT note FROM raw.evaluation")["note"]
    assert text.startswith(f"call {first} or [email tok_")
    assert text.endswith(", she is diabetic")
    findings = crm.look("SELECT column_name, identifier_class, privacy_action, finding_count FROM raw.privacy_finding")
    assert {
        ("user_id", "phone", "redacted", 2),
        ("user_id", "personal", "kept", 1),
        ("note", "email", "redacted", 1),
        ("note", "health", "flagged", 1),
    } <= set(findings.rows())


def test_json_stays_json_and_named_keys_are_protected(crm: Crm):
    arguments = {
        "to": {"fullName": "Amal Haddad", "phone": 971501234567},
        "ids": [784199012345671, 12],
        "text": "ok",
        "price": 1.5,
    }
    row = {
        "command_id": "c-1", "assistant_id": "clara", "command_kind": "notify", "actor_id": "person:omar", "command_state": "issued",
        "control_level": "read_write", "issued_at": "2026-09-02T10:00:00Z", "updated_at": "2026-09-02T10:00:00Z",
        "arguments": json.dumps(arguments),
    }  # fmt: skip
    assert crm.bring("command", [row]).good == 1
    (stored,) = crm.look("SELECT arguments FROM raw.command")["arguments"]
    read = json.loads(stored)
    assert read["to"]["fullName"].startswith("[name tok_")
    assert read["to"]["phone"].startswith("[phone ****4567")
    assert read["ids"][0].startswith("[emirates_id ****5671")
    assert read["ids"][1:] == [12]
    assert (read["text"], read["price"]) == ("ok", 1.5)


def test_a_refused_row_rests_encrypted_and_its_reason_shows_no_protected_value(crm: Crm, vault: Vault):
    assert crm.bring("usage", [usage(1, user_id="client-7", output_tokens="seven")]).quarantined == 1
    (refused,) = crm.look("SELECT raw_row, reason FROM raw.quarantine").to_dicts()
    assert SEALED.fullmatch(json.loads(refused["raw_row"]))
    assert json.loads(opened_text(vault, refused["raw_row"]))["user_id"] == "client-7"
    assert refused["reason"].startswith("output_tokens is seven. It must be a whole number.")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_row_of_a_region_that_is_not_allowed_is_refused_and_not_kept(crm: Crm, region: str):
    rows = [usage(1, region=region, user_id="client-99"), usage(2, region="ae-dubai"), usage(3)]
    report = crm.bring("usage", rows)
    assert (report.good, report.quarantined) == (2, 1)
    (refused,) = crm.look("SELECT * FROM raw.residency_refusal").to_dicts()
    assert (refused["row_number"], refused["refused_region"], refused["source"]) == (1, region, "crm")
    assert len(refused["row_hash"]) == 64
    (row,) = crm.look("SELECT rule, raw_row, reason FROM raw.quarantine").rows()
    assert row[:2] == ("residency", None)
    assert region in row[2]
    assert b"client-99" not in crm.bytes_at_rest()


def test_a_file_whose_region_is_empty_throughout_belongs_to_the_tenants_own(crm: Crm):
    folder = crm.paths.landing / "crm"
    folder.mkdir(parents=True)
    rows = pl.DataFrame([usage(number) for number in (1, 2)]).with_columns(region=pl.lit(None, dtype=pl.String))
    rows.write_parquet(folder / "calls.parquet")
    report = ingest_file(crm.paths, folder / "calls.parquet", source="crm", clock=lambda: NOW, contract="usage")
    assert (report.good, report.quarantined) == (2, 0)
    assert crm.look("SELECT DISTINCT region FROM raw.usage").rows() == [(crm.paths.region,)]


def test_a_bad_row_of_a_foreign_region_is_not_kept_for_repair_either(crm: Crm):
    text = json.dumps(usage(1, region="us-east-1", user_id="client-98"))[:-1]
    folder = crm.paths.landing / "crm"
    folder.mkdir(parents=True)
    crm.bring("usage", [usage(2, output_tokens="x", region="us-east-1")])
    (folder / "cut.ndjson").write_text(text + "\n" + json.dumps(usage(3)) + "\n", encoding="utf-8")
    report = ingest_file(
        crm.paths,
        folder / "cut.ndjson",
        source="crm",
        clock=lambda: NOW,
        contract="usage",
        source_format="canonical_ndjson",
    )
    assert (report.good, report.quarantined) == (1, 1)
    rows = crm.look("SELECT rule, raw_row FROM raw.quarantine").rows()
    assert set(rows) == {("residency", None)}
    assert crm.look("SELECT count(*) AS n FROM raw.residency_refusal").item() == 2


def test_an_allowed_other_region_is_refused_where_the_contract_binds_and_lands_where_it_does_not(crm: Crm):
    assert crm.bring("usage", [usage(1, region="ae-abudhabi")]).quarantined == 1
    (reason,) = crm.look("SELECT reason FROM raw.residency_refusal")["reason"]
    assert "a tenant made in ae-abudhabi" in reason
    task = {
        "task_id": "t-1",
        "task_type": "support_request",
        "task_state": "working",
        "submitted_at": "2026-09-02T10:00:00Z",
        "updated_at": "2026-09-02T10:00:00Z",
        "region": "ae-abudhabi",
    }
    assert crm.bring("task", [task], "t.ndjson").good == 1


def test_an_erased_person_cannot_be_read_and_others_can(crm: Crm, vault: Vault, store: StateStore, officer: Identity):
    crm.bring("party", [party(1, **AMAL), party(2, **AMAL)])
    first, second = crm.look("SELECT phone FROM raw.party ORDER BY party_id")["phone"]
    done = erase(store, vault, "P-1", identity=officer, reason="erasure request DSR-1", now=NOW)
    assert done.kinds == ("party_id",)
    assert len(done.key_ids) == 1
    with pytest.raises(NotFoundError, match="erased"):
        opened_text(vault, first)
    assert opened_text(vault, second) == AMAL["phone"]
    assert verify(crm.paths).is_valid
    assert crm.bring("party", [party(1, **AMAL)], "again.ndjson").quarantined == 1  # what comes again does not undo it


PLACES = ("user_id", "conversation_id", "trace_id", "source_record_id", "error_type", "request_model", "response_model")


def noise(draw: random.Random) -> dict[str, str]:
    """Text of any kind in every column that takes text."""
    letters = string.ascii_letters + string.digits + "-_ ."
    return {name: "".join(draw.choices(letters, k=draw.randrange(1, 30))) for name in PLACES}


def ordinary(draw: random.Random) -> dict[str, str]:
    """What a gateway writes: most of it needs no second look."""
    return {
        "user_id": f"user-{draw.randrange(500)}",
        "conversation_id": f"{draw.getrandbits(128):032x}",
        "trace_id": f"t{draw.getrandbits(64):016x}",
        "source_record_id": f"req_{draw.getrandbits(96):024x}",
        "error_type": "timeout",
        "response_model": "gpt-4o-2024-08-06",
    }


@pytest.mark.parametrize(
    ("content", "count", "every"), [(noise, 800, 3), (ordinary, 26_000, 60)], ids=["any text", "8 MiB of ordinary rows"]
)
def test_every_planted_identifier_is_protected_and_no_other_value_is_changed(
    crm: Crm, content: Callable[[random.Random], dict[str, str]], count: int, every: int
):
    draw = random.Random(11)
    rows = [usage(number, **content(draw)) for number in range(count)]
    planted = {}
    for number in range(0, count, every):
        kind, name = draw.choice(sorted(KINDS)), draw.choice(PLACES)
        value = KINDS[kind](draw)
        rows[number][name] = draw.choice([value, f"see {value} there"])
        planted[number, name] = (kind, value)
    assert crm.bring("usage", rows).good == count
    stored = {row["usage_id"]: row for row in crm.look("SELECT * FROM raw.usage").iter_rows(named=True)}
    for number, row in enumerate(rows):
        after = stored[f"call-{number}"]
        for name in PLACES:
            kind, value = planted.get((number, name), ("", ""))
            if kind:
                assert value not in after[name], (kind, value, after[name])
                assert f"[{kind}" in after[name], (kind, value, after[name])
            else:
                assert after[name] == row.get(name)


def test_of_a_card_number_only_the_last_four_digits_rest(crm: Crm):
    field = Field(name="card_number", type="text", meaning="A card.", privacy="sensitive", protection="last4")
    column = ColumnPlan(field, "card_number", "none", "card_number")
    plan = TablePlan(registry.table("task"), (column,), is_personal=True, is_bound=False)
    origin = BatchOrigin(
        batch_id="b",
        batch_seq=1,
        source="crm",
        source_format="canonical_csv",
        file_name="f",
        region="ae-dubai",
        ingested_at=NOW,
    )
    with Doorkeeper(crm.paths) as keeper:
        door = Door(keeper, plan, origin)
        rows = door.protect(pl.DataFrame({"card_number": ["4111 1111 1111 1234", None], "task_id": ["1", "2"]}))
    assert rows["card_number"].to_list() == ["****1234", None]
    (found,) = door.books()["privacy_finding"].to_dicts()
    assert (found["identifier_class"], found["privacy_action"], found["finding_count"]) == (
        "card_number",
        "truncated",
        1,
    )


def test_a_table_of_nobody_in_particular_is_encrypted_under_its_own_key(crm: Crm, vault: Vault):
    plan = table_plan(registry.table("party"))
    nobody = TablePlan(replace(plan.declared, subject=None), plan.columns, is_personal=True, is_bound=True)
    origin = BatchOrigin(
        batch_id="b",
        batch_seq=1,
        source="crm",
        source_format="canonical_csv",
        file_name="f",
        region="ae-dubai",
        ingested_at=NOW,
    )
    rows = pl.DataFrame({"party_id": ["P-1", "P-2"], "phone": ["0501234567"] * 2, "email": [None] * 2}).with_columns(
        pl.lit(None, dtype=pl.String).alias(name)
        for name in plan.declared.columns
        if name not in ("party_id", "phone", "email")
    )
    with Doorkeeper(crm.paths) as keeper:
        first, second = Door(keeper, nobody, origin).protect(rows)["phone"]
    assert first == second
    assert opened_text(vault, first) == "0501234567"
    assert vault.has_key(vault.subject_hash("table", "party"))
