"""Remedies: each act once, its outcome on record, what it leaves behind consulted, and a kill mended by running again."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from aurora.alerts.book import read_book
from aurora.alerts.hands import Hands
from aurora.compliance.enforcement import enforce, remedy_findings
from aurora.compliance.findings import list_findings, record_sweep
from aurora.compliance.holds import holds_named_in, holds_of, read_holds, release_hold
from aurora.compliance.judging import catch_up, judge, judged_by_rule
from aurora.compliance.mask_targets import MaskTarget
from aurora.compliance.remedies import MAX_ATTEMPTS, chosen, complete, read_remedies
from aurora.compliance.rulebook import Rulebook
from aurora.compliance.sweep import sweep
from aurora.errors import ConflictError, DataError, NotFoundError
from aurora.store.journal import StateReader
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from contracts.messages.compliance import Remedy
from tests.compliance.conftest import UNTIL, fill

HOUR = dt.timedelta(hours=1)
RULES = ["GDPR-014", "PCI-003", "SOC2-006", "DLD-007", "SOC2-002", "GEN-003"]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """A lake in which a field, a scanned value, an incident and a deal break a rule. Not to be written to."""
    paths = create_tenant(tmp_path_factory.mktemp("broken"), "demo", "ae-dubai")
    create_lake(paths)
    day = UNTIL - dt.timedelta(days=1)
    stamp = {"updated_at": day, "source": "desk", "is_sample": False}
    fill(
        paths,
        {
            "dataset": pl.DataFrame(
                [
                    {"dataset_id": "ds-1", "dataset_name": "talk", "contract": "message", **stamp},
                    {"dataset_id": "ds-2", "dataset_name": "paper", "contract": None, **stamp},
                ]
            ),
            "field": pl.DataFrame(
                [
                    {"dataset_id": name, "column_name": "body", "data_label": "pii.contact", "is_encrypted": False, **stamp}
                    for name in ("ds-1", "ds-2")
                ]
            ),
            "message": pl.DataFrame(
                [
                    {"message_id": f"m-{one}", "body": f"Call Sara, villa {one % 2}", "sent_at": day, **stamp}
                    for one in range(4)
                ]
            ),
            "deal": pl.DataFrame([{"deal_id": "D-7", "deal_stage": "transfer", "noc_id": None, **stamp}]),
            "incident": pl.DataFrame(
                [{"incident_id": "in-1", "incident_kind": "outage", "detected_at": day, "closed_at": day,
                  "postmortem_id": None, "is_personal_breach": False, **stamp}]
            ),
        },
    )  # fmt: skip
    return paths


@pytest.fixture
def lake(broken: TenantPaths, tmp_path: Path) -> TenantPaths:
    """A copy that a test may write to."""
    shutil.copytree(broken.data_dir, tmp_path / "own")
    return TenantPaths(tmp_path / "own", broken.tenant, broken.region)


@pytest.fixture
def store(lake: TenantPaths) -> Iterator[StateStore]:
    with StateStore.open(lake, clock=lambda: UNTIL) as opened:
        yield opened


@dataclass
class Clumsy:
    """Hands that fail so many times, then work."""

    hands: Hands
    failures: int
    calls: list[str] = field(default_factory=list)

    def mask(self, target: MaskTarget, *, now: dt.datetime) -> dict[str, str | int]:
        self.calls.append(target.contract)
        if len(self.calls) <= self.failures:
            raise DataError("The disk is full.", next_step="Free some.")
        return self.hands.mask(target, now=now)

    def alert(self, remedy: Remedy, *, now: dt.datetime) -> str:
        return self.hands.alert(remedy, now=now)

    def draft(self, remedy: Remedy, *, now: dt.datetime) -> str | None:
        return self.hands.draft(remedy, now=now)


def swept(paths: TenantPaths, book: Rulebook, *, now: dt.datetime = UNTIL, rules: list[str] | None = None) -> None:
    with read_lake(paths) as lake:
        found = sweep(book, lake, now=now, rule_ids=rules or RULES)
    record_sweep(paths, found)


def by_state(store: StateReader, rule_id: str) -> dict[str, str]:
    return {one.act + " " + one.about_id: one.remedy_state for one in chosen(read_remedies(store), rule_id=rule_id)}


def bodies(paths: TenantPaths) -> list[str]:
    with read_lake(paths) as lake:
        return lake.query("SELECT body FROM raw.message ORDER BY message_id")["body"].to_list()


def test_a_dry_run_says_what_would_be_done_and_does_none_of_it(lake: TenantPaths, book: Rulebook):
    dry = enforce(lake, book, "GDPR-014", actor_id="omar", now=UNTIL, store=None)
    assert dry.remedies == {
        "mask: would be masked": 1,
        "mask: would wait for a person": 1,
        "task: would wait for a person": 2,
    }
    assert bodies(lake)[0] == "Call Sara, villa 0"
    assert not lake.state.exists()


def test_a_field_in_clear_is_masked_in_the_lake_with_proof_and_only_once(
    lake: TenantPaths, book: Rulebook, store: StateStore
):
    done = enforce(lake, book, "GDPR-014", actor_id="omar", now=UNTIL, store=store, hands=Hands(lake, store))
    assert done.remedies == {"done": 1, "waiting": 3}
    masked = bodies(lake)
    assert all(text.startswith("enc1:") for text in masked)
    assert len(set(masked)) == 2  # equal values stay equal
    (mask,) = chosen(read_remedies(store), rule_id="GDPR-014", state="done")
    assert (mask.proof["row_count"], mask.proof["clear_before_count"], mask.proof["clear_after_count"]) == (4, 4, 0)
    until = UNTIL + dt.timedelta(days=30)
    assert mask.reason == (
        f"4 values were in clear, none is now. Older snapshots can be read until {until:%Y-%m-%d}; "
        "`aurora privacy purge` ends them at once."
    )
    assert mask.proof["readable_until"] == until.isoformat()
    waiting = {one.about_id: one.reason for one in chosen(read_remedies(store), act="mask", state="waiting")}
    assert waiting == {
        "ds-2|body": "The values of data set ds-2 rest outside this lake: a person must mask them there."
    }
    again = enforce(lake, book, "GDPR-014", actor_id="omar", now=UNTIL + HOUR, store=store, hands=Hands(lake, store))
    assert (again.requested_count, again.remedies, bodies(lake)) == (0, {}, masked)


def test_a_masked_value_is_read_back_by_who_may(lake: TenantPaths, book: Rulebook, store: StateStore):
    from aurora.privacy.disclosure import opened_text
    from aurora.store.vault import Vault

    enforce(lake, book, "GDPR-014", actor_id="omar", now=UNTIL, store=store, hands=Hands(lake, store))
    with Vault.open(lake) as vault:
        assert opened_text(vault, bodies(lake)[1]) == "Call Sara, villa 1"


def test_a_failed_act_is_tried_again_and_then_left_to_a_person(lake: TenantPaths, book: Rulebook, store: StateStore):
    swept(lake, book, rules=["GDPR-014"])
    clumsy = Clumsy(Hands(lake, store), failures=1)
    first = remedy_findings(lake, book, store, clumsy, now=UNTIL)
    assert (first["requested"], first["failed"]) == (2, 1)
    (failed,) = chosen(read_remedies(store), state="failed")
    assert failed.reason == "The disk is full. Free some."
    assert remedy_findings(lake, book, store, clumsy, now=UNTIL)["done"] == 1
    hopeless = Clumsy(Hands(lake, store), failures=99)
    fill(lake, {"dataset": pl.DataFrame([{"dataset_id": "ds-3", "dataset_name": "x", "contract": "message", "updated_at": UNTIL, "source": "desk"}]),
                "field": pl.DataFrame([{"dataset_id": "ds-3", "column_name": "body", "data_label": "pii.contact", "is_encrypted": False, "updated_at": UNTIL, "source": "desk"}])})  # fmt: skip
    swept(lake, book, rules=["GDPR-014"])
    for _ in range(MAX_ATTEMPTS + 2):
        remedy_findings(lake, book, store, hopeless, now=UNTIL)
    assert len(hopeless.calls) == MAX_ATTEMPTS


def test_a_kill_after_the_mask_and_before_its_record_is_mended_by_running_again(
    lake: TenantPaths, book: Rulebook, store: StateStore
):
    class Killed(Clumsy):
        def mask(self, target: MaskTarget, *, now: dt.datetime) -> dict[str, str | int]:
            self.hands.mask(target, now=now)
            raise KeyboardInterrupt

    swept(lake, book, rules=["GDPR-014"])
    with pytest.raises(KeyboardInterrupt):
        remedy_findings(lake, book, store, Killed(Hands(lake, store), failures=0), now=UNTIL)
    assert by_state(store, "GDPR-014")["mask ds-1|body"] == "requested"
    masked = bodies(lake)
    remedy_findings(lake, book, store, Hands(lake, store), now=UNTIL + HOUR)
    assert by_state(store, "GDPR-014")["mask ds-1|body"] == "done"
    assert bodies(lake) == masked


def test_a_held_record_is_held_until_a_person_releases_it(lake: TenantPaths, book: Rulebook, store: StateStore):
    swept(lake, book, rules=["DLD-007"])
    remedy_findings(lake, book, store, Hands(lake, store), now=UNTIL)
    (hold,) = read_holds(store)
    assert (hold.hold_kind, hold.rule_id, hold.about_contract, hold.about_id) == ("hold", "DLD-007", "deal", "D-7")
    assert holds_of(store, "deal", {"deal_id": "D-7"}) == [hold]
    assert holds_of(store, "deal", {"deal_id": "D-7", "source": "elsewhere"}) == []
    assert holds_of(store, "deal", {"deal_id": None}) == []
    assert holds_named_in(store, {"deal_id": "D-7", "note": "x"}) == [hold]
    assert holds_named_in(store, {"deal_id": "D-8"}) == []
    release_hold(store, hold.hold_id, actor_id="laila", note="The paper came", now=UNTIL + HOUR)
    assert read_holds(store) == []
    assert read_holds(store, is_active=False)[0].release_note == "The paper came"
    with pytest.raises(ConflictError, match="released by laila"):
        release_hold(store, hold.hold_id, actor_id="omar", note="again", now=UNTIL + HOUR)
    with pytest.raises(NotFoundError):
        release_hold(store, "hld-none", actor_id="omar", note="again", now=UNTIL)
    remedy_findings(lake, book, store, Hands(lake, store), now=UNTIL + 2 * HOUR)
    assert read_holds(store) == []  # once a finding


def test_a_task_waits_for_a_person_and_is_done_or_dropped_with_a_reason(
    lake: TenantPaths, book: Rulebook, store: StateStore
):
    swept(lake, book, rules=["SOC2-006"])
    remedy_findings(lake, book, store, Hands(lake, store), now=UNTIL)
    (task,) = chosen(read_remedies(store), act="task")
    assert (task.remedy_state, task.owner_role, task.due_at > UNTIL) == (
        "waiting",
        book.rule("SOC2-006").pack.owner,
        True,
    )
    done = complete(store, task.remedy_id, actor_id="omar", note="Written down", now=UNTIL + HOUR)
    assert (done.remedy_state, done.actor_id, done.reason) == ("done", "omar", "Written down")
    with pytest.raises(ConflictError, match="is done since"):
        complete(store, task.remedy_id, actor_id="omar", note="again", now=UNTIL)
    with pytest.raises(NotFoundError):
        complete(store, "rem-none.task", actor_id="omar", note="what", now=UNTIL)


def test_what_is_over_is_closed_and_opens_anew_when_the_record_breaks_the_rule_again(
    lake: TenantPaths, book: Rulebook, store: StateStore
):
    hands = Hands(lake, store)
    swept(lake, book, rules=["SOC2-006"])
    remedy_findings(lake, book, store, hands, now=UNTIL)
    with read_lake(lake) as reader:
        state = reader.query("SELECT * FROM raw.incident").with_columns(postmortem_id=pl.lit("pm-1"))
    fill(lake, {"incident": state.with_columns(updated_at=pl.lit(UNTIL + HOUR))})
    swept(lake, book, now=UNTIL + 2 * HOUR, rules=["SOC2-006"])
    assert remedy_findings(lake, book, store, hands, now=UNTIL + 2 * HOUR) == {"closed": 1}
    fill(
        lake,
        {
            "incident": state.with_columns(
                postmortem_id=pl.lit(None, dtype=pl.String), updated_at=pl.lit(UNTIL + 3 * HOUR)
            )
        },
    )
    swept(lake, book, now=UNTIL + 4 * HOUR, rules=["SOC2-006"])
    assert remedy_findings(lake, book, store, hands, now=UNTIL + 4 * HOUR) == {"requested": 1, "waiting": 1}
    assert Counter(one.remedy_state for one in read_remedies(store)) == {"closed": 1, "waiting": 1}


def test_a_false_alarm_is_on_record_counted_and_ends_its_remedies(lake: TenantPaths, book: Rulebook, store: StateStore):
    swept(lake, book, rules=["DLD-007", "SOC2-006"])
    remedy_findings(lake, book, store, Hands(lake, store), now=UNTIL)
    with read_lake(lake) as reader:
        names = {row["rule_id"]: row["finding_id"] for row in list_findings(reader)}
    row = judge(store, names["DLD-007"], "false_positive", actor_id="laila", note="paper file", now=UNTIL + HOUR)
    assert row["finding_state"] == "false_positive"
    judge(store, names["SOC2-006"], "accepted", actor_id="laila", note="known", now=UNTIL + HOUR)
    assert [entry.subject_id for entry in store.page("finding_judgement")] == [names["SOC2-006"], names["DLD-007"]]
    with read_lake(lake) as reader:
        assert judged_by_rule(reader) == {"DLD-007": (1, 1), "SOC2-006": (0, 1)}
    remedy_findings(lake, book, store, Hands(lake, store), now=UNTIL + 2 * HOUR)
    assert read_holds(store) == []
    with pytest.raises(NotFoundError):
        judge(store, "fnd-none", "accepted", actor_id="laila", note="what", now=UNTIL)
    assert len(store.page("finding_judgement")) == 2


def test_a_judgement_that_the_lake_did_not_get_is_written_by_the_next_run(
    lake: TenantPaths, book: Rulebook, store: StateStore
):
    from aurora.compliance.judging import FindingJudgement, _record

    swept(lake, book, rules=["SOC2-006"])
    with read_lake(lake) as reader:
        (row,) = list_findings(reader)
    word = FindingJudgement(
        judgement_id="jdg_1", finding_id=row["finding_id"], rule_id="SOC2-006", judged_as="accepted", note="known",
        actor_id="laila", recorded_at=UNTIL + HOUR,
    )  # fmt: skip
    store.append([_record(word)]).result()
    assert catch_up(lake, store) == 1
    assert catch_up(lake, store) == 0
    with read_lake(lake) as reader:
        assert [one["actor_id"] for one in list_findings(reader, states=["accepted"])] == ["laila"]


def test_an_owner_is_told_by_one_alert(lake: TenantPaths, store: StateStore):
    remedy = Remedy(
        remedy_id="rem-1.alert", remediation_id="rem-1", finding_id="fnd-1", rule_id="GEN-003", act="alert",
        remedy_state="requested", says="Freeze the trail.", reason="", proof={}, about_contract="audit_event",
        record_source="desk", about_id="a-1", owner_role="security", due_at=UNTIL, requested_at=UNTIL, updated_at=UNTIL,
        actor_id="aurora", attempt_count=0,
    )  # fmt: skip
    hands = Hands(lake, store)
    assert hands.alert(remedy, now=UNTIL) == hands.alert(remedy, now=UNTIL + HOUR)
    (alert,) = read_book(store).alerts.values()
    assert (alert.tier, alert.alert_kind) == ("page", "compliance")
    assert "GEN-003 is broken by audit_event a-1: Freeze the trail." in alert.summary
