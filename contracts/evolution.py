"""How contracts may change: two states of the registry compared, each change additive or breaking.

A state is plain data, so that the published one is a JSON file in the repository (`contracts/published.json`)
and a live lake can be described in the same terms. Additive changes pass with a minor version. A breaking one
needs a major version and names its migration, or is refused. Where a change lands is not known here
(`aurora.catalogue`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from contracts.field import Field
from contracts.fields import FIELDS
from contracts.table import BATCH_COLUMNS, Table

State = Mapping[str, Mapping[str, Any]]
"""A registry as data: table name to what the contract says, columns by name in order."""

PUBLISHED: Final = Path(__file__).parent / "published.json"
"""The state that was last published: what sources and readers were promised."""

ChangeKind = Literal[
    "table_added", "table_removed", "column_added", "column_removed", "type", "unit", "required", "optional",
    "check_tightened", "check_loosened", "key", "states", "subject", "privacy", "residency", "protection", "token",
    "ingested", "retention", "words",
]  # fmt: skip
Level = Literal["major", "minor", "patch"]
_LEVELS: Final[tuple[Level, ...]] = ("major", "minor", "patch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between two states. `level` is the part of the version that must rise for it."""

    table: str
    column: str | None
    kind: ChangeKind
    level: Level
    words: str
    """What changed, in plain words."""

    @property
    def is_breaking(self) -> bool:
        """Whether something that worked with the old state may not work with the new one."""
        return self.level == "major"


def described(tables: Mapping[str, Table], fields: Mapping[str, Field] = FIELDS) -> State:
    """The registry as data."""
    return {name: _table(declared, fields) for name, declared in sorted(tables.items())}


def _table(declared: Table, fields: Mapping[str, Field]) -> dict[str, Any]:
    return {
        "version": declared.version,
        "grain": declared.grain,
        "key": list(declared.key),
        "versioned_by": declared.versioned_by,
        "subject": declared.subject,
        "is_ingested": declared.is_ingested,
        "retention_days": declared.retention_days,
        "owner": declared.owner,
        "meaning": declared.meaning,
        "columns": {name: _column(fields[name], declared) for name in declared.columns},
    }


def _column(field: Field, declared: Table) -> dict[str, Any]:
    return {
        "type": field.type,
        "unit": field.unit,
        "is_required": declared.is_required(field.name),
        "meaning": field.meaning,
        "privacy": field.privacy,
        "residency": field.residency,
        "protection": field.protection,
        "token_of": field.token_of,
        "checks": {
            check.rule: list(check.value) if isinstance(check.value, tuple) else check.value for check in field.checks
        },
    }


def read_state(file: Path) -> State:
    """A state from its file. Errors: `OSError`, `ValueError` for what is not JSON."""
    state: State = json.loads(file.read_text(encoding="utf-8"))
    return state


def state_text(state: State) -> str:
    """A state as the text of its file: one line a column, so that a change is one line of a diff."""
    tables = []
    for name, told in state.items():
        about = {key: value for key, value in told.items() if key != "columns"}
        columns = ",\n".join(f"      {json.dumps(column)}: {json.dumps(d)}" for column, d in told["columns"].items())
        tables.append(f'  {json.dumps(name)}: {json.dumps(about)[:-1]}, "columns": {{\n{columns}\n  }}}}')
    return "{\n" + ",\n".join(tables) + "\n}\n"


def changes(old: State, new: State) -> list[Change]:
    """Every difference, breaking ones first."""
    found: list[Change] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(
                Change(table=name, column=None, kind="table_removed", level="major", words="The table is gone.")
            )
        elif name not in old:
            found.append(Change(table=name, column=None, kind="table_added", level="minor", words="A new table."))
        else:
            found += _of_table(name, old[name], new[name])
    return sorted(found, key=lambda change: (not change.is_breaking, change.table, change.column or ""))


_ABOUT_TABLE: Final[tuple[tuple[str, ChangeKind, Level], ...]] = (
    ("key", "key", "major"),
    ("versioned_by", "states", "major"),
    ("is_ingested", "ingested", "major"),
    ("subject", "subject", "minor"),
    ("retention_days", "retention", "minor"),
    ("owner", "words", "patch"),
    ("meaning", "words", "patch"),
    ("grain", "words", "patch"),
)
_ABOUT_COLUMN: Final[tuple[tuple[str, ChangeKind, Level], ...]] = (
    ("type", "type", "major"),
    ("unit", "unit", "major"),
    ("residency", "residency", "major"),
    ("protection", "protection", "major"),
    ("token_of", "token", "major"),
    ("privacy", "privacy", "minor"),
    ("meaning", "words", "patch"),
)
"""What is compared as it is. Residency is major: rows of another region are refused from then on."""


def _of_table(table: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    found = [
        Change(table=table, column=None, kind=kind, level=level, words=_from_to(about, old[about], new[about]))
        for about, kind, level in _ABOUT_TABLE
        if old[about] != new[about]
    ]
    before, after = old["columns"], new["columns"]
    for column in [*before, *(name for name in after if name not in before)]:
        if column not in after:
            found.append(_removed(table, column, before, after))
        elif column not in before:
            found.append(_added(table, column, after[column]))
        else:
            found += _of_column(table, column, before[column], after[column])
    return found


def _removed(table: str, column: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    told = before[column]
    same = [
        name
        for name, other in after.items()
        if name not in before and (other["type"], other["unit"]) == (told["type"], told["unit"])
    ]
    renamed = f" It may be called {same[0]} now." if len(same) == 1 else ""
    return Change(
        table=table, column=column, kind="column_removed", level="major", words=f"The column is gone.{renamed}"
    )


def _added(table: str, column: str, told: Mapping[str, Any]) -> Change:
    level: Level = "major" if told["is_required"] else "minor"
    must = "every row must hold it" if told["is_required"] else "it may be empty"
    return Change(
        table=table,
        column=column,
        kind="column_added",
        level=level,
        words=f"A new column of type {told['type']}; {must}.",
    )


def _of_column(table: str, column: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    found = [
        Change(table=table, column=column, kind=kind, level=level, words=_from_to(about, old[about], new[about]))
        for about, kind, level in _ABOUT_COLUMN
        if old[about] != new[about]
    ]
    if new["is_required"] and not old["is_required"]:
        words = "Every row must hold it, and it could be empty before."
        found.append(Change(table=table, column=column, kind="required", level="major", words=words))
    if old["is_required"] and not new["is_required"]:
        found.append(Change(table=table, column=column, kind="optional", level="minor", words="It may be empty now."))
    return found + [
        change
        for rule in sorted({*old["checks"], *new["checks"]})
        if (change := _of_check(table, column, rule, old["checks"].get(rule), new["checks"].get(rule)))
    ]


def _of_check(table: str, column: str, rule: str, old: Any, new: Any) -> Change | None:
    if old == new:
        return None
    loosened = new is None or (old is not None and _admits_all(rule, old, new))
    return Change(
        table=table,
        column=column,
        kind="check_loosened" if loosened else "check_tightened",
        level="minor" if loosened else "major",
        words=_from_to(f"check {rule}", old, new),
    )


def _admits_all(rule: str, old: Any, new: Any) -> bool:
    """Whether every value that passed the old check passes the new one; a pattern is never known to."""
    match rule:
        case "at_least" | "not_before":
            return bool(new <= old)
        case "at_most":
            return bool(new >= old)
        case "one_of":
            return set(old) <= set(new)
        case _:
            return False


def _from_to(about: str, old: Any, new: Any) -> str:
    return f"{about.replace('_', ' ')}: {_shown(old)}, now {_shown(new)}."


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# what may pass --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A contract that may not be published as it is, why, and what to do."""

    table: str
    reason: str
    next_step: str
    changes: tuple[Change, ...]


def next_version(version: str, level: Level) -> str:
    """The smallest version above `version` that announces a change of that level."""
    major, minor, patch = (int(part) for part in version.split("."))
    return {"major": f"{major + 1}.0.0", "minor": f"{major}.{minor + 1}.0", "patch": f"{major}.{minor}.{patch + 1}"}[
        level
    ]


def refusals(old: State, new: State, tables: Mapping[str, Table]) -> list[Refusal]:
    """Contracts of `new` that may not follow `old`: a version that did not rise enough, or no migration named.

    `tables` are the declarations behind `new`, which say how rows that are there come along.
    """
    by_table: dict[str, list[Change]] = {}
    for change in changes(old, new):
        by_table.setdefault(change.table, []).append(change)
    found = [_refusal(name, old, new, tables, made) for name, made in by_table.items()]
    return [refusal for refusal in found if refusal]


def _refusal(name: str, old: State, new: State, tables: Mapping[str, Table], made: Sequence[Change]) -> Refusal | None:
    if name not in old:
        return None
    if name not in new:
        return Refusal(
            table=name,
            reason="A published table is gone.",
            next_step="Keep it until nobody exports it; a table that is not filled costs nothing.",
            changes=tuple(made),
        )
    level = _LEVELS[min(_LEVELS.index(change.level) for change in made)]
    wanted = next_version(old[name]["version"], level)
    if _parts(new[name]["version"]) < _parts(wanted):
        return Refusal(
            table=name,
            reason=f"Its version is {new[name]['version']}, and a {level} change after {old[name]['version']} asks for "
            f"{wanted} or more.",
            next_step=f'Set version="{wanted}" in contracts/tables/.',
            changes=tuple(made),
        )
    broken = [change for change in made if change.is_breaking and not _is_backfilled(change, tables[name])]
    if broken and not tables[name].migration:
        return Refusal(
            table=name,
            reason=f"It breaks what was published at {', '.join(_places(broken))} and names no migration.",
            next_step="Make the change additive (a new optional column), or name what becomes of rows and sources "
            "that are there in the table's `migration` (`backfill` for a new required column).",
            changes=tuple(made),
        )
    return None


def _is_backfilled(change: Change, declared: Table) -> bool:
    column = declared.versioned_by if change.kind == "states" else change.column
    return change.kind in ("column_added", "states") and column in dict(declared.backfill)


def _places(made: Iterable[Change]) -> list[str]:
    return list(dict.fromkeys(change.column or change.kind for change in made))


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


# a live lake ----------------------------------------------------------------------------------


def lake_state(live: Mapping[str, Mapping[str, tuple[str, bool]]], declared: State, types: Mapping[str, str]) -> State:
    """A live lake as a state: its columns, types and nulls; what a lake does not know is taken from `declared`.

    `live` is DuckDB type and nullability by table and column; `types` names the contract type of each DuckDB type.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, columns in live.items():
        told = declared.get(name)
        if told is None:
            continue
        shown = {
            column: _live_column(told["columns"].get(column), shape, types)
            for column, shape in columns.items()
            if column not in BATCH_COLUMNS or column in told["columns"]
        }
        found[name] = {**told, "columns": shown}
    return found


def _live_column(told: Mapping[str, Any] | None, live: tuple[str, bool], types: Mapping[str, str]) -> dict[str, Any]:
    kind, is_nullable = live
    shape = {"type": types.get(kind, kind), "is_required": not is_nullable}
    if told is None:
        blank = {"unit": None, "meaning": "", "privacy": "internal", "residency": "any", "protection": "none"}
        return {**blank, **shape, "token_of": None, "checks": {}}
    is_json = told["type"] == "json" and shape["type"] == "text"
    return {**told, **shape, "type": told["type"] if is_json else shape["type"]}
