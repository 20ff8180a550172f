"""The digest: by rule, once a period, at its hour; what it would say can be seen before; budgets at each crossing."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from aurora.alerts.book import acknowledge_alert, read_book
from aurora.alerts.digest import digests_due, is_due, send_due, slot_start
from aurora.alerts.raising import raise_alerts, run_rules
from aurora.alerts.rules import Channel, DigestPlan, TenantAlerts
from aurora.alerts.watching import look
from aurora.settings import Settings
from tests.alerts.conftest import NOW, found, put

DROP = Channel(name="drop", kind="file", tiers=("digest",))
MORNING = dt.datetime(2026, 11, 21, 5, 3, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
YAML = "digest: {period: day, hour: 5}\nchannels:\n  - {name: drop, kind: file, tiers: [digest]}\n"


@pytest.fixture
def settings(paths) -> Settings:
    return Settings(data_dir=paths.data_dir, tenant=paths.tenant)


def _raise(rules, store, rule_id: str, *subjects: str, now=NOW) -> None:
    raise_alerts(store, found(rules[rule_id], *subjects, score=0.02, tier="digest"), now=now)


def test_a_slot_begins_at_its_hour_of_the_day_or_on_monday():
    daily, weekly = DigestPlan(hour=5), DigestPlan(period="week", hour=12)
    assert slot_start(MORNING, daily) == MORNING.replace(minute=0)
    assert slot_start(MORNING.replace(hour=4), daily) == MORNING.replace(minute=0) - DAY
    assert slot_start(MORNING, weekly) == dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)
    assert slot_start(dt.datetime(2026, 11, 16, 11, tzinfo=dt.UTC), weekly) == dt.datetime(
        2026, 11, 9, 12, tzinfo=dt.UTC
    )


def test_a_digest_says_by_rule_what_changed_since_when_why_and_what_to_do(rules, store):
    _raise(rules, store, "cost_anomaly", "clara", "vera")
    _raise(rules, store, "volume_anomaly", "omar")
    (due,) = digests_due(read_book(store), TenantAlerts(channels=(DROP,)), list(rules.values()), now=MORNING)
    assert [(one.rule_id, len(one.alerts)) for one in due.groups] == [("cost_anomaly", 2), ("volume_anomaly", 1)]
    text = due.groups[0].text()
    assert due.groups[0].head == "An assistant's daily cost is unlike any before (2)"
    assert text.count("unlike any before 2026-11-20 09:30 UTC. Likely cause: model a (80%).") == 2
    assert text.endswith(f"Do: {rules['cost_anomaly'].suggested_action}")


def test_it_goes_out_once_a_period_and_only_with_what_its_hour_knew(rules, store, paths, settings):
    (paths.directory / "alerts.yaml").write_text(YAML, encoding="utf-8")
    assert not is_due(paths, settings, read_book(store), now=MORNING)
    _raise(rules, store, "cost_anomaly", "clara")
    _raise(rules, store, "volume_anomaly", "late", now=MORNING)
    assert is_due(paths, settings, read_book(store), now=MORNING)
    (sent,) = send_due(paths, settings, store, now=MORNING, wait=lambda _: None)
    assert (sent.is_delivered, sent.is_digest, len(sent.alert_ids)) == (True, True, 1)
    assert send_due(paths, settings, store, now=MORNING + dt.timedelta(hours=9), wait=lambda _: None) == []
    (next_day,) = send_due(paths, settings, store, now=MORNING + DAY, wait=lambda _: None)
    assert len(next_day.alert_ids) == 1
    files = sorted((paths.directory / "outbox" / "drop").glob("*.json"))
    groups = [json.loads(file.read_bytes())["groups"] for file in files]
    assert sorted(group["rule_id"] for (group,) in groups) == ["cost_anomaly", "volume_anomaly"]


def test_what_was_acknowledged_is_not_in_it(rules, store):
    _raise(rules, store, "cost_anomaly", "clara")
    (alert,) = read_book(store).open()
    acknowledge_alert(store, alert.alert_id, actor_id="amal", now=NOW)
    assert digests_due(read_book(store), TenantAlerts(channels=(DROP,)), list(rules.values()), now=MORNING) == []


def test_a_channel_that_refused_is_tried_again_in_the_same_period(rules, store, paths, receiver):
    text = f"channels:\n  - {{name: team, kind: slack, tiers: [digest], url: '{receiver.url}'}}\n"
    (paths.directory / "alerts.yaml").write_text(text, encoding="utf-8")
    allowed = Settings(data_dir=paths.data_dir, tenant=paths.tenant, alerts_allowed="127.0.0.1")
    _raise(rules, store, "cost_anomaly", "clara")
    receiver.statuses = [410]
    (refused,) = send_due(paths, allowed, store, now=MORNING, wait=lambda _: None)
    (again,) = send_due(paths, allowed, store, now=MORNING + dt.timedelta(hours=1), wait=lambda _: None)
    assert (refused.is_delivered, again.is_delivered) == (False, True)
    block = json.loads(receiver.got[-1][1])["blocks"][0]["text"]["text"]
    assert block.startswith("*An assistant's daily cost is unlike any before (1)* - ")


def test_a_look_judges_when_there_is_news_and_sends_what_is_due(rules, store, paths, settings):
    (paths.directory / "alerts.yaml").write_text(YAML, encoding="utf-8")
    _raise(rules, store, "volume_anomaly", "omar")
    first = look(paths, settings, store, seen="", now=MORNING, wait=lambda _: None)
    assert first.round is not None
    assert [one.channel for one in first.digests] == ["drop"]
    again = look(paths, settings, store, seen=first.seen, now=MORNING, wait=lambda _: None)
    assert (again.round, again.digests) == (None, [])


def test_a_budget_alerts_at_each_crossing_once_a_month(rules, store, paths):
    own = TenantAlerts(parameters={"budget_month": {"budget_usd": 100.0}})
    crossed = []
    for day, spent in ((20, 40), (21, 55), (22, 79), (23, 81), (24, 96), (25, 99), (26, 101), (27, 140), (32, 51)):
        now = dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC) + dt.timedelta(days=day - 1)
        first = now.date().replace(day=1)
        put(paths, "cost_daily", f"SELECT DATE '{first}' AS period_date, 'clara' AS assistant_id, {spent} AS cost_usd")
        for _ in range(2):
            raised = run_rules(paths, [rules["budget_month"]], own, store, fleet=None, now=now).alerts
            crossed += [(day, one.dedupe_key.rpartition("/")[2], one.tier) for one in raised]
    assert crossed == [
        (21, "0.5", "digest"),
        (23, "0.8", "digest"),
        (24, "0.95", "digest"),
        (26, "1", "page"),
        (32, "0.5", "digest"),
    ]
