"""Posture: where the company stands towards each regime, and each assistant with it. Derived, never typed.

- non_compliant: a critical finding is open, or any open finding is past its clock.
- pending_review: anything else is open; or nothing can be said, because no record of the regime's rules says enough or
  the rule pack is stale.
- compliant: otherwise.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Literal

from aurora.compliance.findings import NEWEST
from aurora.compliance.rulebook import Rulebook
from aurora.store.lake import LakeReader

Posture = Literal["compliant", "pending_review", "non_compliant"]
_COUNTS: Final = """
    count(*) AS open_count,
    count(*) FILTER (WHERE severity = 'critical') AS critical_count,
    count(*) FILTER (WHERE due_at < $now) AS overdue_count,
    min(due_at) AS next_due_at
"""


def posture_of(*, open_count: int, critical_count: int, overdue_count: int, is_known: bool) -> Posture:
    """The posture that follows from counts of open findings; `is_known`: records were judged by fresh rules."""
    if critical_count or overdue_count:
        return "non_compliant"
    return "compliant" if not open_count and is_known else "pending_review"


def posture_by_regime(rulebook: Rulebook, lake: LakeReader, *, now: dt.datetime) -> list[dict[str, Any]]:
    """One row a regime of the rulebook, sorted: posture, and the counts it follows from."""
    found = _counted(lake, "regime", now)
    judged = lake.query(
        "SELECT regime, sum(judged_count - unknown_count) AS n, max(updated_at) AS at, count(*) AS rules FROM ("
        " SELECT *, row_number() OVER (PARTITION BY rule_id ORDER BY updated_at DESC) AS place FROM raw.rule_sweep)"
        " WHERE place = 1 GROUP BY regime"
    )
    seen = {row["regime"]: row for row in judged.to_dicts()}
    rows = []
    for regime in sorted({pack.file.regime for pack in rulebook.packs}):
        packs = [pack for pack in rulebook.packs if pack.file.regime == regime]
        is_stale = any(pack.is_stale(now) for pack in packs)
        records = int(seen[regime]["n"]) if regime in seen else 0
        counts = found.get(regime, _NOTHING)
        rows.append(
            {
                "regime": regime,
                "authority": "; ".join(dict.fromkeys(pack.file.authority for pack in packs)),
                "posture": _posture(counts, is_known=records > 0 and not is_stale),
                **counts,
                "rule_count": sum(len(pack.rules) for pack in packs),
                "judged_count": records,
                "is_stale": is_stale,
                "checked_at": min(pack.file.checked_at for pack in packs),
            }
        )
    return rows


def posture_by_assistant(lake: LakeReader, *, now: dt.datetime) -> list[dict[str, Any]]:
    """One row an assistant, sorted: posture over all regimes, from findings about its own records."""
    found = _counted(lake, "assistant_id", now)
    assistants = lake.query("SELECT DISTINCT assistant_id FROM raw.assistant ORDER BY 1")["assistant_id"].to_list()
    return [
        {
            "assistant_id": name,
            "posture": _posture(found.get(name, _NOTHING), is_known=True),
            **found.get(name, _NOTHING),
        }
        for name in sorted({*assistants, *(one for one in found if one is not None)})
    ]


_NOTHING: Final[dict[str, Any]] = {"open_count": 0, "critical_count": 0, "overdue_count": 0, "next_due_at": None}


def _posture(counts: dict[str, Any], *, is_known: bool) -> Posture:
    return posture_of(
        open_count=counts["open_count"],
        critical_count=counts["critical_count"],
        overdue_count=counts["overdue_count"],
        is_known=is_known,
    )


def _counted(lake: LakeReader, by: str, now: dt.datetime) -> dict[str, dict[str, Any]]:
    rows = lake.query(
        f"SELECT {by}, {_COUNTS} FROM ({NEWEST}) AS f WHERE finding_state = 'open' GROUP BY {by}", {"now": now}
    )
    return {row.pop(by): row for row in rows.to_dicts()}
