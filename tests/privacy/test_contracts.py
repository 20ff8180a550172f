"""What the contracts must say so that the door can do its work."""

from __future__ import annotations

import polars as pl
import pytest

from aurora.privacy.columns import subject_kind, table_plan
from aurora.privacy.identifiers import IDENTIFYING, class_of_field, class_of_name
from aurora.privacy.looking import look_through, screens
from contracts import registry
from contracts.field import Field
from contracts.fields import FIELDS

INGESTED = {field.name: field for one in registry.tables().values() if one.is_ingested for field in one.fields}
REST_IN_CLEAR = {
    "birth_date": "a DATE cannot hold ciphertext; ages are computed from it",
    "escrow_account": "a project's account with the regulator, not a person's",
}
"""Columns of an identifying class that the contracts leave in clear, and why."""


def test_columns_that_identify_a_person_are_protected_or_named_here():
    clear = {
        name
        for name, field in INGESTED.items()
        if class_of_name(name) in IDENTIFYING
        and field.type != "bool"
        and field.protection == "none"
        and not field.token_of
    }
    assert clear == set(REST_IN_CLEAR)


def test_a_protected_column_can_hold_what_protection_leaves():
    for name, field in FIELDS.items():
        if field.protection != "none":
            assert field.type in ("text", "json"), name
            assert name in INGESTED, f"{name} is protected at ingest, and no ingested contract has it"
            assert [check.rule for check in field.checks if check.rule in ("one_of", "matches")] == [], name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("emirates_id", "emirates_id"), ("passport_no", "passport"), ("work_email", "email"), ("payee_account", "iban"),
        ("escrow_account", "iban"), ("fullName", "name"), ("phoneNumber", "phone"), ("date-of-birth", "date_of_birth"),
        ("ip", "ip_address"), ("apiKey", "secret"), ("phone_token", None), ("email_verified_at", None), ("api_key_id", None),
        ("birth_date", "date_of_birth"), ("tokens", None), ("company", None), ("shipment_id", None), ("agent_name", None),
    ],
)  # fmt: skip
def test_a_columns_name_tells_its_class_or_nothing(name: str, expected: str | None):
    assert class_of_name(name) == expected


def test_a_token_has_the_class_of_what_it_stands_for():
    tokens = {token: kind for one in registry.tables().values() for token, _, kind in table_plan(one).tokens}
    assert tokens["escrow_account_token"] == tokens["payee_account_token"] == "iban"
    assert tokens["phone_token"] == "phone"


def test_buyers_payers_and_parties_are_one_kind_of_person():
    assert {subject_kind(name) for name in ("party_id", "buyer_party_id", "payer_party_id")} == {"party_id"}
    assert subject_kind("user_id") == "user_id"


def test_closed_lists_and_slugs_are_not_looked_through():
    looks = {column.field.name: column.look for column in table_plan(registry.table("task")).columns}
    assert looks["task_state"] == looks["task_type"] == looks["region"] == "none"
    assert looks["case_id"] == "id"


def test_a_value_stays_in_the_column_of_its_own_class():
    plan = next(one for one in table_plan(registry.table("property")).columns if one.field.name == "escrow_account")
    rows = pl.DataFrame({"escrow_account": ["AE070331234567890123456", "mail a@example.com"]})
    looked = look_through(rows["escrow_account"], screens(rows, [plan])["escrow_account"], plan, lambda: b"k" * 32)
    assert looked.values is not None
    assert looked.values[0] == rows["escrow_account"][0]
    assert looked.values[1].startswith("mail [email tok_")


def test_a_public_column_has_no_class():
    assert class_of_field(Field(name="work_phone_label", type="text", meaning="A label.", privacy="public")) is None
