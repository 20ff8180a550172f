"""Overrides are noisy labels: who is right more often than the policy weighs, who is not weighs nothing."""

from __future__ import annotations

import random
from datetime import date

import numpy as np
import polars as pl

from aurora.packs import load_pack
from aurora.settings import Settings
from ml.learning.overriders import Change, overriders
from twin.fleet.demand import demand
from twin.fleet.llms import draw_roster
from twin.fleet.opinions import override_opinions
from twin.fleet.outages import outages
from twin.fleet.skill import draw_skills
from twin.fleet.tasks import work_off
from twin.frame import WORK_SCHEMA, Frame


def _changes(name: str, *, right: float, expected: float, count: int, seed: int) -> list[Change]:
    draw = random.Random(seed)
    return [Change(overrider_id=name, expected=expected, reward=float(draw.random() < right)) for _ in range(count)]


def test_a_person_who_knows_better_weighs_and_one_who_guesses_does_not():
    found = overriders(
        [
            *_changes("knows", right=0.9, expected=0.6, count=200, seed=1),
            *_changes("guesses", right=0.6, expected=0.6, count=200, seed=2),
            *_changes("harms", right=0.3, expected=0.6, count=200, seed=3),
        ]
    )
    assert found["knows"].weight > 0.4
    assert found["guesses"].weight < 0.15
    assert found["harms"].weight == 0.0


def test_few_changes_weigh_little_however_well_they_end():
    few = overriders(_changes("new", right=1.0, expected=0.6, count=4, seed=4))["new"]
    many = overriders(_changes("new", right=1.0, expected=0.6, count=400, seed=4))["new"]
    assert few.weight < 0.2 < many.weight


def test_the_twins_people_are_told_apart_by_how_reliable_they_are():
    frame = Frame(pack=load_pack(Settings().packs_dir, "real_estate"), seed=11, first_day=date(2026, 1, 1), days=60)
    skills = draw_skills(frame)
    asked = demand(frame, pl.DataFrame(schema=WORK_SCHEMA))
    done = work_off(frame, skills, draw_roster(frame, skills), asked, outages(frame, skills))
    opinions, people = override_opinions(frame, skills, done)
    found = overriders(
        Change(overrider_id=who, expected=chance, reward=float(success))
        for who, chance, success in opinions.select(
            "overrider_id", "chosen_success_probability", "would_have_succeeded"
        ).iter_rows()
    )
    reliability = dict(people.select("overrider_id", "reliability").iter_rows())
    gains = {name: one.gain for name, one in found.items()}
    names = sorted(gains, key=reliability.__getitem__)
    half = len(names) // 2
    assert np.mean([gains[name] for name in names[half:]]) > np.mean([gains[name] for name in names[:half]]) + 0.02
