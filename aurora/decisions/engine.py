"""The engine: an immutable snapshot of one tenant's pack, rules, policies, bundle and features that decides.

`Engine.decide` is pure: no clock, no disk, no randomness but the seed. The same snapshot, request, ids and
seed give the same receipt, byte for byte. A new snapshot is a new engine, swapped in by whoever serves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from aurora.assistants.live import LiveStates
from aurora.compliance.rules import RuleSet, compile_rules
from aurora.decisions.admission import Admission
from aurora.decisions.bundles import Bundle, champion_folder, load_bundle
from aurora.decisions.features import Features, load_features
from aurora.decisions.plans import Plan, asked, make_plan
from aurora.decisions.policy import ConfiguredPolicy, Estimate, configure
from aurora.decisions.slates import NANO_USD, Slate, llm_slate, task_slate
from aurora.errors import DataError, UsageError
from aurora.packs import Pack, load_pack, pack_files
from aurora.settings import Settings
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import (
    Decision,
    DecisionKind,
    DecisionRequest,
    RebalanceRequest,
    ResolveConflictRequest,
    RouteLlmRequest,
    RouteTaskRequest,
    ScaleRequest,
    TuneRequest,
    canonical,
)

CHARS_PER_TOKEN = 4
"""What a prompt's length is taken for when its tokens are not counted."""
_PLANS = 2048
_QUESTIONS = 512
"""Remembered: one a task type, span of days and live state of the fleet."""
_MAX_REMEMBERED_CANDIDATES = 32
_MTOK = Decimal(1_000_000)
KINDS: dict[type, DecisionKind] = {
    ResolveConflictRequest: "resolve_conflict",
    ScaleRequest: "scale",
    RebalanceRequest: "rebalance",
    TuneRequest: "tune",
}
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
        features: Features | None = None,
        version: str = "",
    ) -> None:
        """Compose a snapshot; `DataError` names what in policies.yaml does not fit."""
        self.version = version
        self.pack = pack
        self.bundle = bundle
        self.features = features
        self._paths = paths
        self._rules = rules
        self._policies = configure(pack.policies)
        self._tenant = {"tenant.region": paths.region, "tenant.allowed_regions": pack.tenant.allowed_regions}
        self._days = [day.toordinal() for day in rules.changes()]
        self._questions: dict[tuple[DecisionKind, str, int, LiveStates], _Question] = {}
        self._plans: dict[Any, Plan] = {}
        self._llms = {llm.candidate_id: llm for llm in pack.llms}

    def decide(
        self,
        request: DecisionRequest,
        *,
        actor_id: str,
        decision_id: str,
        decided_at: dt.datetime,
        seed: int,
        live: LiveStates = (),
    ) -> Decision:
        """Decide. `UsageError` names a policy the tenant does not have; whoever is not admissible is in the record.

        `live` is what is known of the fleet at this moment; it stands in the record, so that replay has it too.
        """
        kind: DecisionKind
        if isinstance(request, RouteTaskRequest):
            kind, plan, bundle_hash = "route_task", self._task_plan(request, decided_at, live), None
            feature_hash = self.features.feature_hash if self.features is not None else None
        elif isinstance(request, RouteLlmRequest):
            kind, plan, feature_hash = "route_llm", self._llm_plan(request, decided_at), None
            bundle_hash = self.bundle.bundle_hash if self.bundle is not None else None
        else:
            self._policy(KINDS[type(request)], request.policy)
            raise UsageError("Only routing is decided here.", field="kind", next_step="Ask for a route.")
        choice = plan.choice
        chosen = plan.actions[choice.draw(seed)] if choice is not None and not choice.is_abstained else None
        preferred = plan.actions[choice.greedy] if choice is not None else None
        return Decision(
            decision_id=decision_id,
            tenant_id=self._paths.tenant,
            region=self._paths.region,
            kind=kind,
            mode=request.mode,
            status="abstained" if chosen is None else "chosen",
            action=None if chosen is None else chosen.candidate_id,
            reason=plan.reason if chosen is preferred or chosen is None else _explored(plan, chosen, preferred),
            confidence=0.0 if preferred is None else (chosen or preferred).quality,
            propensity=None if chosen is None or choice is None else choice.propensities[plan.actions.index(chosen)],
            decided_at=decided_at,
            actor_id=actor_id,
            policy_id=plan.policy_id,
            bundle_hash=bundle_hash,
            rule_pack_hash=self._rules.pack_hash,
            rules_checked=plan.rules_checked,
            snapshot_id=None if feature_hash is None or self.features is None else self.features.mart_snapshot_id,
            feature_hash=feature_hash,
            seed=seed,
            request=request,
            candidates=plan.candidates,
            expected_cost_usd=None if chosen is None else chosen.cost_usd,
            baseline_cost_usd=plan.baseline_cost_usd,
            assistant_states=dict(live) if kind == "route_task" else {},
        )

    def _task_plan(self, request: RouteTaskRequest, decided_at: dt.datetime, live: LiveStates) -> Plan:
        task_type = self.pack.task_types.get(request.task_type)
        name = request.task_type if task_type is not None else ""
        epoch = bisect_right(self._days, decided_at.toordinal())
        values = self._task_values(request)
        key = (name, epoch, live, *values.values(), request.candidates, request.policy)
        plan = self._plans.get(key)
        if plan is not None:
            return plan
        question = self._question("route_task", name, epoch, decided_at, live)
        wanted = asked(question.slate, request.candidates)
        configured, note = self._policy("route_task", request.policy)
        plan = make_plan(
            question.slate,
            wanted,
            question.admission.vetoes(values, wanted.mask & question.slate.in_scope),
            question.slate.estimates,
            configured,
            min_quality=None,
            note=" ".join(filter(None, (question.slate.note, note))),
            rules_checked=question.admission.rule_ids,
        )
        if request.candidates is None or len(request.candidates) <= _MAX_REMEMBERED_CANDIDATES:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def _llm_plan(self, request: RouteLlmRequest, decided_at: dt.datetime) -> Plan:
        epoch = bisect_right(self._days, decided_at.toordinal())
        question = self._question("route_llm", "", epoch, decided_at)
        configured, note = self._policy("route_llm", request.policy)
        estimates = self._llm_estimates(question.slate, request)
        wanted = asked(question.slate, request.candidates)
        computed = [{"candidate.cost_usd": e.cost_usd, "candidate.quality": e.quality} for e in estimates]
        return make_plan(
            question.slate,
            wanted,
            question.admission.vetoes(self._llm_values(request), wanted.mask, computed),
            estimates,
            configured,
            min_quality=request.min_quality,
            note=note,
            rules_checked=question.admission.rule_ids,
        )

    def _llm_estimates(self, slate: Slate, request: RouteLlmRequest) -> list[Estimate]:
        quality: Mapping[str, float] = self.bundle.quality(request.prompt) if self.bundle is not None else {}
        means = self.bundle.mean_output_tokens if self.bundle is not None else {}
        input_tokens = Decimal(-(-len(request.prompt) // CHARS_PER_TOKEN))
        estimates = []
        for prior in slate.estimates:
            name = prior.candidate_id
            llm = self._llms[name]
            output_tokens = request.expected_output_tokens
            if output_tokens is None:
                output_tokens = round(means.get(name, llm.prior.output_tokens))
            price = llm.price
            spent = input_tokens * price.input_usd_per_mtok + output_tokens * price.output_usd_per_mtok
            cost = (spent / _MTOK).quantize(NANO_USD)
            estimates.append(
                Estimate(name, quality.get(name, prior.quality), prior.prior_quality, cost, prior.latency_ms, 0.0)
            )
        return estimates

    def _policy(self, kind: DecisionKind, asked_for: str | None) -> tuple[ConfiguredPolicy, str]:
        choice = self.pack.policies.kinds.get(kind)
        if choice is None:
            raise DataError(
                f"policies.yaml names no policy for {kind}.", field=f"kinds.{kind}", next_step="Name one in the pack."
            )
        policy_id = asked_for or choice.policy
        configured = self._policies.get(policy_id)
        if configured is None or kind not in configured.policy.kinds:
            able = [name for name, known in self._policies.items() if kind in known.policy.kinds]
            raise UsageError(
                f"There is no policy {policy_id[:80]!r} for {kind}.",
                field="policy",
                rule="one_of",
                next_step=f"There are: {', '.join(sorted(able))}.",
            )
        if configured.policy.needs_bundle and self.bundle is None:
            return self._policies[
                str(choice.fallback)
            ], f"No trained router is published for {policy_id}; the pack's priors decide."
        return configured, ""

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

    def _task_values(self, request: RouteTaskRequest) -> dict[str, object]:
        task_type = self.pack.task_types.get(request.task_type)
        own = task_type.compliance_levels if task_type is not None else ()
        asked_levels = request.compliance_levels
        return {
            "request.kind": "route_task",
            "request.task_type": request.task_type if task_type is not None else None,
            "request.is_acting": task_type.is_acting if task_type is not None else None,
            "request.priority": request.priority,
            "request.privacy_class": request.privacy_class,
            "request.data_region": request.data_region or self._paths.region,
            "request.compliance_levels": tuple(sorted({*own, *asked_levels})) if asked_levels else own,
            "request.max_cost_usd": _ceiling(request.max_cost_usd),
            "request.deadline_ms": request.deadline_ms,
            "request.mode": request.mode,
        }

    def _llm_values(self, request: RouteLlmRequest) -> dict[str, object]:
        return {
            "request.kind": "route_llm",
            "request.task_type": request.task_type,
            "request.is_acting": None,
            "request.priority": None,
            "request.privacy_class": request.privacy_class,
            "request.data_region": request.data_region or self._paths.region,
            "request.compliance_levels": (),
            "request.max_cost_usd": _ceiling(request.max_cost_usd),
            "request.deadline_ms": None,
            "request.mode": request.mode,
        }


def _ceiling(amount: Decimal | None) -> Decimal | None:
    """The ceiling as the lake holds amounts; cut, never rounded up."""
    if amount is None:
        return None
    if not amount.is_finite() or not 0 <= amount < 10**9:
        raise UsageError(
            "max_cost_usd is not an amount from 0 to 1,000,000,000 USD.",
            field="max_cost_usd",
            rule="at_least",
            next_step="Give an amount in US dollars, or leave it out.",
        )
    return amount.quantize(NANO_USD, rounding=ROUND_FLOOR)


def _explored(plan: Plan, chosen: Estimate, preferred: Estimate | None) -> str:
    epsilon = plan.choice.epsilon if plan.choice is not None else 0.0
    usual = preferred.candidate_id if preferred is not None else "nobody"
    return (
        f"Explored: {chosen.candidate_id} was drawn among {len(plan.actions)} admissible candidates, as {epsilon:.1%} "
        f"of decisions are, to learn; {usual} is preferred."
    )


def receipt(decision: Decision) -> tuple[bytes, str]:
    """The decision's canonical bytes and their SHA-256 (hex)."""
    content = canonical(decision)
    return content, hashlib.sha256(content).hexdigest()


def load_engine(paths: TenantPaths, settings: Settings) -> Engine:
    """The tenant's engine as its files are now. Raises `AuroraError` naming the file that does not fit."""
    version = engine_version(paths, settings)
    pack = load_pack(settings.packs_dir, settings.pack)
    folder = champion_folder(paths.serving, "route_llm")
    return Engine(
        paths,
        pack,
        compile_rules(pack.rules),
        bundle=None if folder is None else load_bundle(folder),
        features=load_features(paths),
        version=version,
    )


def engine_version(paths: TenantPaths, settings: Settings) -> str:
    """Changes when any file an engine is made from does: names, sizes and times, no content. Cheap enough to poll."""
    served = [paths.serving / "features.json", paths.serving / "bundles" / "route_llm" / "champion"]
    files: Sequence[Any] = [*pack_files(settings.packs_dir, settings.pack), *served]
    digest = hashlib.sha256()
    for file in files:
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{file}\n{state.st_size}\n{state.st_mtime_ns}\n{state.st_ino}\n".encode())
    return digest.hexdigest()[:16]
