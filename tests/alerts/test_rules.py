"""Rules over the lake and the live fleet: what breaks them, since when, and likely why."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from aurora.alerts.evaluation import Evaluation, evaluate
from aurora.alerts.rules import TenantAlerts, load_alert_rules, period_start
from aurora.errors import DataError
from aurora.packs.reading import PackError
from aurora.store.lake import read_lake
from contracts.messages.assistants import Latency
from contracts.messages.commands import LiveAssistant, LiveFleet
from tests.alerts.conftest import NOW, put

COST = """
    SELECT DATE '2026-11-01' + CAST(i AS INTEGER) AS period_date, a AS assistant_id, m AS model_name,
    CAST(CASE m WHEN 'gpt-4o' THEN 30 ELSE 3 END AS DECIMAL(18, 9)) AS cost_usd
    FROM range(19) AS d(i), (VALUES ('clara', 'gpt-4o'), ('clara', 'gpt-4o-mini'), ('vera', 'gpt-4o-mini')) AS v(a, m)
"""
BUDGET = TenantAlerts(parameters={"budget_month": {"budget_usd": 820.0}})


def _judge(rules: Any, paths: Any, *names: str, fleet: LiveFleet | None = None, tenant: Any = None) -> Evaluation:
    with read_lake(paths) as lake:
        return evaluate([rules[name] for name in names], lake=lake, fleet=fleet, now=NOW, tenant=tenant)


def _live(**changed: Any) -> LiveFleet:
    facts: dict[str, Any] = {
        "assistant_id": "clara",
        "assistant_state": "active",
        "reason": "It answers.",
        "since": NOW - dt.timedelta(minutes=5),
        "is_connected": True,
        "is_simulated": True,
        "error_share": 0.01,
        "latency": Latency(p50_ms=10, p95_ms=100, p99_ms=200),
        "open_task_count": 1,
        "capacity_count": 10,
        "thresholds": {"max_error_share": 0.05, "max_latency_p95_ms": 5000, "max_open_share": 0.85},
    }
    one = LiveAssistant(**{**facts, **changed})
    return LiveFleet(tenant_id="demo", updated_at=NOW, round_ms=1.0, assistants=(one,))


def test_a_budget_alerts_at_each_step_with_the_assistant_that_spends_most(rules, paths):
    put(paths, "cost_daily", COST)  # 19 days at 36 USD: 684 of 820, 83 %
    found = _judge(rules, paths, "budget_month", tenant=BUDGET).breaches
    assert [one.dedupe_key for one in found] == ["budget_month/tenant/0.5", "budget_month/tenant/0.8"]
    assert {one.tier for one in found} == {"digest"}
    assert found[0].cause == "assistant clara (92%)"
    assert "83% of the month's budget is spent: 684.00 of 820.00 USD since 2026-11-01" in found[0].summary


def test_without_a_budget_there_is_no_budget_alert(rules, paths):
    put(paths, "cost_daily", COST)
    assert _judge(rules, paths, "budget_month").breaches == []


def test_a_spent_budget_is_a_page(rules, paths):
    put(paths, "cost_daily", COST)
    own = TenantAlerts(parameters={"budget_assistant_month": {"budget_usd": 600.0}})
    found = _judge(rules, paths, "budget_assistant_month", tenant=own).breaches
    assert [(one.subject_id, one.step, one.tier) for one in found][-1] == ("clara", 1.0, "page")
    assert found[-1].cause == "model gpt-4o (91%)"


def test_rules_whose_marts_are_missing_are_left_out_by_name(rules, paths):
    found = _judge(rules, paths, *rules)
    assert found.left_out["budget_month"] == "there is no mart.cost_daily yet"
    assert found.left_out["assistant_down"] == "nobody polls the fleet"
    assert found.judged == {"findings_overdue", "breach_overdue"}


@pytest.mark.parametrize(
    ("changed", "rule_id", "said"),
    [
        ({"assistant_state": "down", "reason": "No answer."}, "assistant_down", "clara is down since 2026-11-20 09:25"),
        ({"reported_state": "degraded"}, "assistant_degraded", "clara says since 2026-11-20 09:30 UTC that it is"),
        ({"error_share": 0.2}, "assistant_errors", "clara fails 20.0% of requests, more than 5.0%"),
        ({"latency": Latency(p50_ms=1, p95_ms=6000, p99_ms=9000)}, "assistant_latency", "6,000 ms at p95"),
        ({"open_task_count": 9}, "assistant_capacity", "90% of its capacity"),
    ],
)
def test_live_states_break_their_rule_and_no_other(rules, paths, changed, rule_id, said):
    live = [name for name, rule in rules.items() if rule.source == "live"]
    assert _judge(rules, paths, *live, fleet=_live()).breaches == []
    (one,) = _judge(rules, paths, *live, fleet=_live(**changed)).breaches
    assert one.rule.rule_id == rule_id
    assert said in one.summary
    assert one.summary.endswith("(simulated)")


def test_lake_rules_read_what_the_marts_hold(rules, paths):
    put(
        paths,
        "assistants_daily",
        "SELECT DATE '2026-11-19' AS period_date, 'clara' AS assistant_id, 0.4 AS success_share, 300 AS settled_count,"
        " 0.98 AS uptime_share, 86400.0 AS watched_s, 40 AS task_count",
    )
    put(
        paths,
        "tasks_daily",
        "SELECT DATE '2026-11-19' AS period_date, 'clara' AS assistant_id, t AS task_type, 150 AS settled_count,"
        " s AS success_count FROM (VALUES ('valuation', 0), ('viewing', 120)) AS v(t, s)",
    )
    put(
        paths,
        "usage_daily",
        "SELECT DATE '2026-11-19' AS period_date, 'clara' AS assistant_id, m AS model_name, 500 AS operation_count,"
        " e AS error_count FROM (VALUES ('a', 10), ('b', 90)) AS v(m, e)",
    )
    put(
        paths,
        "source_quality_daily",
        "SELECT DATE '2026-11-19' AS period_date, 'crm' AS source, 'task' AS contract, 100 AS row_count, 0.2 AS bad_share",
    )
    put(
        paths,
        "quarantine_reasons",
        "SELECT DATE '2026-11-19' AS period_date, 'crm' AS source, 'task' AS contract, 'one_of' AS rule,"
        " 'task_type' AS column_name, 20 AS row_count",
    )
    found = _judge(
        rules, paths, "success_slo", "uptime_slo", "request_errors_slo", "quarantine_share", "volume_anomaly"
    )
    assert {one.dedupe_key: one.cause for one in found.breaches} == {
        "success_slo/clara": "task_type valuation (83%)",
        "uptime_slo/clara": None,
        "request_errors_slo/clara": "model b (90%)",
        "quarantine_share/crm:task": "rule one_of of task_type (100%)",
    }


def test_a_share_of_few_breaks_no_objective(rules, paths):
    """Ten of a hundred failed and twelve of thirty succeeded: beyond both limits, and nothing that chance would not do."""
    put(
        paths,
        "assistants_daily",
        "SELECT DATE '2026-11-19' AS period_date, 'clara' AS assistant_id, 0.4 AS success_share, 30 AS settled_count",
    )
    put(paths, "tasks_daily", "SELECT DATE '2026-11-19' AS period_date, 'clara' AS assistant_id")
    put(
        paths,
        "usage_daily",
        "SELECT DATE '2026-11-19' AS period_date, 'clara' AS assistant_id, 'a' AS model_name, 100 AS operation_count,"
        " 10 AS error_count",
    )
    assert _judge(rules, paths, "success_slo", "request_errors_slo").breaches == []


def _prices(last: float) -> str:
    return f"""
        SELECT DATE '2026-10-31' + CAST(i AS INTEGER) AS period_date, 'gulf' AS provider_name, m AS model_name,
        'chat' AS operation_name, 100 AS operation_count, 0 AS unpriced_count, 900000 AS input_tokens,
        100000 AS output_tokens, CAST(w * CASE WHEN i >= 19 AND m = 'steady' THEN {last} ELSE 1.0 END
        * (1 + (i % 3) * n) AS DECIMAL(18, 9)) AS cost_usd
        FROM range(20) AS d(i), (VALUES ('steady', 0.5, 0.01), ('restless', 0.5, 0.2)) AS v(m, w, n)
    """


def test_a_price_that_changed_is_told_and_one_that_always_moves_is_not(rules, paths):
    put(paths, "usage_daily", _prices(1.0))
    assert _judge(rules, paths, "llm_price_change").breaches == []
    put(paths, "usage_daily", _prices(1.3))
    (one,) = _judge(rules, paths, "llm_price_change").breaches
    assert (one.subject_id, one.tier) == ("gulf:steady", "page")
    assert one.cause == "price per million tokens 0.505 to 0.657 USD"


def test_an_account_that_differs_is_told_unless_the_model_is_paid_for_elsewhere(rules, paths):
    rows = "(VALUES ('a', 100, 80), ('b', 100, 98), ('elsewhere', 100, NULL)) AS v(m, l, p)"
    put(
        paths,
        "spend_reconciliation",
        "SELECT DATE '2026-11-18' AS period_date, 'openai' AS provider_name, m AS model_name, true AS has_provider_usage,"
        " false AS is_simulated, l AS logged_count, p AS provider_count, 0 AS missing_count,"
        " l - coalesce(p, 0) AS duplicate_count, 1.0 AS priced_usd, 0.8 AS provider_usd, 0.0 AS missing_usd,"
        f" 0.2 AS duplicate_usd, 0.0 AS unpriced_usd, 0.0 AS price_difference_usd FROM {rows}",
    )
    (one,) = _judge(rules, paths, "account_differs").breaches
    assert (one.subject_id, one.value) == ("openai:a", 0.2)
    assert one.cause == "difference calls the provider did not count"


@pytest.mark.parametrize(("seconds", "count"), [(30, 0), (60, 1)])
def test_who_is_down_for_a_minute_is_a_page_and_a_lost_packet_is_none(rules, paths, seconds, count):
    fleet = _live(assistant_state="down", since=NOW - dt.timedelta(seconds=seconds))
    assert len(_judge(rules, paths, "assistant_down", fleet=fleet).breaches) == count


def test_an_anomaly_of_a_series_is_found_in_its_last_week_with_its_cause(rules, paths):
    wild = """
        SELECT DATE '2026-09-01' + CAST(i AS INTEGER) AS period_date, 'clara' AS assistant_id, m AS model_name,
        CAST(10 + i % 7 + CASE WHEN i >= 78 AND m = 'gpt-4o' THEN {jump} ELSE 0 END AS DECIMAL(18, 9)) AS cost_usd
        FROM range(80) AS d(i), (VALUES ('gpt-4o'), ('gpt-4o-mini')) AS v(m)
    """
    put(paths, "cost_daily", wild.format(jump=0))
    assert _judge(rules, paths, "cost_anomaly").breaches == []
    put(paths, "cost_daily", wild.format(jump=90))
    (one,) = _judge(rules, paths, "cost_anomaly").breaches
    assert (one.subject_id, one.tier) == ("clara", "digest")
    assert one.since == dt.datetime(2026, 11, 18, tzinfo=dt.UTC)
    assert one.cause is not None
    assert one.cause.startswith("model gpt-4o (")
    with read_lake(paths) as lake:
        learnt = {"cost_anomaly": 0.1}
        paged = evaluate([rules["cost_anomaly"]], lake=lake, fleet=None, now=NOW, page_from=learnt).breaches
        later = evaluate([rules["cost_anomaly"]], lake=lake, fleet=None, now=NOW + dt.timedelta(days=30)).breaches
    assert ([one.tier for one in paged], later) == (["page"], [])


def test_a_new_rule_is_its_one_file(tmp_path: Path, paths):
    folder = tmp_path / "packs" / "acme" / "alerts"
    folder.mkdir(parents=True)
    file = folder / "many_models.yaml"
    text = """
rule_id: many_models
title: Many models
alert_kind: cost
severity: low
source: lake
needs: [mart.cost_daily]
parameters: {at_most: 1}
measure: SELECT 'tenant' AS subject_id, count(DISTINCT model_name) AS value, $at_most AS limit_value FROM mart.cost_daily
says: "{value:.0f} models"
suggested_action: Use fewer.
"""
    file.write_text(text)
    put(paths, "cost_daily", COST)
    (rule,) = load_alert_rules(tmp_path / "packs", "acme")
    with read_lake(paths) as lake:
        (one,) = evaluate([rule], lake=lake, fleet=None, now=NOW).breaches
        assert one.summary == "2 models"
        file.write_text(text.replace("model_name", "modell_name"))
        (rule,) = load_alert_rules(tmp_path / "packs", "acme")
        with pytest.raises(DataError, match=r"many_models\.measure cannot run"):
            evaluate([rule], lake=lake, fleet=None, now=NOW)
    file.write_text(text.replace("severity: low", "severity: dire"))
    with pytest.raises(PackError, match="severity"):
        load_alert_rules(tmp_path / "packs", "acme")


def test_periods_begin_where_people_expect():
    assert period_start(NOW, "hour") == NOW.replace(minute=0)
    assert period_start(NOW, "day") == dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    assert period_start(NOW, "week") == dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
    assert period_start(NOW, "month") == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
