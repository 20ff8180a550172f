"""Logged decisions made again with something changed: on the inputs that were kept for replay, by the same engine.

Whatever is changed, candidates are admitted by the rules, live states and features of the receipt; a proposal chooses
among them and admits nobody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec

from aurora.assistants.live import LiveStates
from aurora.decisions.bundles import Bundle
from aurora.decisions.engine import Engine
from aurora.decisions.holding import NO_HOLDS, Holds
from aurora.decisions.modes import Switches
from aurora.decisions.plans import Plan
from aurora.decisions.replay import Replayer, holds_of
from aurora.errors import AuroraError, DataError
from aurora.packs import Pack
from aurora.settings import Settings
from aurora.store.lake import LakeReader
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import KIND_OF, Decision, DecisionRequest
from ml.what_if.proposal import Proposal


class OpenEngine(Engine):
    """An engine that shows its plan, before the seed is drawn."""

    def plan(
        self,
        request: DecisionRequest,
        *,
        decided_at: dt.datetime,
        live: LiveStates,
        switches: Switches,
        holds: Holds = NO_HOLDS,
    ) -> Plan:
        """Vetoes, estimates and choice. Errors: as `decide`."""
        counted = holds.counting(request, self._candidates(KIND_OF[type(request)]))
        return self._plan(request, decided_at, live, switches, counted)


class Imagined(Replayer):
    """Makes decisions again with a changed pack or another bundle. Engines are kept by what they are made from."""

    engine_type = OpenEngine

    def __init__(
        self,
        paths: TenantPaths,
        settings: Settings,
        lake: LakeReader,
        *,
        change: Callable[[Pack], Pack] = lambda pack: pack,
        bundle: Bundle | None = None,
    ) -> None:
        super().__init__(paths, settings, lake)
        self._change = change
        self._instead = bundle

    @classmethod
    def of(cls, proposal: Proposal, paths: TenantPaths, settings: Settings, lake: LakeReader) -> Imagined:
        """Decisions as the proposal would have made them."""
        return cls(paths, settings, lake, change=proposal.packed, bundle=proposal.bundle)

    def decided(self, made: Decision, *, policy_id: str) -> Decision | AuroraError:
        """The decision made again by that policy alone, or why it cannot be."""
        engine = self._engine(made)
        if isinstance(engine, AuroraError):
            return engine
        if engine.rules_hash != made.rule_pack_hash:
            return DataError(
                "The rules kept are not those that it was made under.",
                field="rule_pack_hash",
                rule="rules_drift",
                next_step="Leave it out, or restore serving/archive from a backup.",
            )
        try:
            return engine.decide(
                asked_of(made.request, policy_id),
                actor_id=made.actor_id,
                decision_id=made.decision_id,
                decided_at=made.decided_at,
                seed=made.seed,
                live=live_of(made),
                switches=alone(made),
                holds=holds_of(made),
            )
        except AuroraError as error:
            return error

    def opened(self, made: Decision) -> OpenEngine:
        """The engine of a receipt. Raises `NotFoundError` or `DataError` when its inputs are gone or changed."""
        engine = self._engine(made)
        if isinstance(engine, AuroraError):
            raise engine
        if not isinstance(engine, OpenEngine):
            raise TypeError(f"{type(engine).__name__} does not show its plan")
        return engine

    def _pack(self, made: Decision) -> Pack:
        return self._change(super()._pack(made))

    def _bundle(self, made: Decision, wanted: str | None) -> Bundle | None:
        if wanted is not None and wanted != made.bundle_hash:
            return None  # a challenger: nothing is run beside what is imagined
        return super()._bundle(made, wanted) if self._instead is None else self._instead


def asked_of(request: DecisionRequest, policy_id: str) -> DecisionRequest:
    """The request put to one policy."""
    return msgspec.structs.replace(request, policy=policy_id)


def live_of(made: Decision) -> LiveStates:
    """What was known of the fleet when it was made."""
    return tuple(sorted(made.assistant_states.items()))


def alone(made: Decision) -> Switches:
    """Nothing runs beside the policy that decides."""
    return Switches(shadow_policies=((made.kind, ""),), canary_shares=((made.kind, 0.0),))
