"""The journal keeps a decision's canonical bytes, whether or not its candidates were written before."""

from __future__ import annotations

import datetime as dt

import msgspec

from aurora.audit.records import decision_record
from aurora.decisions.loading import load_engine
from aurora.settings import Settings
from aurora.store.paths import create_tenant
from contracts.messages.decisions import Decision, RouteLlmRequest, RouteTaskRequest, canonical


def test_a_receipt_is_canonical_the_first_time_and_every_time(tmp_path):
    engine = load_engine(create_tenant(tmp_path, "demo", "ae-dubai"), Settings())
    moment = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    requests = [
        RouteTaskRequest(task_type=task_type, task_id='"candidates":[]', privacy_class=privacy_class)
        for task_type in (*engine.pack.task_types, "unknown")
        for privacy_class in ("public", "sensitive")
    ]
    for number, request in enumerate([*requests, RouteLlmRequest(prompt='","candidates":[{}]'), *requests]):
        decision = engine.decide(request, actor_id="t", decision_id=f"dec_{number}", decided_at=moment, seed=number)
        body = decision_record(decision).body
        assert body == canonical(decision)
        assert msgspec.json.decode(body, type=Decision) == decision


def test_many_different_decisions_are_each_written_as_they_are(tmp_path):
    engine = load_engine(create_tenant(tmp_path, "demo", "ae-dubai"), Settings())
    moment = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    for number in range(2_500):
        request = RouteTaskRequest(task_type="valuation", candidates=(f"stranger-{number}",))
        decision = engine.decide(request, actor_id="t", decision_id="dec", decided_at=moment, seed=number)
        assert f"stranger-{number}".encode() in decision_record(decision).body
        assert decision_record(decision).body == canonical(decision)
