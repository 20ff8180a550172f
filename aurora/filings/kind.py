"""What a kind of draft is, and the fields it is made of. A module in `kinds/` with a `KINDS` is the registration."""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Final

import aurora.filings.kinds
from aurora.compliance.rulebook import Rulebook
from aurora.errors import UsageError
from aurora.filings.company import TENANT_FILE, Company
from aurora.filings.records import Records, Row
from contracts.messages.filings import ExportFormat, FieldOrigin, FilingField, FilingKind, FilingTable, FilingText

IN_COMPANY: Final = f"{TENANT_FILE} in the tenant's folder"
BY_PERSON: Final = "by a person, with `aurora draft fill` or on the Compliance page"
NEVER_FILED: Final = "Aurora never files this by itself: a person files it with the authority and tells its reference."


@dataclass(frozen=True, slots=True)
class Source:
    """What a kind is made from."""

    filing_id: str
    about: Row
    records: Records
    company: Company
    rulebook: Rulebook
    now: dt.datetime
    filled: Mapping[str, str]
    """What persons put in, by path; it goes before what the lake says."""

    def parts(self) -> Parts:
        """An empty draft that takes what persons put in."""
        return Parts(filled=self.filled)


@dataclass(slots=True)
class Parts:
    """What a kind makes: fields in the order in which they are shown and written."""

    filled: Mapping[str, str]
    fields: list[FilingField] = field(default_factory=list)
    tables: list[FilingTable] = field(default_factory=list)
    texts: list[FilingText] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    due_at: dt.datetime | None = None
    due_because: str | None = None

    def add(
        self,
        path: str,
        label: str,
        value: object,
        *,
        why: str,
        where: str,
        origin: FieldOrigin = "lake",
        mandatory: bool = True,
    ) -> None:
        """One field. A value that is null or blank is missing."""
        said = as_text(value)
        if path in self.filled:
            said, origin = as_text(self.filled[path]), "person"
        self.fields.append(
            FilingField(
                path=path,
                label=label,
                value=said,
                origin="missing" if said is None else origin,
                is_mandatory=mandatory,
                why=why,
                where=where,
            )
        )

    @property
    def values(self) -> dict[str, str | None]:
        """The values of the fields so far, by path."""
        return {one.path: one.value for one in self.fields}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of draft."""

    kind: FilingKind
    title: str
    authority: str
    contract: str
    """Contract of the record that it is about."""
    says: str
    exports: tuple[ExportFormat, ...]
    is_confidential: bool = False
    build: Callable[[Source], Parts]
    rules: tuple[str, ...] = ()
    """Rules whose findings it answers: their clock is the draft's."""
    root: str | None = None
    """`report` for goAML."""


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind, by name."""
    found: dict[str, Kind] = {}
    for module_info in pkgutil.iter_modules(aurora.filings.kinds.__path__):
        module = importlib.import_module(f"aurora.filings.kinds.{module_info.name}")
        found |= {one.kind: one for one in module.KINDS}
    return MappingProxyType(dict(sorted(found.items())))


def kind_of(name: str) -> Kind:
    """The kind of that name. `UsageError` names those there are."""
    kind = kinds().get(name)
    if kind is None:
        raise UsageError(
            f"There is no kind of draft {name[:64]!r}.",
            field="kind",
            rule="one_of",
            next_step=f"Choose from {', '.join(kinds())}.",
        )
    return kind


def as_text(value: object) -> str | None:
    """A value as a draft writes it: times RFC 3339 in UTC, amounts with two digits, yes and no."""
    match value:
        case None:
            return None
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:.2f}"
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case dt.date():
            return value.isoformat()
        case _:
            return str(value).strip() or None


def aed(amount: Decimal) -> str:
    """`1,234,500.00` as tables show it."""
    return f"{amount:,.2f}"
