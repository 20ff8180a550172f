"""What a person says about golden records holds: over rebuilds and new records, until a person says otherwise."""

import datetime as dt
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from aurora.audit.verify import verify
from aurora.entities import golden
from aurora.entities.judgements import Judgements, Speaker, decision_record
from aurora.errors import ConflictError, DataError, NotFoundError
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.entities import EntityDecision, MergeRequest, UnmergeRequest
from tests.entities.town import NOW, POLICIES, build, land, links, named

POLICY = POLICIES["party"]
OMAR = {
    "party_kind": "natural",
    "full_name": "Omar Qureshi",
    "phone": "+971501112233",
    "updated_at": "2026-09-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def met(template, tmp_path_factory) -> TenantPaths:
    """Omar at three systems, and a namesake with another phone: to copy."""
    folder = tmp_path_factory.mktemp("omar") / "data"
    shutil.copytree(template, folder)
    paths = TenantPaths(folder, "demo", "ae-dubai")
    land(paths, "clara", "party", [{"party_id": "c1", **OMAR}, {"party_id": "c2", **OMAR, "phone": "+971509998877"}])
    land(paths, "mary", "party", [{"party_id": "m1", **OMAR}])
    land(paths, "theodora", "party", [{"party_id": "t1", **OMAR, "emirates_id": "784-1980-1111111-1"}])
    build(paths)
    return paths


@pytest.fixture
def town(met, tmp_path) -> TenantPaths:
    shutil.copytree(met.data_dir, tmp_path / "data")
    return TenantPaths(tmp_path / "data", met.tenant, met.region)


@pytest.fixture
def say(town) -> Callable[..., EntityDecision]:
    def decide(entity_id: str, request: Any, *, number: int = 1) -> EntityDecision:
        speaker = Speaker(actor_id="person:amal", now=NOW, region="ae-dubai", decision_id=f"ent_{number}")
        act = golden.decide_merge if isinstance(request, MergeRequest) else golden.decide_unmerge
        with read_lake(town) as lake:
            decision = act(lake, POLICY, entity_id, request, speaker=speaker)
        with StateStore.open(town, clock=lambda: NOW) as store:
            store.append([decision_record(decision)]).result()
        return decision

    return decide


def _groups(paths) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for (_, record_id), entity in links(paths).items():
        found.setdefault(entity, []).append(record_id)
    return sorted(sorted(group) for group in found.values())


def test_a_record_that_a_person_takes_out_stays_out(town, say):
    assert _groups(town) == [["c1", "m1", "t1"], ["c2"]]
    say(links(town)["clara", "c1"], UnmergeRequest(records=(named("mary", "m1"),), reason="his brother"))
    build(town)
    build(town)
    assert _groups(town) == [["c1", "t1"], ["c2"], ["m1"]]


def test_a_new_record_that_looks_like_both_sides_does_not_join_them_again(town, say):
    say(links(town)["clara", "c1"], UnmergeRequest(records=(named("mary", "m1"),), reason="his brother"))
    land(town, "clara", "party", [{"party_id": "c9", **OMAR}])
    build(town)
    together = next(group for group in _groups(town) if "m1" in group)
    assert "t1" not in together
    assert "c1" not in together


def test_only_a_person_joins_again_what_a_person_parted(town, say):
    entity = links(town)["clara", "c1"]
    say(entity, UnmergeRequest(records=(named("mary", "m1"),), reason="his brother"))
    build(town)
    say(entity, MergeRequest(other_entity_id=links(town)["mary", "m1"], reason="it was Omar after all"), number=2)
    build(town)
    assert _groups(town) == [["c1", "m1", "t1"], ["c2"]]


def test_a_person_joins_what_no_rule_would(town, say):
    say(
        links(town)["clara", "c1"], MergeRequest(other_entity_id=links(town)["clara", "c2"], reason="he has two phones")
    )
    build(town)
    assert _groups(town) == [["c1", "c2", "m1", "t1"]]


def test_a_split_off_record_can_be_found_by_the_id_it_had(town, say):
    old = links(town)["clara", "c1"]
    with read_lake(town) as lake:
        alone = lake.query("SELECT own_entity_id FROM raw.entity_link WHERE source_record_id = 'm1'").item()
        assert golden.find_entity(lake, "party", alone) == old
    say(old, UnmergeRequest(records=(named("mary", "m1"),), reason="his brother"))
    build(town)
    with read_lake(town) as lake:
        assert golden.find_entity(lake, "party", alone) == alone


def test_two_emirates_ids_forbid_a_merge_by_hand_too(town, say):
    land(town, "clara", "party", [{"party_id": "c3", **OMAR, "phone": None, "emirates_id": "784-1981-2222222-2"}])
    build(town)
    with pytest.raises(ConflictError, match="emirates_id"):
        say(links(town)["clara", "c1"], MergeRequest(other_entity_id=links(town)["clara", "c3"], reason="the same"))


def test_requests_that_make_no_sense_are_refused_by_name(town, say):
    entity = links(town)["clara", "c1"]
    with pytest.raises(DataError, match="does not belong"):
        say(entity, UnmergeRequest(records=(named("clara", "c2"),), reason="wrong one"))
    with pytest.raises(DataError, match="some must stay"):
        say(
            entity,
            UnmergeRequest(
                records=tuple(named(*r) for r in (("clara", "c1"), ("mary", "m1"), ("theodora", "t1"))), reason="all"
            ),
        )
    with pytest.raises(DataError, match="already"):
        say(entity, MergeRequest(other_entity_id=entity, reason="itself"))
    with pytest.raises(NotFoundError):
        say("party-0000", MergeRequest(other_entity_id=entity, reason="nobody"))


def test_what_a_person_said_is_sealed_in_the_audit_log_with_actor_and_reason(town, say):
    say(links(town)["clara", "c1"], UnmergeRequest(records=(named("mary", "m1"),), reason="his brother"))
    assert verify(town).is_valid
    about = golden.decisions_about(town, "party", [named("mary", "m1")])
    assert [(one["verdict"], one["actor_id"], one["reason"]) for one in about] == [
        ("unmerge", "person:amal", "his brother")
    ]


def test_why_and_why_not_are_told_for_any_two_records(town):
    with read_lake(town) as lake:
        same = golden.explain(lake, POLICY, named("clara", "c1"), named("mary", "m1"))
        other = golden.explain(lake, POLICY, named("clara", "c1"), named("clara", "c2"))
    assert (same["verdict"], same["rule"], same["are_one"]) == ("same", "phone_and_name", True)
    assert "phone_token" in same["evidence"]["agree"]
    assert (other["verdict"], other["are_one"]) == ("different", False)
    assert "phone_token" in other["evidence"]["differ"]
    assert other["evidence"]["bits"]["same_source"] < 0


def test_the_last_word_on_two_records_holds():
    a, b, c = (named("s", letter) for letter in "abc")
    said = Judgements()
    facts = {
        "entity_kind": "party",
        "entity_id": "e",
        "actor_id": "p",
        "occurred_at": dt.datetime.now(dt.UTC),
        "reason": "why",
        "region": "r",
    }
    said.take(EntityDecision(entity_decision_id="1", verdict="merge", left=(a, b), right=(c,), **facts))
    said.take(EntityDecision(entity_decision_id="2", verdict="unmerge", left=(a,), right=(c,), **facts))
    assert said.joined == {(b, c)}
    assert said.parted == {(a, c)}
    said.take(EntityDecision(entity_decision_id="3", verdict="merge", left=(a,), right=(c,), **facts))
    assert said.parted == set()
