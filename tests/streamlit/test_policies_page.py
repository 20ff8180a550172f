"""The page Policies: who decides and who is tried, what a person changes of it, the evidence, and the what-if."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps.streamlit.policy_acts import change_champion, set_mode, set_stopped
from apps.streamlit.reads.lake import Pin, current_pin
from apps.streamlit.reads.policies import policies_now, steps_frame
from apps.streamlit.ui.access import Viewer
from aurora.audit.records import decision_record, decision_seed, outcome_record
from aurora.audit.verify import verify
from aurora.decisions.bundles import champion_folder, promote_bundle, replace_file, write_bundle
from aurora.decisions.loading import load_engine
from aurora.decisions.modes import Switches
from aurora.errors import DataError, NotFoundError, PermissionDeniedError, UsageError
from aurora.ingest.journal import copy_journal
from aurora.settings import Settings
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.paths import TenantPaths, tenant_paths
from aurora.store.state import StateStore
from contracts.messages.decisions import OutcomeRequest, RouteTaskRequest, canonical
from contracts.messages.learning import PolicyStep

Open = Callable[[str], AppTest]
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
OWNER, OPERATOR, ANALYST = (Viewer(f"person:{r}", r) for r in ("owner", "operator", "analyst"))  # type: ignore[arg-type]
EVIDENCE = {
    "gain": 0.031, "gain_lower_95": 0.012, "gain_low": 0.008, "gain_high": 0.054, "decision_count": 1210,
    "effective_count": 655.0, "min_effective_count": 500.0, "calibration_error": 0.081, "max_calibration_error": 0.05,
    "violation_count": 0, "p99_ms": 0.7, "max_p99_ms": 2.0,
}  # fmt: skip
"""As the gate leaves it: all bars but calibration are reached."""


def _bundle(paths: TenantPaths, *, seed: int, **more: Any) -> Path:
    draw = np.random.default_rng(seed)
    arrays = {
        "vocabulary": np.array(["fee", "villa"]),
        "idf": np.ones(2),
        "coef": draw.normal(size=(2, 2)),
        "intercept": draw.normal(size=2),
        "calib_x": np.array([[0.0, 1.0]] * 2),
        "calib_y": np.array([[0.2, 0.9]] * 2),
        "mean_output_tokens": np.array([10.0, 20.0]),
    }
    manifest = {
        "kind": "route_llm",
        "estimator": "tfidf_ridge_v1",
        "llms": ["llama-3.1-8b-instruct", "gemma-2-9b-it"],
        "created_at": (NOW - dt.timedelta(days=9)).isoformat(),
        "metrics": {"ece": 0.021},
        "calibration_curve": [{"predicted": 0.2, "observed": 0.25, "count": 40}, {"predicted": 0.8, "observed": 0.7, "count": 9}],
        **more,
    }  # fmt: skip
    return write_bundle(paths.serving, manifest, arrays)


def _step(folder: Path, step: str, before: Path) -> JournalRecord:
    record = PolicyStep(
        step_id=f"pol_{step}",
        kind="route_llm",
        step=step,  # type: ignore[arg-type]
        bundle_hash=folder.name,
        champion_hash=before.name,
        actor_id="aurora-learning",
        happened_at=NOW - dt.timedelta(days=2),
        reasons=("it is shown to be better",),
        evidence=EVIDENCE,
    )
    return JournalRecord(
        record_id=record.step_id,
        kind="policy_step",
        subject_id=folder.name,
        actor_id=record.actor_id,
        recorded_at=NOW,
        body=canonical(record),
    )


@pytest.fixture(scope="module")
def learned_dir(company_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the company, with a champion that took another's place, and decisions of its engine."""
    target = tmp_path_factory.mktemp("policies") / "data"
    shutil.copytree(company_dir, target)
    paths = tenant_paths(target, "demo")
    first = _bundle(paths, seed=1)
    second = _bundle(paths, seed=2, learned_count=412, parent=first.name)
    promote_bundle(second)
    replace_file(second.parent / "previous", f"{first.name}\n".encode())
    engine, draw, records = load_engine(paths, Settings()), random.Random(8), [_step(second, "promoted", first)]
    half = Switches(shadow_policies=(("route_task", "cheapest"),), canary_shares=(("route_task", 0.5),))
    for at in range(160):
        made = engine.decide(
            RouteTaskRequest(task_type="lead_follow_up", candidates=("clara", "nina")),
            actor_id="person:amal",
            decision_id=f"dec_p{at:03}",
            decided_at=NOW - dt.timedelta(days=6, minutes=-at),
            seed=decision_seed(f"dec_p{at:03}"),
            switches=half,
        )
        told = OutcomeRequest(is_success=draw.random() < made.confidence)
        records.append(decision_record(made))
        records.append(outcome_record(told, made, outcome_id=f"out_p{at}", actor_id="person:amal", now=made.decided_at))
    with StateStore.open(paths, clock=lambda: NOW) as store:
        store.append(records).result()
    copy_journal(paths, clock=lambda: NOW)
    return target


@pytest.fixture
def learned(learned_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    monkeypatch.setenv("AURORA_DATA_DIR", str(learned_dir))
    return current_pin()


@pytest.fixture
def own(learned_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """As `learned`, on a copy that the test may write to."""
    shutil.copytree(learned_dir, tmp_path / "data")
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))
    return current_pin()


def _run(app: AppTest) -> str:
    app.run()
    assert [exception.message for exception in app.exception] == []
    blocks = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.success, *app.error]
    tiles = [f"{metric.label}: {metric.value}" for metric in app.metric]
    return "\n".join([*[str(block.value) for block in blocks], *tiles]).replace("\\", "")


def _press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click()


@pytest.mark.usefixtures("learned")
def test_the_page_says_who_decides_since_when_by_whom_and_on_what_evidence(open_page: Open) -> None:
    app = open_page("policies")
    app.query_params["kind"] = "route_llm"
    said = _run(app)
    assert "2 of 6 kinds of decisions may act" in app.title[0].value
    assert "by **aurora-learning**" in said
    assert "412 decisions of yours" in said
    assert "+0.0310 a decision, between +0.0080 and +0.0540" in said
    assert "1,210 decisions, worth 655 for it; 500 asked" in said
    assert "**Calibrated**  \n0.081; at most 0.05 asked" in said
    promote = next(button for button in app.button if button.label == "Promote the challenger")
    assert promote.disabled
    history = next(table.value for table in app.dataframe if "happened_at" in table.value.columns)
    assert history["why"].tolist() == ["it is shown to be better"]


@pytest.mark.usefixtures("learned")
def test_the_what_if_answers_in_words_with_figures(open_page: Open) -> None:
    app = open_page("policies")
    app.query_params["kind"] = "route_task"
    _run(app)
    app.selectbox("try_route_task").set_value("cheapest")
    _run(app)
    _press(app, "Replay it")
    said = _run(app)
    assert "`cheapest` would have chosen otherwise in" in said
    assert "of 160 decisions" in said
    assert "less, by the receipts." in said
    assert "Rules broken: 0" in said


@pytest.mark.usefixtures("learned")
def test_the_what_if_without_history_says_the_next_step(open_page: Open) -> None:
    app = open_page("policies")
    app.query_params["kind"] = "tune"
    _run(app)
    _press(app, "Replay it")
    assert "No decision of tune can be made again" in _run(app)


def test_a_person_changes_how_far_a_kind_acts_and_the_history_tells_it(own: Pin, open_page: Open) -> None:
    app = open_page("policies")
    app.query_params["kind"] = "route_task"
    _run(app)
    app.slider("act_route_task").set_value(25)
    app.selectbox("shadow_route_task").set_value("cheapest")
    app.slider("canary_route_task").set_value(10)
    app.text_input("mode_reason_route_task").set_value("First week: a quarter.")
    _press(app, "Change it")
    said = _run(app)
    assert "Acts on: 25 %" in said
    assert "It answers **10 %** of decisions" in said
    now = policies_now(own)
    told = steps_frame(now, "route_task").row(0, named=True)
    assert told["step"] == "Acts on 25%; Beside it: cheapest; Canary 10%"
    assert told["why"] == "First week: a quarter."
    assert steps_frame(now, "tune").height == 0
    assert verify(own.paths).is_valid


def test_a_change_without_a_reason_changes_nothing(own: Pin, open_page: Open) -> None:
    app = open_page("policies")
    app.query_params["kind"] = "route_task"
    _run(app)
    _press(app, "Change it")
    assert "Say why in at least three letters" in _run(app)
    assert policies_now(own).changes == ()


def test_the_champion_before_comes_back_by_the_owners_word(own: Pin, open_page: Open) -> None:
    before = policies_now(own).bundles
    app = open_page("policies")
    app.query_params["kind"] = "route_llm"
    _run(app)
    app.text_input("champion_reason").set_value("Clients complained.")
    _press(app, "Roll back")
    assert "Done: roll back." in _run(app)
    folder = champion_folder(own.paths.serving, "route_llm")
    assert folder is not None
    assert folder.name == before["previous"].bundle_hash
    now = policies_now(own)
    assert (now.bundles["champion"].by, now.steps[0].step) == ("owner", "rolled_back")
    assert now.steps[0].reasons == ("Clients complained.",)


def test_a_challenger_shows_how_it_stands_so_far_and_may_be_promoted(own: Pin, open_page: Open) -> None:
    folder = own.paths.serving / "bundles" / "route_llm"
    replace_file(folder / "challenger", (folder / "previous").read_bytes())
    app = open_page("policies")
    app.query_params["kind"] = "route_llm"
    said = _run(app)
    assert "Beside it: Challenger" in said
    assert "so far, by decisions whose outcomes have matured" in said
    assert "for it; 500 asked" in said
    assert "+0.0310" not in said
    assert not next(button for button in app.button if button.label == "Promote the challenger").disabled


def test_roles_bound_what_may_be_changed(own: Pin) -> None:
    given: dict[str, Any] = {"act_share": 0.5, "shadow": None, "canary_share": 0.0}
    with pytest.raises(PermissionDeniedError):
        set_mode(own, "route_task", reason="For a test.", viewer=ANALYST, **given)
    with pytest.raises(PermissionDeniedError):
        change_champion(own, "rolled_back", reason="For a test.", viewer=OPERATOR)
    with pytest.raises(DataError):
        change_champion(own, "rolled_back", reason=" ", viewer=OWNER)
    with pytest.raises(NotFoundError):
        change_champion(own, "promoted", reason="For a test.", viewer=OWNER)
    with pytest.raises(UsageError):
        set_mode(own, "route_task", reason="For a test.", viewer=OPERATOR, **{**given, "shadow": "latest_wins"})
    set_mode(own, "route_task", reason="Omar is new.", assistant_id="omar", viewer=OPERATOR, **given)
    assert policies_now(own).kind("route_task").assistant_shares["omar"] == 0.5
    set_stopped(own, is_stopped=True, reason="An incident.", viewer=OPERATOR)
    with StateReader(own.paths) as state:
        assert msgspec.json.decode(state.page("decision_modes", limit=1)[0].body)["is_stopped"]


def test_a_stop_stands_above_all(own: Pin, open_page: Open) -> None:
    set_stopped(own, is_stopped=True, reason="An incident.", viewer=OPERATOR)
    app = open_page("policies")
    said = _run(app)
    assert app.title[0].value == "Decisions are stopped: all of them advise."
    assert "An incident." in said


def test_a_company_without_a_router_is_told_what_decides(pin: Pin, open_page: Open) -> None:
    assert policies_now(pin).bundles == {}
    said = _run(open_page("policies"))
    assert "#### Best single" in said
    assert "No bundle." in said
    assert "No challenger has been judged yet." in said
