"""What a kind of decision is worked out with: the engine's snapshot, seen from one question."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aurora.assistants.live import LiveStates
from aurora.compliance.records import empty_record
from aurora.compliance.rules import CompiledRule
from aurora.decisions.admission import Admission
from aurora.decisions.holding import Counted
from aurora.decisions.plans import Asked, Plan, Watch, make_plan
from aurora.decisions.policy import ConfiguredPolicy, Estimate
from aurora.decisions.reliability import Reliability
from aurora.decisions.slates import Slate, bits
from aurora.packs import Assistant, Pack
from contracts.messages.decision_details import DecisionDetails
from contracts.messages.decisions import Veto


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One question's surroundings. `rules` are those in force for its kind on its day."""

    pack: Pack
    region: str
    tenant: Mapping[str, object]
    rules: Sequence[CompiledRule]
    configured: ConfiguredPolicy
    note: str
    shadow: Watch | None
    live: LiveStates
    counted: Counted
    """Holds that count in this question."""
    decided_at: dt.datetime
    reliability: Reliability | None
    task_question: Callable[[str], tuple[Slate, Admission]]
    """Slate and admission of a task type, as routing has them."""

    def assistant(self, assistant_id: str) -> Assistant | None:
        """The fleet's assistant of that id."""
        return next((one for one in self.pack.assistants if one.assistant_id == assistant_id), None)

    def admission(self, records: Sequence[Mapping[str, object]]) -> Admission:
        """The rules in force on records of this question's own."""
        whole = [empty_record() | dict(self.tenant) | dict(record) for record in records]
        return Admission(self.rules, whole, frozenset())

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """Rules that are asked."""
        return tuple(rule.rule.rule_id for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that may be done, with what speaks against it."""

    estimate: Estimate
    vetoes: tuple[Veto, ...] = ()


def plan_options(
    options: Sequence[Option],
    desk: Desk,
    *,
    configured: ConfiguredPolicy | None = None,
    rules_checked: tuple[str, ...] | None = None,
    details: Callable[[str | None], DecisionDetails | None] | None = None,
) -> Plan:
    """The plan over options: chosen, explored and abstained from as every kind does."""
    ordered = sorted(options, key=lambda one: one.estimate.candidate_id)
    estimates = tuple(one.estimate for one in ordered)
    ids = tuple(one.candidate_id for one in estimates)
    slate = Slate(
        ids=ids,
        positions={name: at for at, name in enumerate(ids)},
        records=(),
        scope_vetoes=(None,) * len(ids),
        estimates=estimates,
        in_scope=bits(range(len(ids))),
        live_vetoes=(None,) * len(ids),
        backups={},
        note="",
    )
    return make_plan(
        slate,
        Asked((1 << len(ids)) - 1, ()),
        [one.vetoes for one in ordered],
        estimates,
        configured or desk.configured,
        min_quality=None,
        note=desk.note,
        rules_checked=desk.rule_ids if rules_checked is None else rules_checked,
        shadow=desk.shadow,
        details=details,
    )
