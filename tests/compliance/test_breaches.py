"""Breaches: noticed once, clocks by law, each step by somebody, closed only when everybody was told who must be."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from aurora.alerts.evaluation import evaluate as judge_alerts
from aurora.alerts.rules import load_alert_rules
from aurora.compliance.breach_detection import detect_breaches, project_breaches
from aurora.compliance.breach_rules import BreachRules, breach_rules
from aurora.compliance.breaches import find_breach, read_breaches, take_step
from aurora.compliance.findings import record_sweep
from aurora.compliance.rulebook import Rulebook, rules_folder
from aurora.compliance.sweep import sweep
from aurora.errors import AuroraError, ConflictError, DataError, NotFoundError
from aurora.settings import Settings
from aurora.store.lake import create_lake, latest_snapshot, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.compliance import BreachCase, BreachStep
from tests.compliance.conftest import UNTIL, fill

HOUR = dt.timedelta(hours=1)
NOTICED = UNTIL - 10 * HOUR
_STAMP = {"updated_at": NOTICED, "source": "desk", "is_sample": False}
Step = Callable[..., BreachCase]


def incident(name: str, **told: object) -> dict[str, object]:
    return {"incident_id": name, "incident_kind": "breach", "severity": "high", "is_personal_breach": True,
            "detected_at": NOTICED, **_STAMP, **told}  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, book: Rulebook) -> TenantPaths:
    """Incidents under several laws, one told of and closed; a transfer abroad that is a finding; a refused row."""
    paths = create_tenant(tmp_path_factory.mktemp("breaches"), "demo", "ae-dubai")
    create_lake(paths)
    told = {
        "authority_notified_at": NOTICED + HOUR,
        "subjects_notified_at": NOTICED + HOUR,
        "closed_at": NOTICED + 2 * HOUR,
    }
    rows = [
        incident("in-home", jurisdiction=None),
        incident("in-eu", jurisdiction="EU"),
        incident("in-old", jurisdiction="DIFC", is_risk_likely=True, is_high_risk=True, **told),
        incident("in-calm", is_personal_breach=False),
    ]
    transfer = {"transfer_id": "t-1", "occurred_at": NOTICED, "data_label": "pii.id", "subject_region": "ae-dubai",
                "dest_region": "af-south", "dest_country": "ZW", "source": "desk", "is_sample": False}  # fmt: skip
    refusal = {"batch_id": "b-1", "source": "theodora", "source_format": "csv", "file_name": "x.csv", "contract": "party",
               "row_number": 3, "refused_region": "eu-west", "row_hash": "00", "reason": "not here", "ingested_at": NOTICED}  # fmt: skip
    fill(
        paths,
        {
            "incident": pl.DataFrame(rows, infer_schema_length=None),
            "transfer": pl.DataFrame([transfer]),
            "residency_refusal": pl.DataFrame([refusal]),
        },
    )
    with read_lake(paths) as lake:
        found = sweep(book, lake, now=UNTIL, rule_ids=["RES-001", "PDPL-014"])
    record_sweep(paths, found)
    return paths


@pytest.fixture
def rules(book: Rulebook) -> BreachRules:
    return breach_rules(rules_folder(Settings().packs_dir), book)


@pytest.fixture
def own(company: TenantPaths, tmp_path: Path) -> TenantPaths:
    """A copy that a test may write to."""
    shutil.copytree(company.data_dir, tmp_path / "own")
    return TenantPaths(tmp_path / "own", company.tenant, company.region)


@pytest.fixture
def store(own: TenantPaths, rules: BreachRules) -> Iterator[StateStore]:
    """A journal in which every breach was noticed just now."""
    with StateStore.open(own, clock=lambda: UNTIL) as opened:
        detect_breaches(own, opened, rules, now=UNTIL)
        yield opened


def case_of(store: StateStore, rules: BreachRules, about_id: str, *, now: dt.datetime = UNTIL) -> BreachCase:
    return next(one for one in read_breaches(store, rules, now=now) if one.about_id == about_id)


@pytest.fixture
def step(store: StateStore, rules: BreachRules) -> Step:
    def take(about_id: str, kind: str, *, at: dt.datetime = UNTIL, **facts: object) -> BreachCase:
        told = {"note": "as asked", "actor_id": "laila", "done_at": at, "recorded_at": at, **facts}
        return take_step(
            store, rules, BreachStep(breach_id=case_of(store, rules, about_id).breach_id, step=kind, **told)
        )  # type: ignore[arg-type]

    return take


def test_incidents_findings_and_refused_rows_are_noticed_once(own: TenantPaths, store: StateStore, rules: BreachRules):
    found = {
        one.about_id: (one.origin, one.jurisdiction, one.breach_state) for one in read_breaches(store, rules, now=UNTIL)
    }
    assert found == {
        "in-home": ("incident", "AE", "detected"),
        "in-eu": ("incident", "EU", "detected"),
        "in-old": ("incident", "DIFC", "closed"),
        "t-1": ("finding", "AE", "detected"),
        "party|eu-west|b-1": ("residency_refusal", "AE", "detected"),
    }
    assert case_of(store, rules, "t-1").rule_ids == ["PDPL-014", "RES-001"]
    snapshot = latest_snapshot(own, "raw")
    assert detect_breaches(own, store, rules, now=UNTIL + HOUR) == {"detected": 0, "steps": 0, "rows": 0}
    assert latest_snapshot(own, "raw") == snapshot


def test_what_an_incidents_record_says_are_steps_of_the_case(store: StateStore, rules: BreachRules):
    case = case_of(store, rules, "in-old")
    assert [one.step for one in case.steps] == ["assessed", "authority_notified", "subjects_notified", "closed"]
    assert {one.actor_id for one in case.steps} == {"aurora"}
    assert case.steps[1].done_at == NOTICED + HOUR
    assert not case.is_overdue


def test_clocks_run_from_when_it_was_noticed_with_their_source(store: StateStore, rules: BreachRules):
    case = case_of(store, rules, "in-home")
    (office, people) = case.duties
    assert (office.authority, office.who, office.due_at) == ("ae_data_office", "authority", NOTICED + 72 * HOUR)
    assert "Federal Decree-Law 45/2021" in office.source
    assert "assumed" in office.source
    assert people.is_due  # nobody has said yet that the risk is not high
    assert case.next_due_at == NOTICED + 72 * HOUR
    assert not case.is_overdue
    assert case_of(store, rules, "in-home", now=NOTICED + 73 * HOUR).is_overdue


def test_a_breach_is_assessed_told_and_closed_in_order_each_by_somebody(
    store: StateStore, rules: BreachRules, step: Step
):
    with pytest.raises(ConflictError, match="Nobody has assessed it"):
        step("in-home", "closed")
    assessed = step("in-home", "assessed", is_personal_breach=True, is_high_risk=True, affected_subject_count=40)
    assert (assessed.breach_state, assessed.affected_subject_count) == ("assessed", 40)
    with pytest.raises(ConflictError, match="must be told by"):
        step("in-home", "closed")
    told = step("in-home", "authority_notified", authority="ae_data_office", reference="N-1")
    assert told.breach_state == "notified_authority"
    assert told.next_step.startswith("Tell the people concerned by")
    assert step("in-home", "subjects_notified").breach_state == "notified_subjects"
    closed = step("in-home", "closed", at=UNTIL + HOUR)
    assert (closed.breach_state, closed.next_due_at) == ("closed", None)
    assert [(one.step, one.actor_id) for one in closed.steps][-1] == ("closed", "laila")
    with pytest.raises(ConflictError, match="is closed"):
        step("in-home", "assessed", is_personal_breach=False)
    with pytest.raises(NotFoundError):
        find_breach(store, rules, "brc-none", now=UNTIL)


def test_who_must_be_told_follows_from_the_assessment(step: Step):
    calm = step("in-eu", "assessed", is_personal_breach=True, is_risk_likely=False, is_high_risk=False)
    assert not any(one.is_due for one in calm.duties)
    unsure = step("in-eu", "assessed", is_personal_breach=True, is_risk_likely=True)
    assert [one.is_due for one in unsure.duties] == [True, True]  # unknown is not no
    none = step("in-eu", "assessed", is_personal_breach=False)
    assert none.next_due_at is None
    assert step("in-eu", "closed").breach_state == "closed"


@pytest.mark.parametrize(
    ("kind", "facts", "says"),
    [
        ("assessed", {}, "says whether it was a breach"),
        ("authority_notified", {"authority": "eu_supervisory_authority"}, "not in charge"),
        (
            "authority_notified",
            {"authority": "ae_data_office", "done_at": NOTICED - HOUR},
            "before the breach was noticed",
        ),
        ("authority_notified", {"authority": "ae_data_office", "done_at": UNTIL + HOUR}, "nor later than now"),
    ],
)
def test_a_step_that_says_too_little_is_refused(step: Step, kind: str, facts: dict, says: str):
    with pytest.raises(DataError, match=says):
        step("in-home", kind, **facts)


def test_being_told_late_is_on_record_as_late(step: Step, store: StateStore, rules: BreachRules):
    late = NOTICED + 80 * HOUR
    step("in-home", "assessed", is_personal_breach=True, is_high_risk=False)
    told = step("in-home", "authority_notified", at=late, authority="ae_data_office")
    assert told.duties[0].is_overdue
    assert case_of(store, rules, "in-home", now=late).is_overdue is False  # nothing is left to be done


def test_the_lake_has_a_row_an_authority_and_an_overdue_one_raises_its_alert(
    own: TenantPaths, store: StateStore, rules: BreachRules, step: Step
):
    step("in-eu", "assessed", is_personal_breach=False)
    assert project_breaches(own, store, rules, now=UNTIL + HOUR) > 0
    assert project_breaches(own, store, rules, now=UNTIL - HOUR) == 0  # nor when the clock went back
    (rule,) = [one for one in load_alert_rules(Settings().packs_dir, "real_estate") if one.rule_id == "breach_overdue"]
    with read_lake(own) as lake:
        assert judge_alerts([rule], lake=lake, fleet=None, now=UNTIL, tenant=None, page_from={}).breaches == []
        late = judge_alerts([rule], lake=lake, fleet=None, now=NOTICED + 73 * HOUR, tenant=None, page_from={}).breaches
    about = {one.breach_id: one.about_id for one in read_breaches(store, rules, now=UNTIL)}
    assert {about[one.subject_id] for one in late} >= {"in-home"}
    assert "in-eu" not in {about[one.subject_id] for one in late}
    assert all(one.cause == "authority ae_data_office (100%)" for one in late)


def test_a_law_that_does_not_bind_leaves_its_authority_out(book: Rulebook, tmp_path: Path):
    from dataclasses import replace

    fewer = replace(book, packs=tuple(pack for pack in book.packs if pack.file.rule_pack != "uae_pdpl"))
    assert breach_rules(rules_folder(Settings().packs_dir), fewer).told("AE") == ()
    (tmp_path / "breaches.yaml").write_text("authorities: 3\n", encoding="utf-8")
    with pytest.raises(AuroraError, match="does not fit"):
        breach_rules(tmp_path, book)


def test_every_rule_that_is_named_is_a_rule(book: Rulebook, rules: BreachRules):
    names = {rule.rule_id for rule in book.rules}
    asked = {notice.rule for one in rules.authorities.values() for notice in (one.authority, one.subjects)}
    assert {*rules.signs.rules, *rules.signs.jurisdictions, *asked} <= names
    assert len(rules.authorities) == 5
