"""The page Decisions on decisions of the real engine: what would have changed one, replay, and the other kinds."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.reads.decisions import DecisionFilter, list_decisions
from apps.streamlit.reads.lake import Pin, current_pin
from aurora.audit.records import decision_record, decision_seed
from aurora.decisions.loading import load_engine
from aurora.decisions.modes import Switches
from aurora.settings import Settings
from aurora.store.paths import TenantPaths, tenant_paths
from aurora.store.state import StateStore
from contracts.messages.decisions import (
    DecisionRequest,
    Demand,
    OpenTask,
    RebalanceRequest,
    Recommendation,
    ResolveConflictRequest,
    RouteLlmRequest,
    RouteTaskRequest,
    ScaleLimits,
    ScaleRequest,
    Trial,
    TuneRequest,
)

Open = Callable[[str], AppTest]
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SHADOW = Switches(shadow_policies=(("route_task", "cheapest"),), canary_shares=(("route_task", 0.25),))
REQUESTS: dict[str, DecisionRequest] = {
    "dec_task": RouteTaskRequest(task_type="lead_follow_up", max_cost_usd=Decimal("0.02"), mode="act"),
    "dec_beside": RouteTaskRequest(task_type="lead_follow_up"),
    "dec_llm": RouteLlmRequest(prompt="What is the transfer fee of a flat?"),
    "dec_conflict": ResolveConflictRequest(
        subject_id="deal-42",
        topic="compliance_review",
        recommendations=(
            Recommendation(assistant_id="laila", action="deal_stop", confidence=0.9),
            Recommendation(assistant_id="clara", action="deal_proceed", confidence=0.6),
        ),
        min_confidence=0.99,
    ),
    "dec_scale": ScaleRequest(
        target_id="clara",
        history=Demand(window_s=900, ends_at=NOW, demand=(30.0, None, 70.0), replicas=3),
        limits=ScaleLimits(replica_rate=10.0),
    ),
    "dec_move": RebalanceRequest(
        tasks=tuple(OpenTask(task_id=f"t{n}", task_type="lead_follow_up", assistant_id="clara") for n in range(4))
    ),
    "dec_tune": TuneRequest(
        assistant_id="clara",
        parameter="temperature",
        trials=(Trial(value=0.4, task_count=90, success_count=50), Trial(value=0.3, task_count=90, success_count=88)),
    ),
}


def decide(paths: TenantPaths) -> None:
    """One decision of each kind, by the engine as the pack has it."""
    engine = load_engine(paths, Settings())
    records = [
        decision_record(
            engine.decide(
                request,
                actor_id="person:amal",
                decision_id=name,
                decided_at=NOW,
                seed=decision_seed(name),
                live=(("omar", "down"),),
                switches=SHADOW,
            )
        )
        for name, request in REQUESTS.items()
    ]
    with StateStore.open(paths, clock=lambda: NOW) as store:
        store.append(records).result()


@pytest.fixture(scope="module")
def decided_dir(company_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the company, with decisions of its own engine."""
    target = tmp_path_factory.mktemp("decided") / "data"
    shutil.copytree(company_dir, target)
    decide(tenant_paths(target, "demo"))
    return target


@pytest.fixture
def decided(decided_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    monkeypatch.setenv("AURORA_DATA_DIR", str(decided_dir))
    return current_pin()


def _shown(open_page: Open, decision_id: str) -> tuple[AppTest, str]:
    app = open_page("decisions")
    app.query_params["decision"] = decision_id
    app.run()
    assert [exception.message for exception in app.exception] == []
    blocks = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.success]
    return app, "\n".join(str(block.value) for block in blocks).replace("\\", "")


@pytest.mark.usefixtures("decided")
def test_a_task_says_what_kept_others_out_and_replays(open_page: Open) -> None:
    app, said = _shown(open_page, "dec_task")
    assert "was kept out by the rule `cost_001`; without that it would" in said
    assert "were kept out by “It does not have this skill”" in said
    assert "**omar** was kept out by “It is down: it does not answer”; without that it would be preferred" in said
    assert app.title[0].value == "Nobody was chosen to take this task: it waits for you."
    assert [one.label for one in app.expander if "cost_001" in one.label]
    next(button for button in app.button if button.label == "Replay").click()
    app.run()
    assert [one.value for one in app.success] == ["It comes out the same, byte for byte."]


@pytest.mark.usefixtures("decided")
@pytest.mark.parametrize(
    ("decision_id", "title", "told"),
    [
        ("dec_llm", "was chosen to answer this question.", "would be preferred"),
        ("dec_conflict", "It waits for you.", "would have been chosen with a confidence of 99 %"),
        ("dec_scale", "Clara gets 10 replicas, after 3.", "the autoscaler (30 minutes"),
        ("dec_move", "to another assistant.", "4 open tasks of the fleet"),
        ("dec_tune", "Temperature of Clara moves to 0.3.", "**temperature** of **Clara**, by 180 tasks at 2 values"),
    ],
)
def test_every_kind_is_told_in_its_own_words(decision_id: str, title: str, told: str, open_page: Open) -> None:
    app, said = _shown(open_page, decision_id)
    assert title in app.title[0].value
    assert told in said


@pytest.mark.usefixtures("decided")
def test_a_task_says_what_ran_beside_it_and_where_it_turns(open_page: Open) -> None:
    _, said = _shown(open_page, "dec_beside")
    assert "`cheapest` would have chosen" in said
    assert "It answers 25 % of such decisions." in said
    assert "**Clara** would be preferred with a confidence of at least" in said
    assert "With `success_weight` of the policy raised to" in said


@pytest.mark.usefixtures("decided")
def test_whom_one_believes_in_a_conflict_is_a_table(open_page: Open) -> None:
    app, said = _shown(open_page, "dec_conflict")
    assert "Nothing was scored yet" in said
    tables = [table.value for table in app.dataframe]
    assert any({"says", "believed_share"} <= set(table.columns) and len(table) == 2 for table in tables)


def test_a_decision_whose_inputs_are_not_kept_says_so(pin: Pin, open_page: Open) -> None:
    """The made-up company's receipts name features that nobody kept."""
    listed = list_decisions(pin, DecisionFilter(show="chosen"))
    _, said = _shown(open_page, listed["decision_id"][0])
    assert "Not known." in said


def test_the_list_narrows_to_what_was_asked_to_be_acted_on(decided: Pin) -> None:
    acted = list_decisions(decided, DecisionFilter(mode="act"))
    assert acted["decision_id"].to_list() == ["dec_task"]
    assert "dec_llm" in list_decisions(decided, DecisionFilter(mode="advise"))["decision_id"].to_list()
    chosen = list_decisions(decided, DecisionFilter(show="chosen"))
    assert set(chosen["decision_status"]) == {"chosen"}
