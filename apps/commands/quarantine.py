"""Refused rows: list and show them, repair, release, run again or discard them."""

from __future__ import annotations

import json as json_text
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_record, print_table
from apps.session import open_paths
from aurora.errors import DataError, UsageError

if TYPE_CHECKING:
    from aurora.ingest.repair_reports import ActReport
    from aurora.ingest.repairs import Repairs

_LISTED = (
    "quarantine_id",
    "state",
    "source",
    "contract",
    "file_name",
    "row_number",
    "column_name",
    "rule",
    "refused_at",
)
_TOLD = ("quarantine_id", "row_number", "contract", "state", "reason")
Ids = Annotated[list[str], typer.Argument(help="Quarantine ids, as `aurora quarantine list` shows them.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what the gate would say, and change nothing.")]
By = Annotated[str, typer.Option("--as", help="Who does it, such as person:amal.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Refused rows and what becomes of them.", no_args_is_help=True)
    room.command("list")(list_rows)
    for command in (show, repair, release, rerun, discard):
        room.command()(command)
    app.add_typer(room, name="quarantine")


def list_rows(
    *,
    state: Annotated[str | None, typer.Option(help="open, still_failing, repaired, released or discarded.")] = "open",
    every: Annotated[bool, typer.Option("--all", help="In any state.")] = False,
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    contract: Annotated[str | None, typer.Option(help="Only of this contract.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only those that failed this check.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only of this batch; the beginning of its id is enough.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Refused rows, the newest first; those that still wait unless --state or --all says otherwise."""
    from aurora.ingest.quarantine import refused_rows, state_counts
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        found = refused_rows(
            lake,
            state=None if every else state,
            source=source,
            contract=contract,
            rule=rule,
            batch_id=batch,
            limit=limit,
        )
        counts = state_counts(lake)
    if json:
        print_json({"counts": counts, "rows": found.to_dicts()})
        return
    print_table(found.to_dicts(), _LISTED)
    print_line("\n" + ", ".join(f"{state.replace('_', ' ')} {count:,}" for state, count in counts.items()))


def show(
    quarantine_id: Annotated[str, typer.Argument(help="The row's quarantine id.")],
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """One refused row: as it came, every check it failed, and what was done to it."""
    from aurora.ingest.quarantine import checks_of, find_rows, history_of
    from aurora.store.lake import read_lake

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        row = find_rows(lake, [quarantine_id])[quarantine_id]
        checks, history = checks_of(lake, row), history_of(lake, row)
    if json:
        print_json({"row": asdict(row), "checks": checks, "history": history})
        return
    print_record({name: value for name, value in asdict(row).items() if name != "raw_row"})
    print_line(f"\n{row.raw_row or 'Nothing of the row is kept.'}\n")
    print_table(checks, ("column_name", "rule", "reason"))
    if history:
        print_line()
        print_table(history, ("resolved_at", "repair_act", "repair_state", "actor_id", "note", "reason"))


def repair(
    quarantine_id: Annotated[str, typer.Argument(help="The row's quarantine id.")],
    *,
    reason: Reason,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="A corrected value, as column=value; an empty value takes it out.")
    ] = None,
    row: Annotated[str | None, typer.Option(help="The whole corrected row, as a JSON object of the contract.")] = None,
    dry_run: DryRun = False,
    by: By = "owner",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Bring a refused row in with corrected values, through the same gate."""
    from aurora.ingest.repairs import Correction

    values = _whole(row) if row is not None else dict(map(_assignment, sets or []))
    if not values:
        raise UsageError("Nothing is corrected.", field="--set", next_step="Give --set column=value, or --row.")
    correction = Correction(quarantine_id=quarantine_id, values=values, is_whole=row is not None)
    _act(lambda acts: acts.repair([correction], reason), by=by, tenant=tenant, dry_run=dry_run, json=json)


def release(
    quarantine_ids: Ids,
    *,
    reason: Reason,
    dry_run: DryRun = False,
    by: By = "owner",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Put refused rows through the gate again as they are: the contract or the price book has changed."""
    _act(lambda acts: acts.release(quarantine_ids, reason), by=by, tenant=tenant, dry_run=dry_run, json=json)


def rerun(
    batch_id: Annotated[str, typer.Argument(help="The batch; the beginning of its id is enough.")],
    *,
    reason: Reason,
    dry_run: DryRun = False,
    by: By = "owner",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Read a batch's file again with today's code and contracts; what landed before is left alone."""
    _act(lambda acts: acts.rerun(batch_id, reason), by=by, tenant=tenant, dry_run=dry_run, json=json)


def discard(
    quarantine_ids: Ids,
    *,
    reason: Reason,
    dry_run: DryRun = False,
    by: By = "owner",
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """End refused rows' life without landing them. They stay in quarantine, with the reason."""
    _act(lambda acts: acts.discard(quarantine_ids, reason), by=by, tenant=tenant, dry_run=dry_run, json=json)


def _act(work: Callable[[Repairs], list[ActReport]], *, by: str, tenant: str | None, dry_run: bool, json: bool) -> None:
    with _acts(by, tenant, dry_run=dry_run) as acts:
        reports = work(acts)
    if json:
        print_json({"acts": [asdict(report) for report in reports]})
    else:
        print_table([asdict(result) for report in reports for result in report.results], _TOLD)
        print_line(f"\n{'Would land' if dry_run else 'Landed'}: {sum(report.landed for report in reports):,}")
        if any(report.is_known for report in reports):
            note("Some of it had been done before: nothing of that changed.")
    failing = [result for report in reports for result in report.results if result.state == "still_failing"]
    if failing:
        raise DataError(
            f"{len(failing):,} of {sum(report.rows for report in reports):,} rows still fail: {failing[0].reason}",
            field="quarantine_id",
            rule="gate",
            next_step="They stay in quarantine. Correct the value that is named and repair them again.",
        )


@contextmanager
def _acts(by: str, tenant: str | None, *, dry_run: bool) -> Iterator[Repairs]:
    from apps.bootstrap import utc_now
    from aurora.ingest.repairs import Repairs
    from aurora.store.state import StateStore

    settings, paths = open_paths(tenant)
    with StateStore.open(paths, clock=utc_now) as store:
        yield Repairs(
            paths=paths,
            store=store,
            actor_id=by,
            clock=utc_now,
            max_line_mb=settings.max_upload_mb,
            is_dry_run=dry_run,
        )


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise UsageError(f"{text[:80]!r} is no column=value.", field="--set", next_step="Write --set input_tokens=120.")
    return name.strip(), value


def _whole(text: str) -> dict[str, Any]:
    try:
        found = json_text.loads(text)
    except ValueError as error:
        raise UsageError(f"--row is not JSON: {error}.", field="--row", next_step="Give one JSON object.") from None
    if not isinstance(found, dict):
        raise UsageError("--row is not a JSON object.", field="--row", next_step="Give one JSON object.")
    return found
