"""Who may command what: every control level with every kind, the edges, the authority, the bounds."""

from __future__ import annotations

import msgspec
import pytest

from aurora.assistants.control import SETTING_NAMES, is_person, objection, value_before
from aurora.handoffs.sharing import Sharing, load_sharing
from aurora.packs.assistants import Assistant
from aurora.packs.pack import Pack
from aurora.settings import Settings
from contracts.messages.assistants import COMMAND_MEANINGS, CONTROL

LEVELS = sorted(CONTROL)
KINDS = sorted(COMMAND_MEANINGS)

EXPECTED = {
    "full_orchestration": set(KINDS),
    "read_write": {"ping", "notify", "run_task", "cancel_task", "sync", "hold", "release"},
    "read_only_alerts": {"ping", "notify", "run_task"},
    "command_authority": {"ping", "notify", "run_task", "cancel_task"},
    "monitoring_thresholds": {"ping", "notify", "set_threshold"},
}
"""The plan's levels (2.2), spelled out once more, so that a change of the matrix is noticed."""


@pytest.fixture(scope="module")
def sharing(pack: Pack) -> Sharing:
    return load_sharing(Settings().packs_dir, pack)


def named(pack: Pack, assistant_id: str, **changed: object) -> Assistant:
    found = next(one for one in pack.assistants if one.assistant_id == assistant_id)
    return msgspec.structs.replace(found, **changed)


def with_levels(pack: Pack, **levels: str) -> Pack:
    changed = [
        msgspec.structs.replace(one, control_level=levels.get(one.assistant_id, one.control_level))
        for one in pack.assistants
    ]
    return msgspec.structs.replace(pack, assistants=tuple(changed))


def reading_task(pack: Pack, assistant: Assistant) -> dict[str, str]:
    return {"task_type": next(skill for skill in assistant.skills if not pack.task_types[skill].is_acting)}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_person_is_bound_by_the_level_alone(pack: Pack, sharing: Sharing, level: str, kind: str) -> None:
    target = named(pack, "theodora", control_level=level)
    arguments = reading_task(pack, target) if kind == "run_task" else {}
    found = objection(kind, arguments, target=target, actor_id="person:amal", pack=pack, sharing=sharing)
    assert (found is None) == (kind in EXPECTED[level])
    if found is not None:
        assert (found.rule, found.is_fault) == ("control_level", False)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_assistant_is_bound_by_edge_and_kind_too(pack: Pack, sharing: Sharing, level: str, kind: str) -> None:
    levels = with_levels(pack, clara="full_orchestration")
    for to, has_edge in (("theodora", True), ("sofia", False)):
        target = named(pack, to, control_level=level)
        arguments = reading_task(pack, target) if kind == "run_task" and has_edge else {}
        found = objection(kind, arguments, target=target, actor_id="clara", pack=levels, sharing=sharing)
        peer_kinds = {"ping", "notify", "run_task", "cancel_task"}
        assert (found is None) == (has_edge and kind in peer_kinds & EXPECTED[level]), (to, found)


@pytest.mark.parametrize("level", LEVELS)
def test_authority_holds_and_releases_anybody_and_no_more(pack: Pack, sharing: Sharing, level: str) -> None:
    levels = with_levels(pack, laila="command_authority")
    assert not sharing.is_edge("laila", "elena")
    target = named(pack, "elena", control_level=level)
    may = {
        kind
        for kind in KINDS
        if objection(kind, {}, target=target, actor_id="laila", pack=levels, sharing=sharing) is None
    }
    assert may == {"notify", "hold", "release"}


def test_read_only_runs_what_changes_nothing(pack: Pack, sharing: Sharing) -> None:
    acting = next(name for name, one in sorted(pack.task_types.items()) if one.is_acting)
    reading = next(name for name, one in sorted(pack.task_types.items()) if not one.is_acting)
    target = named(pack, "theodora", control_level="read_only_alerts", skills=(acting, reading))

    def found(task_type: str):
        return objection(
            "run_task", {"task_type": task_type}, target=target, actor_id="owner", pack=pack, sharing=sharing
        )

    assert found(reading) is None
    assert found(acting).rule == "read_only"


def test_a_task_must_be_one_of_its_skills(pack: Pack, sharing: Sharing) -> None:
    clara = named(pack, "clara")
    foreign = next(name for name in sorted(pack.task_types) if name not in clara.skills)
    for arguments, rule in (({"task_type": foreign}, "skill"), ({"task_type": "none"}, "one_of"), ({}, "one_of")):
        found = objection("run_task", arguments, target=clara, actor_id="owner", pack=pack, sharing=sharing)
        assert (found.rule, found.is_fault) == (rule, True)


def test_only_people_are_people() -> None:
    assert is_person("owner")
    assert is_person("person:amal")
    assert not is_person("clara")
    assert not is_person("propertygpt")


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"parameter": "temperature", "value": 0.5}, None),
        ({"parameter": "temperature", "value": 0.55}, "bounds"),
        ({"parameter": "temperature", "value": 1.2}, "bounds"),
        ({"parameter": "nothing", "value": 0.5}, "one_of"),
        ({"parameter": "temperature", "value": True}, "type"),
        ({"parameter": "temperature", "value": 0.5, "more": 1}, "unknown_field"),
        ({"value": 0.5}, "one_of"),
    ],
)
def test_tuning_is_bounded(pack: Pack, arguments: dict[str, object], rule: str | None) -> None:
    clara = named(pack, "clara")
    before, found = value_before("tune", arguments, clara, reported={}, remembered={})
    assert (None if found is None else found.rule) == rule
    if rule is None:
        assert before == clara.parameters["temperature"].value


def test_the_step_is_taken_from_what_is_in_force(pack: Pack) -> None:
    clara = named(pack, "clara")
    far = {"parameter": "temperature", "value": 0.6}
    assert value_before("tune", far, clara, reported={}, remembered={})[1] is not None
    assert value_before("tune", far, clara, reported={}, remembered={"temperature": 0.5}) == (0.5, None)
    assert value_before("tune", far, clara, reported={"temperature": 0.7}, remembered={"temperature": 0.1}) == (
        0.7,
        None,
    )


def test_a_threshold_that_is_a_share_stays_one(pack: Pack) -> None:
    linda = named(pack, "linda")
    wrong = {"threshold": "max_error_share", "value": 1.5}
    assert value_before("set_threshold", wrong, linda, reported={}, remembered={})[1].rule == "bounds"
    assert set(SETTING_NAMES) == {"tune", "set_threshold"}
