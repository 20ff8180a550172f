"""Rounds of alerts: one for news, none without; the asset raises what the marts show."""

import datetime as dt

import dagster as dg

from aurora.alerts.book import open_book
from aurora.alerts.raising import raise_alerts
from aurora.alerts.rules import load_alert_rules
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from orchestration.definitions import build_definitions
from orchestration.defs.alerts.assets import alerts_asset, digest_asset
from orchestration.resources import Workspace
from tests.alerts.conftest import found, put
from tests.orchestration.graph import QUIET


def _tick(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(cursor=cursor, resources={"workspace": Workspace()})
    return build_definitions().resolve_sensor_def("alerts")(context)


def test_a_round_is_asked_for_when_the_marts_changed(empty: TenantPaths):
    first = _tick(None)
    assert isinstance(first, dg.SensorResult)
    assert len(first.run_requests or []) == 1
    put(empty, "cost_daily", "SELECT current_date AS period_date, 'clara' AS assistant_id, 120 AS cost_usd")
    second = _tick(first.cursor)
    assert isinstance(second, dg.SensorResult)
    assert second.cursor != first.cursor


def test_the_asset_raises_what_the_marts_show(empty: TenantPaths):
    put(
        empty,
        "cost_daily",
        "SELECT current_date AS period_date, 'clara' AS assistant_id, 'a' AS model_name, 120 AS cost_usd",
    )
    (empty.directory / "alerts.yaml").write_text("parameters: {budget_month: {budget_usd: 100}}", encoding="utf-8")
    result = dg.materialize(
        [alerts_asset()],
        resources={"workspace": Workspace()},
        run_config=QUIET,
        instance=dg.DagsterInstance.ephemeral(tempdir=str(empty.data_dir)),
    )
    assert result.success
    assert result.asset_materializations_for_node("alerts__raised")[0].metadata["raised_count"].value == 4
    assert len(open_book(empty).open()) == 4


def test_the_digest_is_asked_for_when_it_is_due_and_sent_once(empty: TenantPaths):
    (empty.directory / "alerts.yaml").write_text(
        "channels: [{name: drop, kind: file, tiers: [digest]}]", encoding="utf-8"
    )
    schedule = build_definitions().resolve_schedule_def("digest")
    context = dg.build_schedule_context(resources={"workspace": Workspace()})
    assert not schedule.evaluate_tick(context).run_requests
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    settings = Settings()
    rules = {rule.rule_id: rule for rule in load_alert_rules(settings.packs_dir, settings.pack)}
    with StateStore.open(empty, clock=lambda: long_ago) as store:
        raise_alerts(store, found(rules["cost_anomaly"], "clara", score=0.01, tier="digest"), now=long_ago)
    assert len(schedule.evaluate_tick(context).run_requests or []) == 1
    result = dg.materialize(
        [digest_asset()],
        resources={"workspace": Workspace()},
        run_config=QUIET,
        instance=dg.DagsterInstance.ephemeral(tempdir=str(empty.data_dir)),
    )
    assert result.asset_materializations_for_node("alerts__digest")[0].metadata["delivered"].value == 1
    assert not schedule.evaluate_tick(context).run_requests
