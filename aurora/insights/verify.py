"""Is a report what the lake says? Its figures are made again at its snapshots, by time travel, and compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from aurora.errors import DataError, NotFoundError
from aurora.insights.pdf import attached_report, pdf_bytes
from aurora.insights.report import ALL_SCOPES, Packed, canonical_bytes, hash_of, make_report
from aurora.insights.workbook import held_report, xlsx_bytes
from aurora.store.paths import TenantPaths
from contracts.messages.insights import BusinessIntelligenceReport, ReportPeriod

_MOST: Final = 20
_LARGEST: Final = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCheck:
    """What came of it."""

    is_equal: bool
    hash_held: str
    hash_again: str
    compared_with: str
    """Its own snapshots, or the newest ones where its own have expired."""
    is_file_untouched: bool | None
    """The file is byte for byte what Aurora writes of this report; null for JSON, which may be laid out in many ways."""
    differences: list[str]
    """Where and how, the first twenty."""

    def as_dict(self) -> dict[str, Any]:
        """Every fact by name."""
        return asdict(self)


def verify_file(file: Path, paths: TenantPaths, inputs: Packed) -> ReportCheck:
    """Check a PDF, XLSX or JSON report of this tenant.

    Errors: `DataError` for a file that holds no report or another tenant's, `NotReadyError` before the marts.
    """
    if file.stat().st_size > _LARGEST:
        raise DataError(
            f"{file.name} is too large for a report.",
            field="file",
            rule="at_most",
            next_step="Give a file of `aurora report bi`.",
        )
    content = file.read_bytes()
    held = read_report(content)
    if held.tenant != paths.tenant:
        raise DataError(
            f"This report is of the tenant {held.tenant!r}.",
            field="tenant",
            rule="same_tenant",
            next_step=f"Use --tenant {held.tenant}.",
        )
    again, compared_with = _again(held, paths, inputs)
    differences = _differences(held, again)
    if hash_of(held) != held.report_hash:
        differences.insert(
            0, f"report_hash: the file says {held.report_hash[:12]}, its own figures give {hash_of(held)[:12]}"
        )
    untouched = _is_untouched(content, held)
    if untouched is False:
        differences.append("file: its bytes are not those that Aurora writes of the report inside")
    return ReportCheck(
        is_equal=not differences,
        hash_held=held.report_hash,
        hash_again=again.report_hash,
        compared_with=compared_with,
        is_file_untouched=untouched,
        differences=differences[:_MOST],
    )


def read_report(content: bytes) -> BusinessIntelligenceReport:
    """The report in a file; `DataError` when there is none."""
    found = (
        attached_report(content)
        if content.startswith(b"%PDF")
        else held_report(content)
        if content.startswith(b"PK")
        else content
    )
    try:
        return msgspec.json.decode(found, type=BusinessIntelligenceReport)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise DataError(
            f"The file holds no business-intelligence report: {error}.",
            field="file",
            rule="report",
            next_step="Give a file of `aurora report bi`.",
        ) from error


def _again(
    held: BusinessIntelligenceReport, paths: TenantPaths, inputs: Packed
) -> tuple[BusinessIntelligenceReport, str]:
    scopes = ALL_SCOPES - {one.needs_scope for one in held.left_out}
    try:
        again = make_report(
            paths, inputs, scopes=scopes, time_period=held.period.time_period, industry=held.industry_filter,
            raw_at=held.raw_snapshot, mart_at=held.mart_snapshot,
        )  # fmt: skip
    except NotFoundError as error:
        if error.rule != "snapshot":
            raise
        days = f"{held.period.since}..{held.period.until}"
        newest = make_report(paths, inputs, scopes=scopes, time_period=days, industry=held.industry_filter)
        period = ReportPeriod(time_period=held.period.time_period, since=newest.period.since, until=newest.period.until)
        return msgspec.structs.replace(newest, period=period), "the newest snapshots, for its own have expired"
    return again, "its own snapshots"


def _differences(held: BusinessIntelligenceReport, again: BusinessIntelligenceReport) -> list[str]:
    one, two = (msgspec.json.decode(canonical_bytes(report)) for report in (held, again))
    is_same_snapshot = held.mart_snapshot == again.mart_snapshot
    skipped = frozenset() if is_same_snapshot else frozenset({"snapshot", "raw_snapshot", "mart_snapshot"})
    return list(_walk(one, two, "", skipped))


def _walk(one: Any, two: Any, where: str, skipped: frozenset[str]) -> list[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        return [
            line
            for key in sorted(one.keys() | two.keys())
            if key not in skipped
            for line in _walk(one.get(key), two.get(key), f"{where}.{key}" if where else key, skipped)
        ]
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [
            line for n, pair in enumerate(zip(one, two, strict=True)) for line in _walk(*pair, f"{where}[{n}]", skipped)
        ]
    if isinstance(one, list) and isinstance(two, list):
        return [f"{where}: {len(one)} in the file, {len(two)} in the lake"]
    return [] if one == two else [f"{where}: the file says {_short(one)}, the lake {_short(two)}"]


def _short(value: Any) -> str:
    return str(value)[:80]


def _is_untouched(content: bytes, held: BusinessIntelligenceReport) -> bool | None:
    if content.startswith(b"%PDF"):
        return content == pdf_bytes(held)
    return content == xlsx_bytes(held) if content.startswith(b"PK") else None
