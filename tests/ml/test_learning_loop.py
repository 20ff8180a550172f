"""The learning loop closed: decisions, outcomes, a challenger, its canary, the gate, and back when it disappoints."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest

from aurora.audit.records import decision_record, outcome_record
from aurora.decisions.bundles import ARRAYS, champion_folder, named_folder, promote_bundle, write_bundle
from aurora.decisions.loading import load_engine
from aurora.decisions.modes import Switches
from aurora.errors import ConflictError, NotFoundError
from aurora.ingest.journal import copy_journal
from aurora.settings import Settings
from aurora.store.journal import JournalRecord
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant, tenant_paths
from aurora.store.state import StateStore
from contracts.messages.decisions import Decision, OutcomeRequest, RouteLlmRequest
from ml.learning import loop
from ml.learning.loop import KIND, LoopReport
from ml.learning.training_set import read_training_set
from ml.route_llm.publish import read_manifest
from ml.route_llm.train import train_and_publish

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
QUESTIONS = ("What is a title deed worth?", "Write a listing.", "Sum 12 and 30.", "Who signs form F?")
"""Nothing that the samples teach: what they are worth is learned from outcomes alone."""


@dataclass
class Company:
    """A tenant whose router was trained on samples, and a truth that decides how its answers end."""

    paths: TenantPaths
    settings: Settings
    right: Callable[[str], float]
    now: dt.datetime = START
    draw: random.Random = field(default_factory=lambda: random.Random(5))
    count: int = 0

    def clock(self) -> dt.datetime:
        return self.now

    def work(self, decisions: int) -> list[Decision]:
        """A day of decisions and their outcomes, copied into the lake; then a day and a half goes by."""
        engine = load_engine(self.paths, self.settings)
        made = []
        with StateStore.open(self.paths, clock=self.clock) as store:
            for _ in range(decisions):
                self.count += 1
                decision = engine.decide(
                    RouteLlmRequest(prompt=self.draw.choice(QUESTIONS)),
                    actor_id="clara",
                    decision_id=f"dec_{self.count:08d}",
                    decided_at=self.now,
                    seed=self.draw.getrandbits(63),
                )
                made.append(decision)
                store.append([decision_record(decision, elapsed_us=1), *self._outcome(decision)]).result()
        copy_journal(self.paths, clock=self.clock)
        self.now += dt.timedelta(hours=36)
        return made

    def _outcome(self, decision: Decision) -> list[JournalRecord]:
        if decision.action is None:
            return []
        success = self.draw.random() < self.right(decision.action)
        request = OutcomeRequest(is_success=success, occurred_at=self.now + dt.timedelta(minutes=5))
        return [outcome_record(request, decision, outcome_id=f"out_{self.count:08d}", actor_id="clara", now=self.now)]

    def worth(self, made: list[Decision]) -> float:
        """How often such decisions end well, by the truth."""
        return sum(self.right(one.action) for one in made if one.action) / len(made)

    def learn(self) -> LoopReport:
        return loop.run(self.paths, self.settings, clock=self.clock)

    @property
    def champion(self) -> str:
        folder = champion_folder(self.paths.serving, KIND)
        assert folder is not None
        return folder.name


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenant with a router of samples; it is copied, never changed."""
    root = tmp_path_factory.mktemp("learning")
    paths = create_tenant(root / "data", "demo", "ae-dubai")
    create_lake(paths)
    settings = msgspec.structs.replace(Settings(), data_dir=root / "data", shared_data_dir=root / "nothing")
    train_and_publish(paths, settings, clock=lambda: START - dt.timedelta(days=1))
    return root / "data"


@pytest.fixture
def company(trained: Path, tmp_path: Path) -> Company:
    """The company; the language model that its router likes best is right four times of ten, the others nine."""
    shutil.copytree(trained, tmp_path / "data")
    paths = tenant_paths(tmp_path / "data", "demo")
    settings = msgspec.structs.replace(Settings(), data_dir=tmp_path / "data", shared_data_dir=tmp_path / "nothing")
    made = Company(paths, settings, right=lambda _: 0.9)
    liked = Counter(one.action for one in made.work(30)).most_common(1)[0][0]
    made.right = lambda llm: 0.4 if llm == liked else 0.9
    return made


def test_outcomes_make_a_challenger_its_canary_shows_its_worth_and_it_decides(company: Company):
    first = company.champion
    company.work(260)
    learned = company.learn()
    assert (learned.outcome, learned.step) == ("learned", "challenged"), learned
    assert company.champion == first
    tried = company.work(1_100)
    shares = Counter(one.reason.startswith("Tried: challenger") for one in tried)
    assert shares[True] / len(tried) == pytest.approx(0.55, abs=0.06)
    so_far = loop.standing_judgement(company.paths, company.settings, now=company.now)
    promoted = company.learn()
    assert so_far is not None
    assert so_far.evidence()["gain"] == promoted.evidence["gain"]
    assert promoted.outcome == "promoted", promoted
    assert promoted.evidence["gain_lower_95"] > 0
    assert promoted.evidence["effective_count"] >= 500
    assert company.champion == learned.bundle_hash != first
    assert load_engine(company.paths, company.settings).bundle.policy_id == "linear_bandit"
    usual = [one for one in tried if not one.reason.startswith("Tried")]
    assert company.worth(company.work(100)) > company.worth(usual) + 0.2


def test_a_champion_that_does_not_keep_its_promise_gives_way_to_the_one_before(company: Company):
    first = company.champion
    company.work(260)
    company.learn()
    _promote(company)
    company.right = lambda _: 0.2
    company.work(150)
    back = company.learn()
    assert (back.outcome, back.step) == ("rolled_back", "rolled_back")
    assert back.evidence["shortfall_high"] < -0.05
    assert company.champion == first
    assert named_folder(company.paths.serving, KIND, "previous") is None


def test_a_challenger_that_earns_less_is_dropped_and_the_champion_stays(company: Company):
    first = company.champion
    company.work(260)
    learned = company.learn()
    liked = _liked_by_the_challenger(company)
    company.right = lambda llm: 0.1 if llm == liked else 0.9
    company.work(400)
    dropped = company.learn()
    assert (dropped.outcome, dropped.bundle_hash) == ("dropped", learned.bundle_hash)
    assert company.champion == first
    assert named_folder(company.paths.serving, KIND, "challenger") is None


def _liked_by_the_challenger(company: Company) -> str:
    """What it prefers most often."""
    engine = load_engine(company.paths, company.settings)
    found: Counter[str] = Counter()
    for question in QUESTIONS:
        decision = engine.decide(
            RouteLlmRequest(prompt=question), actor_id="clara", decision_id="dec_x", decided_at=company.now, seed=3,
            switches=Switches(canary_shares=((KIND, 1.0),)),
        )  # fmt: skip
        assert decision.action is not None
        found[decision.action] += 1
    return found.most_common(1)[0][0]


def _promote(company: Company) -> None:
    promoted, _ = loop.promote(company.paths)
    assert company.champion == promoted


def test_nothing_is_learned_before_enough_has_matured(company: Company):
    company.work(100)
    report = company.learn()
    assert (report.outcome, report.step) == ("waiting", None)
    assert "200 are asked" in report.reasons[0]


def test_a_person_may_promote_and_go_back_and_each_is_refused_where_there_is_nothing(company: Company):
    with pytest.raises(NotFoundError, match="no challenger"):
        loop.promote(company.paths)
    with pytest.raises(ConflictError, match="no champion before"):
        loop.roll_back(company.paths)
    first = company.champion
    company.work(260)
    learned = company.learn()
    _promote(company)
    assert company.champion == learned.bundle_hash
    assert loop.roll_back(company.paths) == (first, learned.bundle_hash)


def test_only_matured_decisions_and_outcomes_in_time_are_taught(company: Company):
    company.work(50)
    with read_lake(company.paths) as lake:
        too_soon = read_training_set(lake, KIND, now=START + dt.timedelta(hours=23))
        matured = read_training_set(lake, KIND, now=company.now)
    assert too_soon.rows == ()
    assert len(matured.rows) == 80
    assert set(matured.counts) <= {"with_outcome", "left_to_a_person"}
    assert all(0 < float(row.propensity or 0) <= 1 for row in matured.logged)
    assert all(abs(sum(row.chances.values()) - 1) < 1e-9 for row in matured.logged)


def test_a_champion_of_an_older_aurora_waits_to_be_trained_anew(company: Company):
    champion = champion_folder(company.paths.serving, KIND)
    assert champion is not None
    with np.load(champion / "arrays.npz") as held:
        arrays = {name: held[name] for name in ARRAYS}
    manifest = {k: v for k, v in read_manifest(champion).items() if k != "bundle_hash"} | {
        "estimator": "tfidf_ridge_v1"
    }
    promote_bundle(write_bundle(company.paths.serving, manifest, arrays))
    report = company.learn()
    assert (report.outcome, report.step) == ("waiting", None)
    assert "older Aurora" in report.reasons[0]


def test_a_bundle_that_mlflow_never_saw_is_promoted_all_the_same(company: Company):
    company.work(260)
    company.learn()
    shutil.rmtree(company.settings.data_dir / "mlflow")
    promoted, _ = loop.promote(company.paths)
    assert company.champion == promoted
