"""The engine: an immutable snapshot of one tenant's pack, rules, policies, bundle and features that decides.

`Engine.decide` is pure: no clock, no disk, no randomness but the seed. The same snapshot, request, ids and
seed give the same receipt, byte for byte. A new snapshot is a new engine, swapped in by whoever serves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType

from aurora.assistants.live import LiveStates
from aurora.compliance.rules import RuleSet
from aurora.decisions.admission import Admission
from aurora.decisions.archive import pack_content
from aurora.decisions.bundles import CHALLENGER, Bundle
from aurora.decisions.features import Features
from aurora.decisions.holding import NO_HOLDS, Counted, Holds, with_holds
from aurora.decisions.kinds.conflict import plan_resolution
from aurora.decisions.kinds.desk import Desk
from aurora.decisions.kinds.rebalance import plan_rebalancing
from aurora.decisions.kinds.scale import plan_scaling
from aurora.decisions.kinds.tune import plan_tuning
from aurora.decisions.llm_estimates import llm_estimates
from aurora.decisions.modes import NO_SWITCHES, Switches, is_granted
from aurora.decisions.plans import Plan, Watch, asked, make_plan, told_reason
from aurora.decisions.policy import ConfiguredPolicy, Estimate, configure
from aurora.decisions.promises import keep_promises
from aurora.decisions.questions import llm_values, rollout_key, task_values
from aurora.decisions.reliability import Reliability
from aurora.decisions.slates import Slate, llm_slate, task_slate
from aurora.errors import DataError, UsageError
from aurora.packs import Pack, PolicyChoice
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import (
    KIND_OF,
    Decision,
    DecisionKind,
    DecisionMode,
    DecisionRequest,
    RebalanceRequest,
    ResolveConflictRequest,
    RouteLlmRequest,
    RouteTaskRequest,
    ScaleRequest,
    TuneRequest,
    canonical,
)

_PLANS = 2048
_QUESTIONS = 512
"""Remembered: one a task type, span of days and live state of the fleet."""
_MAX_REMEMBERED_CANDIDATES = 32
_FROM_FEATURES = frozenset({"route_task", "rebalance", "resolve_conflict"})
_COMPUTED = frozenset({"candidate.cost_usd", "candidate.quality"})


@dataclass(frozen=True, slots=True)
class _Question:
    """One slate under the rules in force in one span of days."""

    slate: Slate
    admission: Admission


class Engine:
    """Decides for one tenant. Threads may share it; its memories never change what it decides."""

    def __init__(
        self,
        paths: TenantPaths,
        pack: Pack,
        rules: RuleSet,
        *,
        bundle: Bundle | None = None,
        challenger: Bundle | None = None,
        features: Features | None = None,
        reliability: Reliability | None = None,
        version: str = "",
    ) -> None:
        """Compose a snapshot; `DataError` names what in policies.yaml does not fit."""
        self.version = version
        self.pack = pack
        self.bundle = bundle
        self.challenger = challenger
        self.features = features
        self.reliability = reliability
        self.engine_hash, _ = pack_content(pack)
        self._paths = paths
        self._rules = rules
        self._policies = keep_promises(configure(pack.policies), bundle.held_out if bundle is not None else None)
        self._tenant = {"tenant.region": paths.region, "tenant.allowed_regions": pack.tenant.allowed_regions}
        self._days = [day.toordinal() for day in rules.changes()]
        self._questions: dict[tuple[DecisionKind, str, int, LiveStates], _Question] = {}
        self._plans: dict[Any, Plan] = {}
        self._llms = {llm.candidate_id: llm for llm in pack.llms}
        self._fleet = frozenset(one.assistant_id for one in pack.assistants)

    @property
    def rules_hash(self) -> str:
        """SHA-256 (hex) of the rules it goes by."""
        return self._rules.pack_hash

    def decide(
        self,
        request: DecisionRequest,
        *,
        actor_id: str,
        decision_id: str,
        decided_at: dt.datetime,
        seed: int,
        live: LiveStates = (),
        switches: Switches = NO_SWITCHES,
        holds: Holds = NO_HOLDS,
    ) -> Decision:
        """Decide. `UsageError` names a policy the tenant does not have; whoever is not admissible is in the record.

        `live` is what is known of the fleet at this moment, `switches` what people said of modes, `holds` what nobody
        may work on; what of them counted stands in the record, so that replay has it too.
        """
        kind = KIND_OF[type(request)]
        counted = () if holds.is_empty else holds.counting(request, self._candidates(kind))
        plan = self._plan(request, decided_at, live, switches, counted)
        choice = plan.choice
        taken = choice.draw(seed) if choice is not None and not choice.is_abstained else None
        chosen = None if taken is None else plan.actions[taken]
        preferred = plan.actions[choice.greedy] if choice is not None else None
        mode, act_share = self._mode(request, decision_id, chosen, switches)
        action = None if chosen is None else chosen.candidate_id
        bundle_hash = self.bundle.bundle_hash if kind == "route_llm" and self.bundle is not None else None
        features = self.features if kind in _FROM_FEATURES else None
        return Decision(
            decision_id=decision_id,
            tenant_id=self._paths.tenant,
            region=self._paths.region,
            kind=kind,
            mode=mode,
            status="abstained" if chosen is None else "chosen",
            action=action,
            reason=told_reason(plan, seed, chosen, preferred),
            confidence=0.0 if preferred is None else (chosen or preferred).quality,
            propensity=None if taken is None or choice is None else choice.propensities[taken],
            decided_at=decided_at,
            actor_id=actor_id,
            policy_id=plan.policy_id,
            bundle_hash=bundle_hash,
            rule_pack_hash=self._rules.pack_hash,
            rules_checked=plan.rules_checked,
            snapshot_id=None if features is None else features.mart_snapshot_id,
            feature_hash=None if features is None else features.feature_hash,
            seed=seed,
            request=request,
            candidates=plan.candidates,
            expected_cost_usd=None if chosen is None else chosen.cost_usd,
            baseline_cost_usd=plan.baseline_cost_usd,
            assistant_states={} if kind == "route_llm" else dict(live),
            engine_hash=self.engine_hash,
            act_share=act_share,
            shadows=UNSET if plan.shadow is None else (plan.shadow.told(seed, taken),),
            details=UNSET if plan.details is None else plan.details(action) or UNSET,
            holds=counted or UNSET,
        )

    def _candidates(self, kind: DecisionKind) -> Collection[str]:
        """Who may be blocked: those that this kind chooses among or is about."""
        if kind == "route_llm":
            return self._llms
        return {*self._fleet, *self._llms} if kind == "scale" else self._fleet

    def _plan(
        self,
        request: DecisionRequest,
        decided_at: dt.datetime,
        live: LiveStates,
        switches: Switches,
        counted: Counted = (),
    ) -> Plan:
        if isinstance(request, RouteTaskRequest):
            return self._task_plan(request, decided_at, live, switches, counted)
        if isinstance(request, RouteLlmRequest):
            return self._llm_plan(request, decided_at, switches, counted)
        desk = self._desk(request, decided_at, live, switches, counted)
        match request:
            case ResolveConflictRequest():
                return plan_resolution(request, desk)
            case ScaleRequest():
                return plan_scaling(request, desk)
            case RebalanceRequest():
                return plan_rebalancing(request, desk)
            case TuneRequest():
                return plan_tuning(request, desk)

    def _desk(
        self,
        request: ResolveConflictRequest | ScaleRequest | RebalanceRequest | TuneRequest,
        decided_at: dt.datetime,
        live: LiveStates,
        switches: Switches,
        counted: Counted,
    ) -> Desk:
        kind = KIND_OF[type(request)]
        configured, note = self._policy(kind, request.policy)
        epoch = bisect_right(self._days, decided_at.toordinal())

        def task_question(task_type: str) -> tuple[Slate, Admission]:
            question = self._question("route_task", task_type, epoch, decided_at, live)
            return question.slate, question.admission

        return Desk(
            pack=self.pack,
            region=self._paths.region,
            tenant=self._tenant,
            rules=self._rules.in_force(kind, decided_at.date()),
            configured=configured,
            note=note,
            shadow=self._shadow(kind, configured, switches),
            live=live,
            counted=counted,
            decided_at=decided_at,
            reliability=self.reliability,
            task_question=task_question,
        )

    def _mode(
        self, request: DecisionRequest, decision_id: str, chosen: Estimate | None, switches: Switches
    ) -> tuple[DecisionMode, float | UnsetType]:
        """What the caller may do with it: acting is granted by share, all else is as it was asked."""
        if request.mode != "act":
            return request.mode, UNSET
        kind = KIND_OF[type(request)]
        assistant_id = getattr(request, "assistant_id", None) or getattr(request, "target_id", None)
        if kind == "route_task":
            assistant_id = None if chosen is None else chosen.candidate_id
        share = switches.act_share(kind, assistant_id, self.pack.policies.kinds.get(kind))
        return ("act" if is_granted(kind, rollout_key(request, decision_id), share) else "advise"), share

    def _shadow(self, kind: DecisionKind, configured: ConfiguredPolicy, switches: Switches) -> Watch | None:
        """The policy that is run beside the one that decides, where there is another and it can be run.

        While a challenger bundle stands, it is the one that is watched.
        """
        declared = self.pack.policies.kinds.get(kind)
        share = switches.canary_share(kind, declared)
        if kind == "route_llm" and self.challenger is not None and configured.policy.needs_bundle:
            own = self._policies.get(self.challenger.policy_id, configured)
            tried = share if self.challenger.manifest.may_be_tried else 0.0
            return Watch(own, CHALLENGER, tried, self.challenger.bundle_hash)
        policy_id = switches.shadow(kind, declared)
        found = None if policy_id is None else self._policies.get(policy_id)
        if found is None or found is configured or kind not in found.policy.kinds:
            return None
        if found.policy.needs_bundle and not self._serves(found):
            return None
        return Watch(found, found.policy.policy_id, share)

    def _serves(self, configured: ConfiguredPolicy) -> bool:
        """Whether the published bundle holds what this policy looks through."""
        return self.bundle is not None and self.bundle.serves(configured.policy.policy_id)

    def _task_plan(
        self,
        request: RouteTaskRequest,
        decided_at: dt.datetime,
        live: LiveStates,
        switches: Switches,
        counted: Counted,
    ) -> Plan:
        task_type = self.pack.task_types.get(request.task_type)
        name = request.task_type if task_type is not None else ""
        epoch = bisect_right(self._days, decided_at.toordinal())
        values = task_values(request, self.pack, self._paths.region)
        key = (
            name,
            epoch,
            live,
            switches.shadow_policies,
            switches.canary_shares,
            *values.values(),
            request.candidates,
            request.policy,
            counted,
        )
        plan = self._plans.get(key)
        if plan is not None:
            return plan
        question = self._question("route_task", name, epoch, decided_at, live)
        wanted = asked(question.slate, request.candidates)
        configured, note = self._policy("route_task", request.policy)
        by_rules = question.admission.vetoes(values, wanted.mask & question.slate.in_scope)
        plan = make_plan(
            question.slate,
            wanted,
            with_holds(by_rules, question.slate.ids, counted, request),
            question.slate.estimates,
            configured,
            min_quality=None,
            note=" ".join(filter(None, (question.slate.note, note))),
            rules_checked=question.admission.rule_ids,
            shadow=self._shadow("route_task", configured, switches),
        )
        if request.candidates is None or len(request.candidates) <= _MAX_REMEMBERED_CANDIDATES:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def _llm_plan(
        self, request: RouteLlmRequest, decided_at: dt.datetime, switches: Switches, counted: Counted
    ) -> Plan:
        epoch = bisect_right(self._days, decided_at.toordinal())
        question = self._question("route_llm", "", epoch, decided_at)
        configured, note = self._policy("route_llm", request.policy)
        policy_id = configured.policy.policy_id
        estimates = llm_estimates(question.slate, request, self._llms, self.bundle, policy_id)
        shadow, seen = self._shadow("route_llm", configured, switches), None
        if shadow is not None:
            other = self.bundle if shadow.bundle_hash is None else self.challenger
            seen = llm_estimates(question.slate, request, self._llms, other, shadow.configured.policy.policy_id)
        wanted = asked(question.slate, request.candidates)
        computed = [{"candidate.cost_usd": e.cost_usd, "candidate.quality": e.quality} for e in estimates]
        by_rules = question.admission.vetoes(llm_values(request, self._paths.region), wanted.mask, computed)
        return make_plan(
            question.slate,
            wanted,
            with_holds(by_rules, question.slate.ids, counted, request),
            estimates,
            configured,
            min_quality=request.min_quality,
            note=note,
            rules_checked=question.admission.rule_ids,
            shadow=shadow,
            shadow_estimates=seen,
        )

    def _policy(self, kind: DecisionKind, asked_for: str | None) -> tuple[ConfiguredPolicy, str]:
        choice = self.pack.policies.kinds.get(kind)
        if choice is None:
            raise DataError(
                f"policies.yaml names no policy for {kind}.", field=f"kinds.{kind}", next_step="Name one in the pack."
            )
        policy_id = asked_for or self._declared(kind, choice)
        configured = self._policies.get(policy_id)
        if configured is None or kind not in configured.policy.kinds:
            able = [name for name, known in self._policies.items() if kind in known.policy.kinds]
            raise UsageError(
                f"There is no policy {policy_id[:80]!r} for {kind}.",
                field="policy",
                rule="one_of",
                next_step=f"There are: {', '.join(sorted(able))}.",
            )
        if configured.policy.needs_bundle and not self._serves(configured):
            return self._policies[
                str(choice.fallback)
            ], f"No trained router is published for {policy_id}; the pack's priors decide."
        return configured, ""

    def _declared(self, kind: DecisionKind, choice: PolicyChoice) -> str:
        """The kind's policy; where it goes by a bundle, the one that the champion bundle was judged with."""
        known = self._policies.get(choice.policy)
        if kind != "route_llm" or self.bundle is None or known is None or not known.policy.needs_bundle:
            return choice.policy
        return self.bundle.policy_id if self.bundle.policy_id in self._policies else choice.policy

    def _question(
        self, kind: DecisionKind, name: str, epoch: int, decided_at: dt.datetime, live: LiveStates = ()
    ) -> _Question:
        key = (kind, name, epoch, live)
        question = self._questions.get(key)
        if question is None:
            is_task = kind == "route_task"
            tenant = self._tenant
            if is_task:
                slate = task_slate(self.pack, name, self.features, tenant, live)
            else:
                slate = llm_slate(self.pack, tenant)
            in_force = self._rules.in_force(kind, decided_at.date())
            question = _Question(slate, Admission(in_force, slate.records, frozenset() if is_task else _COMPUTED))
            if len(self._questions) >= _QUESTIONS:
                self._questions.clear()
            self._questions[key] = question
        return question


def receipt(decision: Decision) -> tuple[bytes, str]:
    """The decision's canonical bytes and their SHA-256 (hex)."""
    content = canonical(decision)
    return content, hashlib.sha256(content).hexdigest()
