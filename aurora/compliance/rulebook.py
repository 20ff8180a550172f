"""All rules about records, compiled: which there are, what they may read, and what they need to know.

`load_rulebook` reads `packs/_rules/`, and `read_rulebook` a tenant's own changes over it. A condition is checked against the columns of its record's contract and the
declared facts, so that a misspelt word fails when the pack is loaded.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from aurora.compliance.calendars import business_days_ago
from aurora.compliance.declarations import (
    Binding,
    Calendar,
    CoverageFile,
    FactGroup,
    FactsFile,
    Parameter,
    ParametersFile,
    RuleFile,
    RulePackFile,
    SourceCoverage,
)
from aurora.compliance.expressions import GIVEN, Condition, compile_condition
from aurora.compliance.records import ValueType, typed
from aurora.errors import NotFoundError
from aurora.packs.reading import read_declared, wrong
from aurora.settings import Settings
from contracts import registry
from contracts.field import FieldType
from contracts.rule_records import record_table

FOLDER: Final = "_rules"
SUPERSEDED: Final = "superseded"
"""Folder of a tenant's changes with rules that hold until their new versions begin."""
ANYWHERE: Final = "any"
STALE_AFTER: Final = dt.timedelta(days=7)
"""A rule pack that was not held against its sources for longer is stale (rule GEN-008)."""
_TYPES: Final[Mapping[FieldType, ValueType]] = {
    "text": "text",
    "int": "int",
    "float": "float",
    "decimal": "decimal",
    "bool": "bool",
    "timestamp": "timestamp",
    "date": "date",
    "json": "text_list",
}
"""JSON columns that rules read are arrays of texts."""
_NAMED_BY: Final = ("source", "region")
"""What a finding says of a record beside its key."""
_ALWAYS: Final = ("source", "is_sample", "region", "updated_at")
ParameterValues = Mapping[str, tuple[ValueType, object]]


@dataclass(frozen=True, slots=True)
class RecordRule:
    """One rule, ready to run."""

    file: RuleFile
    pack: RulePackFile
    contract: str
    condition: Condition
    clock_value: int | None
    """Of the clock or its parameter."""

    @property
    def rule_id(self) -> str:
        """Its id."""
        return self.file.rule_id

    @property
    def is_pre_act(self) -> bool:
        """Whether it is asked before an act, and an unknown verdict stops the act."""
        return self.file.clock.kind == "pre_act"

    def holds_on(self, day: dt.date) -> bool:
        """Whether it is in force on a UTC day."""
        return self.file.effective_from <= day and (self.file.effective_to is None or day < self.file.effective_to)


@dataclass(frozen=True, slots=True)
class RulePack:
    """One rule pack: its head, parameters and rules, in the order of their ids."""

    file: RulePackFile
    parameters: Mapping[str, Parameter]
    values: ParameterValues
    """Type and value of each parameter, `now` among them, as conditions take them."""
    rules: tuple[RecordRule, ...]

    @property
    def pack_hash(self) -> str:
        """SHA-256 (hex) of rules and parameters, whatever their layout."""
        content = [msgspec.to_builtins(rule.file) for rule in self.rules], msgspec.to_builtins(dict(self.parameters))
        return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()

    def is_stale(self, now: dt.datetime) -> bool:
        """Whether it was not held against its sources for more than a week."""
        return self.file.checked_at < now - STALE_AFTER


@dataclass(frozen=True)
class Rulebook:
    """Every rule pack, the facts that rules need, and the calendars that clocks run by."""

    packs: tuple[RulePack, ...]
    facts: Mapping[str, FactGroup]
    calendars: Mapping[str, Calendar]
    coverage: Mapping[str, SourceCoverage]
    """Sources that carry less than their contracts."""
    binding: Binding = field(default_factory=Binding)
    """Which regimes and jurisdictions bind the tenant, where it said so itself."""
    tenant_version: int = 0
    """Number of the tenant's own changes that are in it; 0 is the rules as they are shipped."""

    @cached_property
    def rules(self) -> tuple[RecordRule, ...]:
        """All rules, in the order of packs and ids."""
        return tuple(rule for pack in self.packs for rule in pack.rules)

    @cached_property
    def by_contract(self) -> Mapping[str, tuple[RecordRule, ...]]:
        """Rules of each contract that is spoken of, sorted by contract."""
        found: dict[str, list[RecordRule]] = {}
        for rule in self.rules:
            found.setdefault(rule.contract, []).append(rule)
        return MappingProxyType({name: tuple(found[name]) for name in sorted(found)})

    @property
    def book_hash(self) -> str:
        """SHA-256 (hex) of all that verdicts depend on."""
        parts = [pack.pack_hash for pack in self.packs]
        if self.binding != Binding():
            parts.append(msgspec.json.encode(self.binding).decode())
        rest = msgspec.json.encode(
            [msgspec.to_builtins(dict(one)) for one in (self.facts, self.calendars, self.coverage)]
        )
        return hashlib.sha256("".join(parts).encode() + rest).hexdigest()

    def pack(self, name: str) -> RulePack:
        """The rule pack of that name. `NotFoundError` names those there are."""
        for pack in self.packs:
            if pack.file.rule_pack == name:
                return pack
        known = ", ".join(pack.file.rule_pack for pack in self.packs)
        raise NotFoundError(
            f"There is no rule pack named {name[:80]!r}.", field="pack", next_step=f"There are: {known}."
        )

    def rule(self, rule_id: str) -> RecordRule:
        """The rule of that id. `NotFoundError` where there is none."""
        for rule in reversed(self.rules):  # the newest version, where an older one holds until it begins
            if rule.rule_id == rule_id.upper():
                return rule
        raise NotFoundError(
            f"There is no rule {rule_id[:80]!r}.", field="rule_id", next_step="`aurora rules list` names every rule."
        )

    def for_industry(self, industry: str) -> Rulebook:
        """The rule packs that bind tenants of an industry pack, less what the tenant says does not bind it."""
        kept = [pack for pack in self.packs if not pack.file.industries or industry in pack.file.industries]
        return replace(self, packs=tuple(bound for pack in kept if (bound := self._bound(pack)).rules))

    def _bound(self, pack: RulePack) -> RulePack:
        regimes, places = self.binding.regimes, self.binding.jurisdictions
        if regimes is not None and pack.file.regime not in regimes:
            return replace(pack, rules=())
        if places is None:
            return pack
        bound = tuple(rule for rule in pack.rules if rule.file.jurisdiction in (ANYWHERE, *places))
        return replace(pack, rules=bound)

    def given(self, now: dt.datetime) -> dict[str, object]:
        """What each evaluation is given: `$now`, and parameters that are reckoned from it."""
        found: dict[str, object] = {"$now": now}
        for pack in self.packs:
            for name, parameter in pack.parameters.items():
                if parameter.reckoned is not None:
                    calendar = self.calendars[pack.file.calendar]
                    found[f"${name}"] = business_days_ago(calendar, now, int(parameter.value))
        return found

    def silent_sources(self, rule: RecordRule) -> list[str]:
        """Sources that never carry a column that the rule asks for, sorted: their records are unknown to it."""
        columns = {field.name for field in registry.table(rule.contract).fields} & set(rule.condition.fields)
        return sorted(
            source
            for source, one in self.coverage.items()
            if rule.contract in one.carries and columns - {*one.carries[rule.contract], *_ALWAYS}
        )

    def fields(self, contract: str) -> dict[str, ValueType]:
        """What rules about a contract may read: its columns and its facts, with their types."""
        return fields_of(contract, self.facts)


def load_rulebook(packs_dir: Path) -> Rulebook:
    """Every rule pack below `packs_dir/_rules`, compiled. `PackError` and `DataError` name what is wrong, and where."""
    return read_rulebook(rules_folder(packs_dir))


def rules_folder(packs_dir: Path) -> Path:
    """Where the rule packs stand: with the packs, or those that are shipped where a company's own packs have none."""
    own = packs_dir / FOLDER
    return own if own.is_dir() else Settings().packs_dir / FOLDER


def read_rulebook(folder: Path, own: Path | None = None, *, tenant_version: int = 0) -> Rulebook:
    """Every rule pack of a folder, with a tenant's `own` changes over it. Errors: as `load_rulebook`.

    A pack of `own` with a pack.yaml stands for the whole pack; without one its rules and parameters replace those of
    the same name.
    """
    layers = [folder] if own is None else [folder, own]
    calendars = {file.stem: read_declared(file, Calendar) for one in layers for file in _yaml(one / "calendars")}
    facts: dict[str, FactGroup] = {}
    coverage: dict[str, SourceCoverage] = {}
    binding = Binding()
    for one in layers:
        if one is folder or (one / "facts.yaml").is_file():
            facts |= read_declared(one / "facts.yaml", FactsFile).facts
        told = _coverage(one / "coverage.yaml")
        coverage |= told.sources
        binding = told.binds or binding
    _check_facts(folder / "facts.yaml", facts)
    names = sorted({file.parent.name for one in layers for file in one.glob("*/*.yaml")} - {"calendars", SUPERSEDED})
    packs = tuple(
        _load_pack([one / name for one in layers if (one / name).is_dir()], facts, calendars) for name in names
    )
    return Rulebook(
        packs,
        MappingProxyType(facts),
        MappingProxyType(calendars),
        MappingProxyType(coverage),
        _checked_binding(binding, packs, layers[-1] / "coverage.yaml"),
        tenant_version,
    )


def _yaml(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yaml"))


def _checked_binding(binding: Binding, packs: Sequence[RulePack], file: Path) -> Binding:
    known = {
        "regimes": {pack.file.regime for pack in packs},
        "jurisdictions": {rule.file.jurisdiction for pack in packs for rule in pack.rules},
    }
    for name, there_are in known.items():
        if stray := sorted(set(getattr(binding, name) or ()) - there_are):
            raise wrong(file, f"binds.{name}", f"names {', '.join(stray)}; there are {', '.join(sorted(there_are))}")
    return binding


def fields_of(contract: str, facts: Mapping[str, FactGroup]) -> dict[str, ValueType]:
    """Columns and facts of a contract, with their types."""
    fields: dict[str, ValueType] = {field.name: _TYPES[field.type] for field in registry.table(contract).fields}
    for group in facts.values():
        if group.record == contract:
            fields |= {name: fact.type for name, fact in group.facts.items()}
    return fields


def _check_facts(file: Path, facts: Mapping[str, FactGroup]) -> None:
    for name, group in facts.items():
        contracts_read = (group.record, *group.reads)
        for contract in contracts_read:
            if contract not in registry.tables():
                raise wrong(file, f"facts.{name}", f"names {contract!r}, which is no contract")
        columns = {field.name for field in registry.table(group.record).fields}
        if stray := sorted(set(group.by) - columns) + sorted(set(group.facts) & columns):
            raise wrong(file, f"facts.{name}", f"does not fit the columns of {group.record}: {', '.join(stray)}")


def _coverage(file: Path) -> CoverageFile:
    told = read_declared(file, CoverageFile) if file.is_file() else CoverageFile()
    for source, one in told.sources.items():
        for contract, columns in one.carries.items():
            known = {field.name for field in registry.table(contract).fields} if contract in registry.tables() else ()
            if stray := sorted(set(columns) - set(known)):
                raise wrong(file, f"sources.{source}.{contract}", f"names what is no column: {', '.join(stray)}")
    return told


def _load_pack(layers: list[Path], facts: Mapping[str, FactGroup], calendars: Mapping[str, Calendar]) -> RulePack:
    """A pack of one folder, or of the shipped one and the tenant's, whose files come first."""
    whole = next((one for one in reversed(layers) if (one / "pack.yaml").is_file()), layers[0])
    layers = layers[layers.index(whole) :]
    head = whole / "pack.yaml"
    file = read_declared(head, RulePackFile)
    if file.rule_pack != whole.name:
        raise wrong(head, "rule_pack", f"is {file.rule_pack!r}, but the folder is {whole.name!r}", rule="same_name")
    if file.calendar not in calendars:
        raise wrong(head, "calendar", f"names {file.calendar!r}; there are {', '.join(calendars)}")
    parameters: dict[str, Parameter] = {}
    values: dict[str, tuple[ValueType, object]] = {"now": ("timestamp", GIVEN)}
    for one in layers:
        params = one / "params.yaml"
        told = read_declared(params, ParametersFile).parameters if params.is_file() else {}
        parameters |= told
        values |= dict(_values(params, told))
    files = {path.name: path for one in layers for path in _yaml(one) if path.name not in ("pack.yaml", "params.yaml")}
    until = _yaml(layers[-1].parent / SUPERSEDED / whole.name)
    rules = [_rule(path, file, facts, parameters, values) for path in (*files.values(), *until)]
    rules.sort(key=lambda rule: (rule.rule_id, rule.file.version))
    return RulePack(file, MappingProxyType(parameters), MappingProxyType(values), tuple(rules))


def _values(file: Path, parameters: Mapping[str, Parameter]) -> Iterator[tuple[str, tuple[ValueType, object]]]:
    for name, parameter in parameters.items():
        if parameter.reckoned is None:
            value = typed(parameter.value, parameter.type, path=name, where=f"{file.parent.name}/{file.name}")
            yield name, (parameter.type, value)
        else:
            yield name, ("date", GIVEN)


def _rule(
    path: Path,
    pack: RulePackFile,
    facts: Mapping[str, FactGroup],
    parameters: Mapping[str, Parameter],
    values: ParameterValues,
) -> RecordRule:
    file = read_declared(path, RuleFile)
    if file.rule_id.lower().replace("-", "_") != path.stem:
        raise wrong(path, "rule_id", f"is {file.rule_id!r}, but the file is named {path.stem!r}", rule="same_name")
    if file.effective_to is not None and file.effective_to <= file.effective_from:
        raise wrong(path, "effective_to", f"is {file.effective_to}, not after effective_from {file.effective_from}")
    contract = record_table(file.record)
    if contract not in registry.tables():
        raise wrong(path, "record", f"is {file.record!r}, and no contract holds it")
    if lacking := sorted(set(_NAMED_BY) - {field.name for field in registry.table(contract).fields}):
        raise wrong(
            path, "record", f"is {file.record!r}, whose records have no {' and no '.join(lacking)} to name them by"
        )
    fields = fields_of(contract, facts)
    condition = compile_condition(file.violates_when, fields, where=f"Rule {file.rule_id}", parameters=values)
    if stray := sorted(set(file.evidence) - set(fields)):
        raise wrong(path, "evidence", f"names {', '.join(stray)}: neither a column of {contract} nor a fact")
    if file.clock.runs_from is not None and fields.get(file.clock.runs_from) != "timestamp":
        raise wrong(path, "clock.runs_from", f"is {file.clock.runs_from!r}, which is no time of {contract}")
    return RecordRule(file, pack, contract, condition, _clock_value(path, file, parameters))


def _clock_value(path: Path, file: RuleFile, parameters: Mapping[str, Parameter]) -> int | None:
    clock = file.clock
    if clock.kind == "pre_act":
        return None
    parameter = None if clock.parameter is None else parameters.get(clock.parameter)
    value = clock.value if parameter is None else parameter.value
    if not isinstance(value, int) or (clock.value is None) == (parameter is None):
        raise wrong(path, "clock", "wants a whole `value`, or `parameter` naming one of params.yaml")
    return value
