"""What an auditor asks of the machines: AI systems and their endpoints, changes, backups, runs, rule packs, alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, HOUR, NEVER, choose, ids, moments

_PACKS: Final = (
    "uae_aml", "rera", "rera_ads", "dld", "tenancy", "pdpl", "residency", "difc", "adgm", "gdpr", "hipaa", "pci_dss", "soc2", "automotive", "basic",
)  # fmt: skip
_SYSTEMS: Final = (
    "lake", "state", "crm", "inventory", "finance", "leasing", "identity", "mail", "portal", "telephony", "hr", "vault",
    "warehouse", "billing", "monitoring", "wiki",
)  # fmt: skip


def ai_systems(draw: np.random.Generator, assistants: Sequence[str], *, end: int) -> pl.DataFrame:
    """Each assistant in its uses, and the estimators: assessed where the risk is high."""
    uses = ("advice", "scoring", "drafting", "summaries", "search", "alerts", "training")
    names = [(one, f"{one} {use}") for use in uses for one in assistants]
    count = len(names)
    high = draw.random(count) < 0.35
    difc = draw.random(count) < 0.3
    paper = ids("", count, width=3)
    return pl.DataFrame(
        {
            "ai_system_id": ids("AI-", count, width=3),
            "ai_system_name": [name for _, name in names],
            "assistant_id": [one for one, _ in names],
            "jurisdiction": pl.Series(["DIFC"] * count).zip_with(pl.Series(difc), pl.Series(["AE"] * count)),
            "is_high_risk": high,
            "dpia_id": ("DPIA-" + paper).set(pl.Series(~high), None),
            "purpose_statement": ["Helps staff with the brokerage's daily work."] * count,
            "constraints": ["Takes no decision with legal effect alone."] * count,
            "certificate_id": ("CERT-" + paper).set(pl.Series(~(high & difc)), None),
            "officer_id": pl.Series(["person-0006"] * count).set(pl.Series(~(high & difc)), None),
            "updated_at": moments(end - draw.integers(1, 60, count) * DAY),
        }
    )


def llm_endpoints(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """Endpoints that serve language models, each with the region it computes in."""
    count = 24
    return pl.DataFrame(
        {
            "llm_endpoint_id": ids("EP-", count, width=3),
            "provider_name": choose(draw, ("nvidia_nim", "openai", "azure.ai.openai"), count),
            "request_model": choose(draw, ("small", "medium", "large"), count),
            "vendor_id": (pl.lit("VE-") + pl.Series(draw.integers(1, 41, count)).cast(pl.String).str.zfill(3)).pipe(
                _series
            ),
            "endpoint_region": choose(draw, ("ae-dubai", "ae-abudhabi", "eu-frankfurt"), count),
            "is_active": draw.random(count) < 0.8,
            "updated_at": moments(end - draw.integers(1, 60, count) * DAY),
        }
    )


def _series(made: pl.Expr) -> pl.Series:
    return pl.select(made).to_series()


def changes(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Changes: what is in production was approved by somebody else than its author and passed its tests."""
    made = np.sort(draw.integers(start, end - DAY, count))
    author = draw.integers(10, 25, count)
    live = draw.random(count) < 0.75
    people = [
        pl.lit("person-") + pl.Series(who).cast(pl.String).str.zfill(4)
        for who in (author, author + draw.integers(1, 10, count))
    ]
    return pl.DataFrame(
        {
            "change_id": ids("CH-", count),
            "change_kind": choose(draw, ("code", "policy", "rule", "bundle", "contract"), count),
            "summary": ["A change of the twin's life."] * count,
            "author_id": _series(people[0]),
            "approver_id": _series(people[1]).set(pl.Series(~live & (draw.random(count) < 0.6)), None),
            "has_passed_tests": live | (draw.random(count) < 0.5),
            "is_promoted": live,
            "promoted_at": moments(np.where(live, made + 20 * HOUR, NEVER)),
            "updated_at": moments(made + 21 * HOUR),
        }
    )


def backups(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """A nightly backup of each system, minutes old, restored on trial in the last weeks."""
    count = len(_SYSTEMS)
    last = end - draw.integers(1, 240, count) * 1_000_000
    return pl.DataFrame(
        {
            "backup_id": ids("BK-", count, width=3),
            "system_name": list(_SYSTEMS),
            "last_ok_at": moments(last),
            "last_restore_test_at": moments(end - draw.integers(5, 80, count) * DAY),
            "updated_at": moments(last),
        }
    )


def components(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """Installed components; some have a critical hole, found less than a month ago."""
    count = 60
    age = draw.integers(0, 29, count)
    return pl.DataFrame(
        {
            "component_id": ids("CM-", count, width=3),
            "component_name": choose(
                draw, ("web server", "database", "message broker", "base image", "library"), count
            ),
            "component_version": choose(draw, ("1.2.0", "3.4.1", "16.2", "9.5"), count),
            "critical_vuln_age_days": pl.Series(age).set(pl.Series(draw.random(count) < 0.7), None),
            "updated_at": moments(end - draw.integers(1, 40, count) * HOUR),
        }
    )


def connections(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """Connections between systems: those that leave the house are encrypted."""
    count = 48
    outside = draw.random(count) < 0.5
    return pl.DataFrame(
        {
            "connection_id": ids("CX-", count, width=3),
            "from_system": choose(draw, _SYSTEMS, count),
            "to_system": choose(draw, (*_SYSTEMS, "portals", "bank", "land department"), count),
            "has_tls": outside | (draw.random(count) < 0.6),
            "is_external": outside,
            "updated_at": moments(end - draw.integers(1, 60, count) * DAY),
        }
    )


def pipeline_runs(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Runs of pipelines that kept their checks."""
    begun = np.sort(draw.integers(start, end - 2 * HOUR, count))
    ended = begun + draw.integers(2, 55, count) * HOUR // 60
    return pl.DataFrame(
        {
            "pipeline_run_id": ids("RN-", count),
            "pipeline_name": choose(draw, ("ingest", "marts", "features", "reports"), count),
            "run_state": choose(draw, ("succeeded", "canceled"), count, (0.97, 0.03)),
            "started_at": moments(begun),
            "ended_at": moments(ended),
            "has_failed_check": [False] * count,
            "is_freshness_breached": [False] * count,
            "row_count": draw.integers(100, 90_000, count),
            "updated_at": moments(ended),
        }
    )


def rule_packs(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """The rule packs in force, held against the law within the week."""
    count = len(_PACKS)
    checked = end - draw.integers(6, 130, count) * HOUR
    return pl.DataFrame(
        {
            "rule_pack_id": list(_PACKS),
            "pack_version": ["1.0.0"] * count,
            "rule_pack_hash": ids("hash-", count, width=4),
            "rule_count": draw.integers(1, 22, count),
            "checked_at": moments(checked),
            "updated_at": moments(checked),
        }
    )


def audit_logs(draw: np.random.Generator, *, end: int) -> pl.DataFrame:
    """How far back each system's log reaches: a year, three months of it at once."""
    count = len(_SYSTEMS)
    age = draw.integers(60, 1500, count)
    return pl.DataFrame(
        {
            "system_name": list(_SYSTEMS),
            "system_age_days": age,
            "online_history_days": np.minimum(age, draw.integers(95, 180, count)),
            "total_history_days": np.minimum(age, draw.integers(370, 1500, count)),
            "updated_at": moments(end - draw.integers(1, 20, count) * HOUR),
        }
    )


def alerts(draw: np.random.Generator, count: int, *, start: int, end: int) -> pl.DataFrame:
    """Alerts, the serious ones taken note of within the day."""
    raised = np.sort(draw.integers(start, end - 2 * HOUR, count))
    severity = choose(draw, ("info", "low", "medium", "high", "critical"), count, (0.2, 0.25, 0.3, 0.18, 0.07))
    serious = severity.is_in(["high", "critical"]).to_numpy()
    noted = raised + draw.integers(5, 1300, count) * HOUR // 60
    noted = np.where(serious, np.minimum(noted, end - HOUR), noted)
    noted = np.where((serious | (draw.random(count) < 0.6)) & (noted < end), noted, NEVER)
    return pl.DataFrame(
        {
            "alert_id": ids("AL-", count),
            "alert_kind": choose(draw, ("latency", "budget", "anomaly", "compliance"), count),
            "severity": severity,
            "summary": ["Something needs a look."] * count,
            "raised_at": moments(raised),
            "acknowledged_at": moments(noted),
            "actor_id": pl.Series(["person-0008"] * count).set(pl.Series(noted == NEVER), None),
            "updated_at": moments(np.maximum(raised, noted)),
        }
    )
