"""From breaches to alerts: once a period, silent where muted, resolved when over, and into the lake."""

from __future__ import annotations

import datetime as dt

import pytest

from aurora.alerts.book import acknowledge_alert, label_alert, mute_target, new_mute, read_book
from aurora.alerts.evaluation import Evaluation
from aurora.alerts.raising import raise_alerts, run_rules
from aurora.alerts.reads import list_alerts, rule_precisions
from aurora.alerts.rules import TenantAlerts
from aurora.alerts.triage import MIN_LABELS
from aurora.errors import NotFoundError
from aurora.ingest.journal import copy_journal
from aurora.store.lake import read_lake
from tests.alerts.conftest import NOW, found, put

DAY = dt.timedelta(days=1)


def test_a_key_alerts_once_a_period_and_is_resolved_when_it_is_over(rules, store):
    rule = rules["uptime_slo"]
    first = raise_alerts(store, found(rule, "clara"), now=NOW)
    again = raise_alerts(store, found(rule, "clara"), now=NOW + dt.timedelta(hours=2))
    assert (len(first.alerts), len(again.alerts), again.repeated_count) == (1, 0, 1)
    alert = first.alerts[0]
    assert (alert.cause, alert.since, alert.suggested_action) == ("model a (80%)", NOW, rule.suggested_action)
    tomorrow = raise_alerts(store, found(rule, "clara"), now=NOW + DAY)
    assert [one.alert_id for one in tomorrow.resolved] == [alert.alert_id]
    over = raise_alerts(store, Evaluation([], frozenset({rule.rule_id})), now=NOW + 2 * DAY)
    assert [one.alert_id for one in over.resolved] == [tomorrow.alerts[0].alert_id]
    assert read_book(store).open() == []


def test_a_rule_that_was_not_judged_resolves_nothing(rules, store):
    raise_alerts(store, found(rules["uptime_slo"], "clara"), now=NOW)
    assert raise_alerts(store, Evaluation([], frozenset()), now=NOW).resolved == []


def test_what_is_acknowledged_is_not_raised_again_while_it_lasts(rules, store):
    rule = rules["uptime_slo"]
    (alert,) = raise_alerts(store, found(rule, "clara"), now=NOW).alerts
    acknowledge_alert(store, alert.alert_id, actor_id="amal", now=NOW)
    assert raise_alerts(store, found(rule, "clara"), now=NOW + DAY).alerts == []
    assert list_alerts(read_book(store)) == []
    assert [one.actor_id for one in list_alerts(read_book(store), shown="acknowledged")] == ["amal"]


def test_a_mute_silences_a_rule_or_one_key_until_it_ends(rules, store):
    rule = rules["uptime_slo"]
    mute = new_mute("uptime_slo", reason="Maintenance", actor_id="amal", now=NOW, until=NOW + DAY)
    mute_target(store, mute, known=rules)
    assert raise_alerts(store, found(rule, "clara"), now=NOW).muted == {"uptime_slo/clara": "Maintenance"}
    assert len(raise_alerts(store, found(rule, "clara", "vera"), now=NOW + DAY).alerts) == 2
    one = new_mute("uptime_slo/vera", reason="Known", actor_id="amal", now=NOW + DAY)
    mute_target(store, one, known=rules)
    later = raise_alerts(store, found(rule, "clara", "vera"), now=NOW + 2 * DAY)
    assert [alert.about_id for alert in later.alerts] == ["clara"]
    with pytest.raises(NotFoundError, match="neither an alert rule"):
        mute_target(store, new_mute("no/such", reason="Why", actor_id="amal", now=NOW), known=rules)


def test_a_rule_that_is_mostly_noise_mutes_itself_and_says_why(rules, store):
    rule = rules["uptime_slo"]
    names = [f"a{number}" for number in range(MIN_LABELS)]
    for alert in raise_alerts(store, found(rule, *names), now=NOW).alerts:
        label_alert(store, alert.alert_id, "noise", actor_id="amal", now=NOW)
    silent = raise_alerts(store, found(rule, "new"), now=NOW + DAY)
    assert silent.alerts == []
    assert silent.muted["uptime_slo/new"].startswith(
        "Only 0 of 8 labelled alerts were relevant (precision 0.00 to 0.32"
    )
    (line,) = rule_precisions(read_book(store), [rule], NOW + DAY)
    assert (line.labelled_count, line.precision) == (8, 0.0)
    assert line.muted_because is not None
    lifted = new_mute("uptime_slo", reason="Threshold changed", actor_id="amal", now=NOW + DAY, lift=True)
    mute_target(store, lifted, known=rules)
    assert len(raise_alerts(store, found(rule, "new"), now=NOW + DAY).alerts) == 1


def test_labels_move_what_a_detector_pages(rules, store):
    rule = rules["cost_anomaly"]
    names = [f"a{number}" for number in range(MIN_LABELS)]
    for alert in raise_alerts(store, found(rule, *names, score=0.2), now=NOW).alerts:
        label_alert(store, alert.alert_id, "noise" if alert.about_id < "a4" else "relevant", actor_id="amal", now=NOW)
    assert read_book(store).page_from()["cost_anomaly"] > 0.2


def test_an_alert_of_the_digest_that_grows_worse_becomes_a_page(rules, store):
    rule = rules["cost_anomaly"]
    raise_alerts(store, found(rule, "clara", score=0.05, tier="digest"), now=NOW)
    (worse,) = raise_alerts(store, found(rule, "clara", score=0.4), now=NOW).alerts
    assert (worse.tier, len(read_book(store).alerts)) == ("page", 1)


def test_a_round_over_the_lake_reaches_the_table_alert(rules, paths, store):
    put(paths, "cost_daily", "SELECT DATE '2026-11-05' AS period_date, 'clara' AS assistant_id, 96.0 AS cost_usd")
    own = TenantAlerts(parameters={"budget_month": {"budget_usd": 100.0}})
    rule = [rules["budget_month"]]
    raised = run_rules(paths, rule, own, store, fleet=None, now=NOW)
    assert [one.value for one in raised.alerts] == [96.0] * 3
    assert run_rules(paths, rule, own, store, fleet=None, now=NOW).alerts == []
    label_alert(store, raised.alerts[0].alert_id, "relevant", actor_id="amal", now=NOW + dt.timedelta(seconds=1))
    assert copy_journal(paths, clock=lambda: NOW) == 4
    with read_lake(paths) as lake:
        rows = lake.query("SELECT * FROM raw.alert ORDER BY updated_at, dedupe_key").to_dicts()
    assert [row["dedupe_key"] for row in rows[:3]] == [f"budget_month/tenant/{step}" for step in ("0.5", "0.8", "0.95")]
    assert (rows[3]["alert_label"], rows[3]["actor_id"], rows[3]["rule_id"]) == ("relevant", "amal", "budget_month")
    assert rows[0]["cause"] == "assistant clara (100%)"


def test_what_comes_back_within_its_period_is_open_again_and_not_raised_anew(rules, store):
    rule = rules["assistant_down"]
    (alert,) = raise_alerts(store, found(rule, "clara"), now=NOW).alerts
    raise_alerts(store, Evaluation([], frozenset({rule.rule_id})), now=NOW + dt.timedelta(hours=1))
    assert read_book(store).open() == []
    again = raise_alerts(store, found(rule, "clara"), now=NOW + dt.timedelta(hours=2))
    assert (again.alerts, again.repeated_count) == ([], 1)
    assert [one.alert_id for one in read_book(store).open()] == [alert.alert_id]
