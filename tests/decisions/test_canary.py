"""A canary: another policy answers a share of decisions, with exact propensities, and replay knows it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest

from aurora.decisions.choice import choose, mixed
from aurora.decisions.engine import Engine, receipt
from aurora.decisions.modes import Switches, change_mode
from aurora.decisions.policy import ConfiguredPolicy, Estimate, policies
from aurora.errors import UsageError
from aurora.packs import PolicySettings, load_pack
from aurora.settings import Settings
from contracts.messages.decisions import Decision, RouteLlmRequest
from contracts.messages.modes import ModeRequest

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
DRAWS = 4_000
SHARE = 0.55
ESTIMATES = [
    Estimate("cheap", 0.7, 0.5, Decimal("0.001"), 100.0, 0.0),
    Estimate("good", 0.9, 0.9, Decimal("0.01"), 100.0, 0.0),
    Estimate("third", 0.6, 0.6, Decimal("0.02"), 100.0, 0.0),
]


def _configured(name: str, *, epsilon: float = 0.1, floor: float = 0.0) -> ConfiguredPolicy:
    policy = policies()[name]
    return ConfiguredPolicy(policy, PolicySettings(epsilon=epsilon, min_confidence=floor), policy.parameters)


def test_propensities_are_the_frequencies_of_the_draws():
    champion = choose(ESTIMATES, _configured("best_single"), min_quality=None)
    canary = choose(ESTIMATES, _configured("cheapest"), min_quality=None)
    both = mixed(champion, canary, SHARE)
    drawn = Counter(both.draw(seed) for seed in range(DRAWS))
    assert sum(both.propensities) == pytest.approx(1.0)
    for place, chance in enumerate(both.propensities):
        assert drawn[place] / DRAWS == pytest.approx(chance, abs=4 * (chance * (1 - chance) / DRAWS) ** 0.5)


def test_who_answers_does_not_follow_from_what_is_explored():
    champion = choose(ESTIMATES, _configured("best_single"), min_quality=None)
    both = mixed(champion, choose(ESTIMATES, _configured("cheapest"), min_quality=None), SHARE)
    explored = [seed for seed in range(DRAWS) if champion.draw(seed) != champion.greedy]
    assert sum(both.is_canary(seed) for seed in explored) / len(explored) == pytest.approx(SHARE, abs=0.1)


@pytest.mark.parametrize("who", ["champion", "canary"])
def test_nothing_is_tried_where_either_leaves_it_to_a_person(who: str):
    floors = {"champion": 0.0, "canary": 0.0, who: 0.99}
    champion = choose(ESTIMATES, _configured("best_single", floor=floors["champion"]), min_quality=None)
    canary = choose(ESTIMATES, _configured("cheapest", floor=floors["canary"]), min_quality=None)
    assert mixed(champion, canary, SHARE) is champion


def _decide(engine: Engine, seed: int, share: float) -> Decision:
    return engine.decide(
        RouteLlmRequest(prompt="What is a title deed?", policy="best_single"),
        actor_id="clara",
        decision_id=f"dec_{seed}",
        decided_at=NOW,
        seed=seed,
        switches=Switches(shadow_policies=(("route_llm", "cheapest"),), canary_shares=(("route_llm", share),)),
    )


def test_the_receipt_says_who_answered_and_how_often_it_does(engine: Engine):
    made = [_decide(engine, seed, SHARE) for seed in range(200)]
    tried = [one for one in made if one.reason.startswith("Tried: cheapest takes 55%")]
    assert 80 <= len(tried) <= 140
    assert {one.shadows[0].canary_share for one in made} == {SHARE}
    assert {round(sum(c.propensity for c in one.candidates), 9) for one in made} == {1.0}
    assert all(
        one.propensity == next(c.propensity for c in one.candidates if c.candidate_id == one.action) for one in made
    )


def test_without_a_share_the_shadow_only_watches(engine: Engine):
    made = [_decide(engine, seed, 0.0) for seed in range(50)]
    assert {one.action for one in made} == {made[0].action}
    assert b"canary_share" not in receipt(made[0])[0]


def test_stopped_decisions_try_nobody():
    assert Switches(is_stopped=True, canary_shares=(("route_llm", 0.5),)).canary_share("route_llm", None) == 0.0


def test_the_canarys_share_may_be_all_that_is_changed():
    pack = load_pack(Settings().packs_dir, Settings().pack)
    request = ModeRequest(kind="route_llm", reason="Half of it.", canary_share=0.5)
    change, _ = change_mode(request, pack, Switches(), actor_id="owner", now=NOW)
    assert change.canary_shares == (("route_llm", 0.5),)
    with pytest.raises(UsageError, match="nothing is changed"):
        change_mode(ModeRequest(kind="route_llm", reason="None."), pack, Switches(), actor_id="owner", now=NOW)
