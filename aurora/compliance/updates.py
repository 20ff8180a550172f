"""A new version of a rule or of a rule pack: taken in, held against its examples and its predecessor, tried on history.

Nothing is in force before a person says so (`put_in_force`).
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import yaml

from aurora.compliance.declarations import RuleFile
from aurora.compliance.differences import BackTest, RuleChange, back_test, rule_changes
from aurora.compliance.incoming import take_in, unpacked
from aurora.compliance.rulebook import SUPERSEDED, RecordRule, Rulebook, read_rulebook, rules_folder
from aurora.compliance.verdicts import check_examples
from aurora.compliance.versions import (
    next_version,
    put_in_force,
    read_version,
    rules_history,
    version_folder,
    version_in_force,
)
from aurora.errors import DataError
from aurora.packs.reading import read_declared
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.compliance import BackTestLine, RulesChange, RulesUpdate

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that would be: its folder, both books, and what is another."""

    folder: Path
    version: int
    previous_version: int
    old: Rulebook
    new: Rulebook
    changes: tuple[RuleChange, ...]
    heads: tuple[str, ...]
    """Packs whose version or word is another, and what else changed, in words."""
    example_count: int
    change_count: int
    """How often rules were put in force before it."""

    @property
    def told(self) -> list[str]:
        """Every change, in words."""
        words = [
            f"{one.change} {one.rule_id}" + (f" ({', '.join(one.fields)})" if one.fields else "")
            for one in self.changes
        ]
        return [*self.heads, *words]


@contextmanager
def proposed(
    packs_dir: Path, paths: TenantPaths, given: Path, *, now: dt.datetime, pack: str | None = None
) -> Iterator[Proposal]:
    """The version that the tenant's rules would have with `given`: a rule, parameters or coverage as YAML, the folder
    of a pack or of several, or a zip of either. It is gone after the block unless it was put in force.

    Errors: `UsageError` for what is no rule, `DataError` (`PackError`) for one that does not fit, whose example does not
    hold, or whose version did not grow.
    """
    version, count = version_in_force(paths), len(rules_history(paths))
    old = read_version(packs_dir, paths, version)
    with tempfile.TemporaryDirectory(prefix="aurora-rules-") as place:
        folder = Path(place) / "changes"
        present = version_folder(paths, version)
        if present is not None:
            shutil.copytree(present, folder)
        folder.mkdir(exist_ok=True)
        take_in(unpacked(given, Path(place) / "given"), folder, old, pack)
        _keep_until_due(folder, old, now.date())
        new = read_rulebook(rules_folder(packs_dir), folder, tenant_version=next_version(paths))
        yield replace(_checked(folder, new, old, version, now), change_count=count)


def tried(paths: TenantPaths, proposal: Proposal, *, industry: str, now: dt.datetime) -> RulesUpdate:
    """What the version would find and let go in the lake as it is; a rule that begins later, as if it had begun.

    Nothing is written.
    """
    old, new = (_begun(book.for_industry(industry), now.date()) for book in (proposal.old, proposal.new))
    changes = rule_changes(old, new)
    with read_lake(paths) as lake:
        tests = {one.rule_id: one for one in back_test(lake, old, new, changes, now=now)}
        snapshot = lake.snapshot_id("raw")
    lines = [_line(one, tests.get(one.rule_id)) for one in changes]
    return RulesUpdate(
        is_in_force=False,
        version=proposal.version,
        previous_version=proposal.previous_version,
        changed=proposal.told,
        rules=lines,
        checked_example_count=proposal.example_count,
        book_hash_before=proposal.old.book_hash,
        book_hash=proposal.new.book_hash,
        gained_count=sum(one.gained_count for one in lines),
        lost_count=sum(one.lost_count for one in lines),
        raw_snapshot_id=snapshot,
    )


def _begun(book: Rulebook, today: dt.date) -> Rulebook:
    """The newest version of each rule, in force from today on at the latest."""
    packs = []
    for pack in book.packs:
        newest = {rule.rule_id: rule for rule in pack.rules}.values()
        rules = [
            replace(one, file=msgspec.structs.replace(one.file, effective_from=min(one.file.effective_from, today)))
            for one in newest
        ]
        packs.append(replace(pack, rules=tuple(rules)))
    return replace(book, packs=tuple(packs))


def enforce_update(
    store: StateStore, proposal: Proposal, update: RulesUpdate, *, actor_id: str, note: str, now: dt.datetime
) -> RulesUpdate:
    """Put a tried version in force. Errors: `ConflictError` when another one was put in force meanwhile."""
    change = RulesChange(
        change_id=f"rlc-{proposal.change_count + 1:06d}",
        version=proposal.version,
        previous_version=proposal.previous_version,
        is_back=False,
        changed=update.changed,
        book_hash_before=update.book_hash_before,
        book_hash=update.book_hash,
        gained_count=update.gained_count,
        lost_count=update.lost_count,
        note=note,
        actor_id=actor_id,
        recorded_at=now,
    )
    put_in_force(store, proposal.folder, change)
    return msgspec.structs.replace(update, is_in_force=True)


# held against what is in force --------------------------------------------------------------------


def _keep_until_due(folder: Path, old: Rulebook, today: dt.date) -> None:
    """A rule that begins later leaves its predecessor in force until then."""
    by_id = {rule.rule_id: rule for rule in old.rules}
    for path in sorted(folder.glob("*/*.yaml")):
        if path.name in ("pack.yaml", "params.yaml") or path.parent.name == "calendars":
            continue
        file = read_declared(path, RuleFile)
        before = by_id.get(file.rule_id)
        if before is None or file == before.file or file.effective_from <= today:
            continue
        home = folder / SUPERSEDED / path.parent.name
        home.mkdir(parents=True, exist_ok=True)
        ended = msgspec.structs.replace(before.file, effective_to=file.effective_from)
        text = yaml.safe_dump(msgspec.to_builtins(ended), sort_keys=False, allow_unicode=True)
        (home / path.name).write_text(text, encoding="utf-8")


def _checked(folder: Path, new: Rulebook, old: Rulebook, version: int, now: dt.datetime) -> Proposal:
    changes = tuple(rule_changes(old, new))
    touched = {one.rule_id for one in changes if one.change != "removed"}
    rules = [rule for rule in new.rules if rule.rule_id in touched]
    for rule in rules:
        check_examples(new, rule)
    _check_versions(old, new, changes)
    _check_dates(new, now)
    heads = _heads(old, new)
    if not changes and not heads:
        raise DataError(
            "It changes nothing: the rules in force say the same.",
            field="file",
            rule="changes",
            next_step="Nothing is to be done.",
        )
    examples = sum(len(rule.file.examples) for rule in rules)
    return Proposal(folder, new.tenant_version, version, old, new, changes, heads, examples, 0)


def _check_versions(old: Rulebook, new: Rulebook, changes: tuple[RuleChange, ...]) -> None:
    """A pack's version grows with its content; where the pack's did not, each changed rule's own must."""
    before = {pack.file.rule_pack: pack for pack in old.packs}
    grown = {
        pack.file.rule_pack
        for pack in new.packs
        if pack.file.rule_pack not in before
        or _number(pack.file.version) > _number(before[pack.file.rule_pack].file.version)
    }
    for pack in new.packs:
        was = before.get(pack.file.rule_pack)
        if was is not None and pack.file != was.file and pack.file.rule_pack not in grown:
            raise _too_old(f"Rule pack {pack.file.rule_pack}", pack.file.version, was.file.version)
    for one in changes:
        if one.change == "removed":
            home = old.rule(one.rule_id).pack.rule_pack
            if home not in grown:
                raise _too_old(
                    f"Rule pack {home}, which loses {one.rule_id},",
                    before[home].file.version,
                    before[home].file.version,
                )
        elif one.change == "changed" and new.rule(one.rule_id).pack.rule_pack not in grown:
            after, was_rule = new.rule(one.rule_id), old.rule(one.rule_id)
            if set(one.fields) - _ELSEWHERE and after.file.version <= was_rule.file.version:
                raise _too_old(f"Rule {one.rule_id}", str(after.file.version), str(was_rule.file.version))
            _check_begin(after, was_rule)


_ELSEWHERE: Final = frozenset({"parameters", "facts", "silent_sources", "clock_value"})
"""What changes of a rule without its own file."""


def _check_begin(after: RecordRule, before: RecordRule) -> None:
    if after.file.effective_from < before.file.effective_from:
        raise DataError(
            f"Rule {after.rule_id} would begin on {after.file.effective_from}, before the one it follows "
            f"({before.file.effective_from}).",
            field="effective_from",
            rule="effective_dates",
            next_step="Say from which day the new text holds.",
        )


def _check_dates(new: Rulebook, now: dt.datetime) -> None:
    for pack in new.packs:
        if pack.file.checked_at > now + dt.timedelta(days=1):
            raise DataError(
                f"Rule pack {pack.file.rule_pack} was checked at {pack.file.checked_at}, which is yet to come.",
                field="checked_at",
                rule="not_after",
                next_step="Write when it was held against its sources.",
            )


def _heads(old: Rulebook, new: Rulebook) -> tuple[str, ...]:
    before = {pack.file.rule_pack: pack.file for pack in old.packs}
    words = [
        f"{pack.file.rule_pack} {was.version if (was := before.get(pack.file.rule_pack)) else 'none'} -> {pack.file.version}"
        for pack in new.packs
        if pack.file != before.get(pack.file.rule_pack)
    ]
    if new.coverage != old.coverage:
        words.append("coverage of sources")
    if new.binding != old.binding:
        words.append(
            f"binds {', '.join(new.binding.regimes or ('every regime',))} in {', '.join(new.binding.jurisdictions or ('every jurisdiction',))}"
        )
    return tuple(words)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _too_old(what: str, version: str, known: str) -> DataError:
    return DataError(
        f"{what} is another than version {known} that is in force, and is version {version}.",
        field="version",
        rule="version_grows",
        next_step=f"Give it a version above {known}.",
    )


def _line(one: RuleChange, test: BackTest | None) -> BackTestLine:
    gained, lost = ((), ()) if test is None else (test.gained, test.lost)
    return BackTestLine(
        rule_id=one.rule_id,
        change=one.change,
        fields=list(one.fields),
        old_count=0 if test is None else test.old_count,
        new_count=0 if test is None else test.new_count,
        gained_count=len(gained),
        lost_count=len(lost),
        gained=[f"{source} {key}" for source, key in gained[:_SHOWN]],
        lost=[f"{source} {key}" for source, key in lost[:_SHOWN]],
    )
