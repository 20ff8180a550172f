"""Asset checks of the raw lake, made from the contracts."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from orchestration.contract_checks import ContractCheck, contract_checks
from orchestration.defs.ingest.assets import raw_key
from orchestration.resources import Workspace
from orchestration.stage_assets import order, run
from orchestration.stages import CHECKS


def ingest_checks() -> dg.AssetChecksDefinition:
    """Every check of every contract, in one step that reads one snapshot."""
    specs = [
        dg.AssetCheckSpec(check.name, asset=raw_key(check.table), description=check.meaning, blocking=check.is_blocking)
        for check in contract_checks()
    ]

    @dg.multi_asset_check(name=CHECKS.name, specs=specs, description=CHECKS.meaning, op_tags=order(CHECKS))
    def _checks(workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
        counts = run(CHECKS, workspace)
        for check in contract_checks():
            yield _result(check, int(counts[check.full_name] or 0))

    return _checks


def _result(check: ContractCheck, failing: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=failing == 0,
        asset_key=raw_key(check.table),
        check_name=check.name,
        severity=dg.AssetCheckSeverity.ERROR if check.is_blocking else dg.AssetCheckSeverity.WARN,
        description=f"{failing:,} rows of raw.{check.table} are wrong. {check.meaning}" if failing else check.meaning,
        metadata={"failing_count": failing, "sql": dg.MetadataValue.text(check.sql)},
    )
