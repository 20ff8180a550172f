"""Rows that name what the lake does not hold."""

from __future__ import annotations

import pytest

from aurora.ingest.references import BrokenReference, broken_references
from aurora.store.lake import read_lake
from contracts import registry
from contracts.references import references


def test_references_lead_from_a_column_that_is_there_to_a_key_that_is_there():
    for one in references():
        assert one.column in registry.table(one.table).columns
        assert one.to_column in registry.table(one.to_table).key


@pytest.mark.parametrize(
    ("table", "column", "to_table", "to_column"),
    [
        ("task", "assistant_id", "assistant", "assistant_id"),
        ("deal", "buyer_party_id", "party", "party_id"),
        ("handoff", "to_assistant_id", "assistant", "assistant_id"),
        ("enhanced_ai_model_usage", "user_id", "principal", "principal_id"),
    ],
)
def test_names_say_what_is_referred_to(table, column, to_table, to_column):
    found = {(one.table, one.column): (one.to_table, one.to_column) for one in references()}
    assert found[table, column] == (to_table, to_column)


def test_only_what_is_missing_is_told_and_parties_are_looked_for_in_their_own_system(gateway):
    about = {"deal_stage": "reservation", "updated_at": "2026-09-01T10:00:00Z", "buyer_party_id": "p-1"}
    deals = [{**about, "deal_id": f"d-{lead}-{number}", "lead_id": lead} for number, lead in enumerate(["a", "a", "b"])]
    assert gateway.ingest("deals.ndjson", deals, source="theodora", contract="deal").good == 3
    party = [{"party_id": "p-1", "party_kind": "natural", "updated_at": "2026-09-01T10:00:00Z"}]
    assert gateway.ingest("parties.ndjson", party, source="clara", contract="party").good == 1
    found = _broken(gateway)
    assert (found["deal", "lead_id"].row_count, found["deal", "lead_id"].missing_count) == (3, 2)
    assert found["deal", "buyer_party_id"].example == "p-1"
    own = [{**party[0], "updated_at": "2026-09-01T11:00:00Z"}]
    assert gateway.ingest("own.ndjson", own, source="theodora", contract="party").good == 1
    assert set(found) - set(_broken(gateway)) == {("deal", "buyer_party_id")}


def _broken(gateway) -> dict[tuple[str, str], BrokenReference]:
    with read_lake(gateway.paths) as lake:
        return {(one.reference.table, one.reference.column): one for one in broken_references(lake)}
