"""Personal data: what was found at the door, reading a protected value back, erasing a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.render import Json, Tenant, note, print_json, print_line, print_record, print_table
from apps.session import open_paths

if TYPE_CHECKING:
    from aurora.identity.keys import Identity
    from aurora.store.paths import TenantPaths
    from aurora.store.state import StateStore
    from aurora.store.vault import Vault

KeyFile = Annotated[
    Path | None,
    typer.Option(help="File with the API key of who acts; the owner's key in the tenant's folder when absent."),
]
Reason = Annotated[str, typer.Option(help="What for: it stands in the audit log.")]
_FINDINGS = ("source", "contract", "column_name", "identifier_class", "privacy_action", "finding_count", "unsure_count")
_REFUSALS = ("source", "contract", "file_name", "refused_region", "row_count", "first_row_number", "reason")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="Personal data: findings, reading back, erasure.", no_args_is_help=True)
    room.command()(report)
    room.command()(reveal)
    room.command()(erase)
    room.command()(purge)
    app.add_typer(room, name="privacy")


def report(*, tenant: Tenant = None, json: Json = False) -> None:
    """What came in and how it was protected; rows that were refused for their region, and who sent them."""
    from aurora.privacy.report import findings, refusals
    from aurora.store.lake import read_lake
    from aurora.store.vault import Vault

    _, paths = open_paths(tenant)
    with read_lake(paths) as lake:
        found, refused = findings(lake).to_dicts(), refusals(lake).to_dicts()
    with Vault.open(paths) as vault:
        living, destroyed = vault.counts()
    if json:
        keys = {"living": living, "destroyed": destroyed}
        print_json({"tenant": paths.tenant, "keys": keys, "findings": found, "residency_refusals": refused})
        return
    print_line(f"{living:,} keys of people and tables; {destroyed:,} destroyed.\n")
    print_table(found, _FINDINGS)
    if refused:
        print_line("\nRefused for their region, nothing kept:")
        print_table(refused, _REFUSALS)


def reveal(
    value: Annotated[str, typer.Argument(help="The protected value as it stands in the lake; it begins with enc1: .")],
    *,
    reason: Reason,
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Show one protected value. Needs the scope privacy:reveal; who, when and why is recorded first."""
    from apps.bootstrap import utc_now
    from aurora.privacy.disclosure import reveal as run

    _, paths = open_paths(tenant)
    with _opened(paths, key_file) as (store, vault, identity):
        clear = run(store, vault, value, identity=identity, reason=reason, now=utc_now())
    if json:
        print_json({"value": clear})
    else:
        print_line(clear)
        note(f"Recorded: {identity.actor_id} read it.")


def erase(
    subject: Annotated[str, typer.Argument(help="The person's id, as the exporting system gives it.")],
    *,
    reason: Reason,
    kind: Annotated[
        str | None,
        typer.Option(help="Column that names the person, such as party_id; needed where the id is not unique."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    key_file: KeyFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Destroy a person's key: what was encrypted for them can never be read again. Needs the scope admin."""
    from apps.bootstrap import utc_now
    from aurora.privacy.disclosure import erase as run

    _, paths = open_paths(tenant)
    if not yes:
        typer.confirm(f"Destroy the key of {subject}? This cannot be undone.", abort=True)
    with _opened(paths, key_file) as (store, vault, identity):
        done = run(store, vault, subject, identity=identity, reason=reason, now=utc_now(), kind=kind)
    if json:
        print_json(done.as_dict())
    else:
        print_record({"keys destroyed": len(done.key_ids), "kinds": ", ".join(done.kinds), "record": done.record_id})


@contextmanager
def _opened(paths: TenantPaths, key_file: Path | None) -> Iterator[tuple[StateStore, Vault, Identity]]:
    """State, vault, and who acts: the holder of the key in the file."""
    from apps.bootstrap import OWNER, utc_now
    from aurora.errors import NotFoundError
    from aurora.identity.keys import authenticate
    from aurora.store.state import StateStore
    from aurora.store.vault import Vault

    file = key_file or paths.directory / f"{OWNER}.key"
    if not file.is_file():
        raise NotFoundError(
            f"There is no key file {file}.",
            field="--key-file",
            next_step="Make a key with `aurora key create` and name the file that holds it.",
        )
    with StateStore.open(paths, clock=utc_now) as store, Vault.open(paths) as vault:
        yield store, vault, authenticate(store, file.read_text(encoding="utf-8").strip())


def purge(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="End them; without it nothing is written.")] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """End at once what masks left behind: older snapshots of the raw lake with the clear values, and their files.

    Nightly maintenance does it thirty days after a mask. Reports that were made from an older snapshot can then be held
    against the newest alone; a query that reads one at this moment fails. Exits with 4 when a file was left.
    """
    from apps.bootstrap import utc_now
    from aurora.errors import ComplianceError
    from aurora.store.purging import masks_of, purge_masked

    _, paths = open_paths(tenant)
    if not yes:
        masks = masks_of(paths, now=utc_now())
        if json:
            print_json({"masks": len(masks), "contracts": sorted({one for _, one in masks}), "is_dry_run": True})
        else:
            print_line(
                f"{len(masks)} masks left values in older snapshots. --yes ends those snapshots and their files."
            )
        return
    report = purge_masked(paths, now=utc_now())
    if json:
        print_json(report.as_dict())
    else:
        print_table([{"what": key, "count": value} for key, value in report.as_dict().items()], ("what", "count"))
    if report.files_from_before:
        raise ComplianceError(
            f"{report.files_from_before} files from before a mask are still on the disk.",
            field="files_from_before",
            rule="purged",
            next_step="A writer may have been at work: run it again.",
        )
