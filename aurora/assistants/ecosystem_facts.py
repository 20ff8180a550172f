"""What the lake knows of the fleet as a whole: workflows, compliance, alerts, shares of success and cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from aurora.compliance.posture import posture_by_regime
from aurora.compliance.rulebook import Rulebook
from aurora.store.lake import LakeReader, read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.ecosystem import ComplianceStatus, EcosystemWorkflow, SecurityAlert

OWN: Final = "aurora"
"""Source of what Aurora derives by itself."""
WINDOW_DAYS: Final = 30
_LISTED: Final = 200
_PLAN_REGIMES: Final = ("dld", "rera", "aml")
_NAMES: Final = {"uae_aml": "aml", "dubai_land_department": "dld"}
"""Regimes by the names that the plan gives them."""
_WORST_FIRST: Final = ("non_compliant", "pending_review", "compliant")

_CASES: Final = """
    SELECT * FROM raw.workflow_case
    QUALIFY row_number() OVER (PARTITION BY source, case_id ORDER BY updated_at DESC, batch_seq DESC) = 1
"""
_POSTURES: Final = """
    SELECT regime, posture, assistant_id, source, updated_at FROM raw.compliance_status
    QUALIFY row_number() OVER (PARTITION BY regime, assistant_id, source ORDER BY updated_at DESC, batch_seq DESC) = 1
"""
_ALERTS: Final = """
    SELECT * FROM (
        SELECT * FROM raw.alert
        QUALIFY row_number() OVER (PARTITION BY source, alert_id ORDER BY updated_at DESC, batch_seq DESC) = 1
    )
    WHERE resolved_at IS NULL AND regexp_matches(alert_kind, 'security|access|breach|intrusion|fraud')
    ORDER BY raised_at DESC, alert_id LIMIT ?
"""
_HANDOFFS: Final = f"""
    WITH latest AS (
        SELECT handoff_state, requested_at FROM raw.handoff
        QUALIFY row_number() OVER (PARTITION BY source, handoff_id ORDER BY updated_at DESC, batch_seq DESC) = 1
    )
    SELECT
        count(*) FILTER (WHERE handoff_state IN ('accepted', 'completed')) AS good_count,
        count(*) FILTER (WHERE handoff_state <> 'offered') AS all_count
    FROM latest
    WHERE requested_at > (SELECT max(requested_at) FROM latest) - INTERVAL {WINDOW_DAYS} DAY
"""
_TASKS: Final = f"""
    WITH latest AS (
        SELECT cost_usd, is_success, completed_at FROM raw.task
        WHERE completed_at > (SELECT max(completed_at) FROM raw.task) - INTERVAL {WINDOW_DAYS} DAY
        QUALIFY row_number() OVER (PARTITION BY source, task_id ORDER BY updated_at DESC, batch_seq DESC) = 1
    )
    SELECT
        sum(cost_usd) FILTER (WHERE is_success)::DOUBLE AS good_usd, sum(cost_usd)::DOUBLE AS all_usd
    FROM latest WHERE is_success IS NOT NULL AND cost_usd IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EcosystemFacts:
    """Read from one snapshot of the raw lake."""

    snapshot_id: int
    read_at: dt.datetime
    active_workflows: list[EcosystemWorkflow]
    workflow_history: list[EcosystemWorkflow]
    compliance: dict[str, ComplianceStatus]
    alerts: list[SecurityAlert]
    success_share: float | None
    good_cost_share: float | None


def read_facts(paths: TenantPaths, *, rulebook: Rulebook, now: dt.datetime) -> EcosystemFacts:
    """The facts as the newest snapshot has them. `NotReadyError` before the lake is made."""
    with read_lake(paths) as lake:
        handoffs = lake.query(_HANDOFFS).row(0, named=True)
        tasks = lake.query(_TASKS).row(0, named=True)
        return EcosystemFacts(
            snapshot_id=lake.snapshot_id("raw"),
            read_at=now,
            active_workflows=_workflows(lake, "NOT IN", "started_at"),
            workflow_history=_workflows(lake, "IN", "coalesce(ended_at, updated_at)"),
            compliance=_compliance(lake, rulebook, now),
            alerts=_alerts(lake),
            success_share=_share(handoffs["good_count"], handoffs["all_count"]),
            good_cost_share=_share(tasks["good_usd"], tasks["all_usd"]),
        )


def _share(part: float | None, whole: float | None) -> float | None:
    return None if not whole else (part or 0.0) / whole


def _workflows(lake: LakeReader, condition: str, order: str) -> list[EcosystemWorkflow]:
    rows = lake.query(
        f"SELECT * FROM ({_CASES}) WHERE case_state {condition} ('completed', 'failed', 'canceled')"
        f" ORDER BY {order} DESC, case_id LIMIT ?",
        [_LISTED],
    )
    names = EcosystemWorkflow.__struct_fields__
    return [EcosystemWorkflow(**{name: row[name] for name in names}) for row in rows.iter_rows(named=True)]


def _compliance(lake: LakeReader, rulebook: Rulebook, now: dt.datetime) -> dict[str, ComplianceStatus]:
    """The least favourable word on each regime: an assistant's, or what Aurora derives where it judged records."""
    nobody = ComplianceStatus(posture="unknown", assistant_id=None, source=None, updated_at=None)
    found = dict.fromkeys(_PLAN_REGIMES, nobody)
    rows: list[dict[str, Any]] = lake.query(_POSTURES).rows(named=True)
    rows += [
        {**row, "assistant_id": None, "source": OWN, "updated_at": now}
        for row in posture_by_regime(rulebook, lake, now=now)
        if row["judged_count"] or row["open_count"]
    ]
    for row in sorted(rows, key=lambda one: (_WORST_FIRST.index(one["posture"]), one["updated_at"]), reverse=True):
        name = _NAMES.get(row["regime"], row["regime"])
        found[name] = ComplianceStatus(**{key: row[key] for key in ComplianceStatus.__struct_fields__})
    return found


def _alerts(lake: LakeReader) -> list[SecurityAlert]:
    names = SecurityAlert.__struct_fields__
    rows = lake.query(_ALERTS, [_LISTED]).iter_rows(named=True)
    return [SecurityAlert(**{name: row[name] for name in names}) for row in rows]
