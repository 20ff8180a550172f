"""What a rule pack declares: `packs/_rules/<rule_pack>/`, one file a rule, and what they share.

A rule pack is one body of law or one standard; industries have it in common. Its rules speak of records of the
lake; rules about candidates of a decision stand in an industry's own `compliance/` (aurora.packs.Rule).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aurora.compliance.records import ValueType
from aurora.packs.words import Line, Slug
from contracts.field import Privacy

RuleId = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$", max_length=32)]
Severity = Literal["critical", "high", "medium", "low"]
Act = Literal["block", "hold", "mask", "task", "report_draft", "alert"]
ACTS: dict[Act, str] = {
    "block": "The act is refused before it happens.",
    "hold": "The record's case stops until a person releases it.",
    "mask": "The value is hidden wherever it is shown or sent on.",
    "task": "A person is given the work, due by the rule's clock.",
    "report_draft": "A report is drafted for approval by two people; it is never filed by itself.",
    "alert": "The rule's owner is told at once.",
}
"""What each act of a remediation does."""


class Calendar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which days are business days: `calendars/<calendar>.yaml`."""

    calendar: Slug
    title: Line
    weekend: tuple[Annotated[int, Meta(ge=1, le=7)], ...]
    """ISO days of the week: 6 is Saturday."""
    source: Line
    holidays: dict[dt.date, Line]
    """Days announced, or fixed by law."""
    expected_holidays: dict[dt.date, Line] = {}
    """Days that follow the moon and were not announced when this was written: counted as holidays, to be verified."""


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure or list that the law leaves open or that changes by itself. A rule asks for it as `$<name>`."""

    type: ValueType
    value: Any
    meaning: Line
    source: Line
    as_of: dt.date
    """The day on which the value was looked up or assumed."""
    is_assumed: bool = False
    """Nobody has confirmed it: the owner must."""
    reckoned: Literal["business_days_ago"] | None = None
    """How the value becomes what rules see: the first day from which no more than so many business days passed."""


class ParametersFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`params.yaml` of a rule pack."""

    parameters: dict[Slug, Parameter]


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a rule needs to know of a record and that stands elsewhere. Null is unknown."""

    type: ValueType
    meaning: Line
    otherwise: bool | int | None = None
    """The value where the lake holds nothing; without one it is unknown."""
    privacy: Privacy = "internal"
    """As of a column: findings show values of `public` and `internal` facts only."""


class FactGroup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts of a record that one query over the lake answers."""

    record: Slug
    by: tuple[Slug, ...]
    """Columns that the record and the query share; none where the facts are the same for all records."""
    reads: tuple[Slug, ...]
    """Contracts that the query reads by name, each in the newest state of its rows."""
    sql: Annotated[str, Meta(min_length=1, max_length=4000)]
    facts: Annotated[dict[Slug, Fact], Meta(min_length=1)]
    parameters_of: Slug | None = None
    """Rule pack whose parameters the query asks for."""


class FactsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`packs/_rules/facts.yaml`."""

    facts: dict[Slug, FactGroup]


class SourceCoverage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one source carries of the contracts that it sends, where that is less than all."""

    because: Line
    carries: dict[Slug, tuple[Slug, ...]]
    """Columns by contract; of a contract that is not named it carries all."""


class Binding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which law binds the tenant: its own word, in the coverage.yaml of its rules. All of it where nothing is said."""

    regimes: tuple[Slug, ...] | None = None
    jurisdictions: tuple[Line, ...] | None = None
    """Of rules; those of jurisdiction `any` bind everybody."""
    because: Line | None = None


class CoverageFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`coverage.yaml`: of `packs/_rules/`, or of a tenant's own rules."""

    sources: dict[Slug, SourceCoverage] = {}
    binds: Binding | None = None


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the rule stands."""

    instrument: Line
    article: Line
    said: Line
    """What it asks for, in a line."""


class Clock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long there is to mend a breach. `pre_act` is asked before the act, which an unknown verdict stops."""

    kind: Literal["pre_act", "hours", "business_days", "calendar_days"]
    said: Line
    """The clock in the words of the law or the list."""
    value: Annotated[int, Meta(ge=0)] | None = None
    parameter: Slug | None = None
    """Instead of a value."""
    runs_from: Slug | None = None
    """Column with the moment it runs from; from the finding where there is none, or it is null."""


class Remediation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What mends a breach."""

    says: Line
    acts: Annotated[tuple[Act, ...], Meta(min_length=1)]
    drafts: Slug | None = None
    """Kind of report that `report_draft` drafts (`aurora draft kinds`); a person makes it where none is named."""


class Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record and the verdict on it; a column or fact left out is unknown."""

    expect: Literal["pass", "fail", "unknown"]
    given: dict[Slug, Any]
    now: dt.datetime | None = None


class RuleFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule: a condition in SQL that is true of a record that breaks it."""

    rule_id: RuleId
    title: Line
    record: Slug
    """The record in the words of the law; `contracts.rule_records` says which contract holds it."""
    source: Source
    provenance: Line
    """How sure the source is: S seen, S1 seen once, K general knowledge (to be verified), A/B the plans, D ours."""
    jurisdiction: Line
    effective_from: dt.date
    severity: Severity
    violates_when: Annotated[str, Meta(min_length=1, max_length=2000)]
    clock: Clock
    remediation: Remediation
    evidence: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    """Columns and facts that a finding shows."""
    examples: Annotated[tuple[Example, ...], Meta(min_length=2)]
    version: Annotated[int, Meta(ge=1)] = 1
    """Grows with each change of the rule that a tenant puts in force."""
    effective_to: dt.date | None = None
    """First day it no longer holds."""
    note: Annotated[str, Meta(max_length=800)] | None = None
    """How words that the source leaves open are read here."""

    @property
    def must_be_verified(self) -> bool:
        """Whether its source, or a part of it, is general knowledge."""
        return "K" in self.provenance.split("/")


class RulePackFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`pack.yaml` of a rule pack."""

    rule_pack: Slug
    title: Line
    regime: Slug
    """Under which name posture is told; packs may share one."""
    authority: Line
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$")]
    checked_at: dt.datetime
    """When its rules were last held against their sources."""
    checked_against: Line
    calendar: Slug
    owner: Slug
    """Role that findings go to."""
    industries: tuple[Slug, ...] = ()
    """Packs whose tenants it binds; all of them when empty."""
