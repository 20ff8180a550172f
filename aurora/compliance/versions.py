"""A tenant's own versions of the rules: numbered folders under its data, and the journal's word for which one is in force.

What is shipped is never touched. A version is a folder of changes over `packs/_rules/` (`read_rulebook`), written whole
before the journal says that it is in force: a kill in between leaves the rules as they were. Going back is one more
word in the journal.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path
from typing import Final

import msgspec

from aurora.compliance.reviews import with_reviews
from aurora.compliance.rulebook import Rulebook, read_rulebook, rules_folder
from aurora.errors import ConflictError, NotFoundError, NotReadyError
from aurora.store.journal import JournalRecord, StateReader
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import RulesChange
from contracts.messages.decisions import canonical

KIND: Final = "rules_change"
_ALL: Final = 100_000
_CHANGES: Final = msgspec.json.Decoder(RulesChange)


def own_rules(paths: TenantPaths) -> Path:
    """Where the tenant's versions lie."""
    return paths.directory / "rules"


def version_folder(paths: TenantPaths, version: int) -> Path | None:
    """The folder of a version; None for 0, the rules as they are shipped."""
    return None if version == 0 else own_rules(paths) / f"{version:04d}"


def rules_history(paths: TenantPaths) -> list[RulesChange]:
    """What was put in force, newest first."""
    if not paths.state.is_file():
        return []
    with StateReader(paths) as state:
        return [_CHANGES.decode(entry.body) for entry in state.page(KIND, limit=_ALL)]


def version_in_force(paths: TenantPaths) -> int:
    """The number of the tenant's rules; 0 where it has none of its own."""
    if not own_rules(paths).is_dir() or not paths.state.is_file():
        return 0
    with StateReader(paths) as state:
        newest = state.page(KIND, limit=1)
    return _CHANGES.decode(newest[0].body).version if newest else 0


def tenant_rulebook(packs_dir: Path, paths: TenantPaths, industry: str | None) -> Rulebook:
    """The rules that bind a tenant of an industry pack, its own changes over those that are shipped.

    All rules when `industry` is None. Errors: as `load_rulebook`; `NotReadyError` when the version's folder is gone.
    """
    book = with_reviews(read_version(packs_dir, paths, version_in_force(paths)), paths)
    return book if industry is None else book.for_industry(industry)


def read_version(packs_dir: Path, paths: TenantPaths, version: int) -> Rulebook:
    """One version of the tenant's rules, whole."""
    own = version_folder(paths, version)
    if own is not None and not own.is_dir():
        raise NotReadyError(
            f"Version {version} of this tenant's rules is not on the disk.",
            field="rules",
            rule="version",
            next_step=f"Restore {own.parent.name}/{own.name} from a backup, or `aurora rules back --to 0 --yes`.",
        )
    return read_rulebook(rules_folder(packs_dir), own, tenant_version=version)


def put_in_force(store: StateStore, changes: Path, change: RulesChange) -> None:
    """Keep a folder of changes as the version that `change` names, and say that it is in force.

    Errors: `ConflictError` when rules were put in force since the change was prepared: its id is its number.
    """
    folder = version_folder(store.paths, change.version)
    history = rules_history(store.paths)
    if folder is None or folder.exists() or change.change_id != _change_id(len(history) + 1):
        raise ConflictError(
            "Meanwhile another version of the rules was put in force.",
            field="version",
            rule="unique",
            next_step="Look at it with `aurora rules history`, and take the change in again.",
        )
    _keep(changes, folder)
    _say(store, change)


def _change_id(number: int) -> str:
    return f"rlc-{number:06d}"


def next_version(paths: TenantPaths) -> int:
    """A number that no folder has and the journal never named."""
    named = [change.version for change in rules_history(paths)]
    kept = [int(one.name) for one in own_rules(paths).glob("[0-9]*") if one.name.isdigit()]
    return max([0, *named, *kept]) + 1


def go_back(
    store: StateStore, packs_dir: Path, *, to: int | None, actor_id: str, note: str, now: dt.datetime
) -> RulesChange:
    """Put an earlier version in force: the one before the present, or `to`. Errors: `NotFoundError` where there is none."""
    paths = store.paths
    history = rules_history(paths)
    present = history[0].version if history else 0
    wanted = to if to is not None else (history[0].previous_version if history else None)
    known = {0} | {change.version for change in history}
    if wanted is None or wanted == present or wanted not in known:
        raise NotFoundError(
            "There is no earlier version of this tenant's rules to go back to."
            if wanted is None or wanted == present
            else f"This tenant never had version {wanted} of the rules.",
            field="to",
            next_step=f"`aurora rules history` lists versions; in force is {present}.",
        )
    before, after = (read_version(packs_dir, paths, one).book_hash for one in (present, wanted))
    change = RulesChange(
        change_id=_change_id(len(history) + 1),
        version=wanted,
        previous_version=present,
        is_back=True,
        changed=[],
        book_hash_before=before,
        book_hash=after,
        gained_count=0,
        lost_count=0,
        note=note,
        actor_id=actor_id,
        recorded_at=now,
    )
    _say(store, change)
    return change


def _say(store: StateStore, change: RulesChange) -> None:
    record = JournalRecord(
        record_id=change.change_id,
        kind=KIND,
        subject_id=change.change_id,
        actor_id=change.actor_id,
        recorded_at=change.recorded_at,
        body=canonical(change),
    )
    store.append([record]).result()


def _keep(changes: Path, folder: Path) -> None:
    """A whole copy, on the disk before its name stands."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(changes, part)
    for file in part.rglob("*.yaml"):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    part.rename(folder)
