"""Matching against the truth behind the made-up brokerage, and the traps it must not step into."""

import datetime as dt

import pytest

from aurora.ingest.sample_brokerage import Brokerage, brokerage
from tests.entities.town import all_rows, entities, matched, pairs_of, reviewed

MIRA = {
    "party_id": "1",
    "party_kind": "natural",
    "full_name": "Mira Haddad",
    "country": "LB",
    "birth_date": "1988-02-03",
    "phone": "+971 50 123 4567",
    "email": "mira@example.com",
}


def _party(source: str, party_id: str, **changed: object) -> dict[str, object]:
    return {"source": source, **MIRA, "party_id": party_id, **changed}


def _are_one(*rows: dict[str, object]) -> bool:
    return len(set(entities(matched("party", list(rows))).values())) == 1


@pytest.fixture(scope="module")
def town() -> Brokerage:
    return brokerage(seed=7, until=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), people=900, units=240)


def test_parties_found_are_true_and_most_that_can_be_told_are_found(town):
    found, truth = matched("party", all_rows(town, "party")), pairs_of(town.truth["party"])
    said = pairs_of(entities(found))
    assert len(said & truth) / len(said) >= 0.995
    assert len(said & truth) / len(truth) >= 0.7
    rows = {(row["source"], row["party_id"]): row for row in all_rows(town, "party")}
    told = {pair for pair in truth if _shares_proof(*[rows[key] for key in pair])}
    assert len(said & told) / len(told) >= 0.95


def _shares_proof(left, right):
    """One paper, or one e-mail address or birthday; telephones are written in too many ways to compare here."""
    return any(
        left.get(column) and str(left[column]).lower() == str(right.get(column)).lower()
        for column in ("emirates_id", "passport_no", "email", "birth_date")
    )


def test_what_a_person_is_asked_is_worth_asking(town):
    found, truth = matched("party", all_rows(town, "party")), pairs_of(town.truth["party"])
    asked = reviewed(found)
    assert asked
    assert len(asked & truth) / len(asked) >= 0.5
    assert not asked & pairs_of(entities(found))


def test_properties_found_are_true_and_nearly_all_are_found(town):
    found, truth = matched("property", all_rows(town, "property")), pairs_of(town.truth["property"])
    said = pairs_of(entities(found))
    assert len(said & truth) / len(said) >= 0.99
    assert len(said & truth) / len(truth) >= 0.95


def test_people_of_one_name_stay_as_many_as_they_are(town):
    found = entities(matched("party", all_rows(town, "party")))
    people = town.truth["party"]
    mixed = [entity for entity in set(found.values()) if len({people[k] for k, e in found.items() if e == entity}) > 1]
    assert len(mixed) <= 2


def test_the_same_records_in_another_order_make_the_same_groups(town):
    rows = all_rows(town, "party")[:400]
    assert pairs_of(entities(matched("party", rows))) == pairs_of(entities(matched("party", rows[::-1])))


def test_one_emirates_id_is_one_person_whatever_the_rest_says():
    papers = {"emirates_id": "784-1988-1234567-1"}
    assert _are_one(_party("clara", "1", **papers), _party("theodora", "2", **papers, full_name="M. Hadad", phone=None))


def test_a_phone_written_in_another_way_and_a_name_that_sounds_alike_are_one_person():
    assert _are_one(
        _party("clara", "1", email=None), _party("mary", "2", email=None, full_name="Meera Hadad", phone="0501234567")
    )


def test_two_emirates_ids_are_two_people_though_all_else_agrees():
    left, right = (_party("clara", n, emirates_id=f"784-1988-123456{n}-1") for n in "12")
    found = matched("party", [left, right])
    assert len(set(entities(found).values())) == 2
    assert found.matches.select("match_verdict", "match_rule").rows() == [("refused", "different_emirates_id")]


def test_a_record_between_two_emirates_ids_joins_one_and_the_other_is_refused():
    left, right = (_party("clara", n, emirates_id=f"784-1988-123456{n}-1", birth_date=None) for n in "12")
    found = matched("party", [left, right, _party("mary", "3", birth_date=None)])
    assert len(set(entities(found).values())) == 2
    assert sorted(found.matches["match_verdict"]) == ["refused", "refused", "same"]


def test_relatives_with_one_phone_are_two_people():
    assert not _are_one(_party("clara", "1", email=None), _party("mary", "2", email=None, full_name="Karim Haddad"))
    assert not _are_one(_party("clara", "1", email=None), _party("mary", "2", email=None, birth_date="1961-05-05"))


def test_a_name_and_a_country_alone_are_never_merged_but_asked_about():
    alone = {"phone": None, "email": None, "birth_date": None}
    others = [_party("clara", f"x{n}", full_name=f"Other Person{n}", country="IN", **alone) for n in range(30)]
    found = matched("party", [*others, _party("clara", "1", **alone), _party("mary", "2", **alone)])
    assert len(set(entities(found).values())) == 32
    assert reviewed(found) == {frozenset({("clara", "1"), ("mary", "2")})}


def test_a_company_and_a_person_of_one_name_and_phone_are_two():
    assert not _are_one(_party("clara", "1"), _party("mary", "2", party_kind="legal"))


def test_a_golden_record_is_named_after_its_oldest_record_and_old_ids_lead_on():
    papers = {"emirates_id": "784-1988-1234567-1"}
    links = matched("party", [_party("mary", "9", **papers), _party("clara", "1", **papers)]).links
    assert links["entity_id"].to_list() == [links["own_entity_id"][0]] * 2
    assert links["own_entity_id"].n_unique() == 2


def test_the_evidence_names_columns_and_no_values():
    found = matched("party", [_party("clara", "1"), _party("mary", "2")])
    said = found.matches["match_evidence"][0]
    assert '"name_share": 1.0' in said
    assert "phone_token" in said
    assert not any(value in said for value in ("Mira", "mira@", "4567", "1988"))
