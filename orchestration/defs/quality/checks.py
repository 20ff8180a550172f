"""Asset checks of the sources: is one silent for too long, did one send too little or too much? They warn, never stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import dagster as dg

from orchestration.defs.transform.assets import mart_key
from orchestration.resources import Workspace

if TYPE_CHECKING:
    from aurora.ingest.freshness import SourceHealth

ASSET: Final = "source_quality_daily"
FRESH: Final = "sources_are_fresh"
NORMAL: Final = "volumes_are_normal"
STEP: Final = "sources"
_MEANING: Final = {
    FRESH: "No source is silent for longer than its history or its declaration allows.",
    NORMAL: "The newest whole day of each source has as many rows as its history or its declaration allows.",
}


def quality_checks() -> dg.AssetChecksDefinition:
    """Both checks, in one step that reads one snapshot. They look at the clock, so they run each time."""
    specs = [dg.AssetCheckSpec(name, asset=mart_key(ASSET), description=text) for name, text in _MEANING.items()]

    @dg.multi_asset_check(name=STEP, specs=specs, description="Silence and volume of the sources")
    def _checks(workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
        from aurora.ingest.freshness import source_health
        from aurora.store.lake import read_lake

        work = workspace.work()
        with read_lake(work.paths) as lake:
            health = source_health(lake, work.clock())
        stale = [one for one in health if one.silence.verdict == "stale"]
        odd = [one for one in health if one.amount is not None and one.amount.verdict in ("low", "high", "none")]
        yield _result(FRESH, stale, health)
        yield _result(NORMAL, odd, health)

    return _checks


def _result(name: str, wrong: Sequence[SourceHealth], health: Sequence[SourceHealth]) -> dg.AssetCheckResult:
    named = ", ".join(f"{one.source} ({one.contract})" for one in wrong)
    return dg.AssetCheckResult(
        passed=not wrong,
        asset_key=mart_key(ASSET),
        check_name=name,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{named}. `aurora quality check` says more." if wrong else _MEANING[name],
        metadata={
            "source_count": len(health),
            "learning_count": sum(one.silence.verdict == "learning" for one in health),
            "odd_count": len(wrong),
        },
    )
