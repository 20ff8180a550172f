"""How each kind is decided now: policy, bundles, how far it may act, and every step that led there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import polars as pl
import streamlit as st

from apps.streamlit.reads.fleet import fleet_pack
from apps.streamlit.reads.lake import Pin, current_settings, lake_at
from apps.streamlit.reads.question import INT, REAL, TEXT, Question, ask
from aurora.decisions.bundles import named_folder
from aurora.decisions.modes import KIND as MODE_RECORDS
from aurora.decisions.modes import NO_SWITCHES, modes_now
from aurora.decisions.policy import ConfiguredPolicy, configure
from aurora.errors import AuroraError
from aurora.packs import Pack
from aurora.store.journal import StateReader
from aurora.store.paths import tenant_paths
from contracts.messages.decisions import DecisionKind
from contracts.messages.learning import PolicyStep
from contracts.messages.modes import KindMode, ModeChange, Modes

Role = Literal["champion", "challenger", "previous"]
BUNDLED: Final[DecisionKind] = "route_llm"
"""The kind that learns bundles."""
STEPS: Final = "policy_step"
_STEPS_SHOWN: Final = 100
_STEP = msgspec.json.Decoder(PolicyStep)
_CHANGE = msgspec.json.Decoder(ModeChange)
_CURVE: Final = {"predicted": REAL, "observed": REAL, "count": INT}
_WORK: Final = {
    "policy_id": TEXT, "decision_count": INT, "left_to_person_share": REAL, "confidence": REAL, "judged_count": INT,
    "success_share": REAL, "overridden_count": INT, "expected_cost_usd": REAL,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFacts:
    """A bundle in a role, as its manifest and the journal tell it."""

    role: Role
    bundle_hash: str
    policy_id: str
    made_at: dt.datetime | None
    in_role_since: dt.datetime | None
    by: str
    """Who put it in its role: a person, the learning loop, or the first training."""
    learned_count: int
    """Decisions of this company that it learned from, beside its training set."""
    metrics: Mapping[str, float]
    curve: pl.DataFrame
    """Predicted and observed quality, with how many: its calibration."""
    version: str | None
    is_sample: bool

    @property
    def calibration_error(self) -> float | None:
        """On questions of its training set that it had not seen."""
        return self.metrics.get("ece")

    @property
    def outcome_error(self) -> float | None:
        """On outcomes of this company, before it learned them; None while it learned none."""
        return self.metrics.get("outcome_ece")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliciesNow:
    """All that the page Policies shows of this moment."""

    pack: Pack
    modes: Modes
    policies: Mapping[str, ConfiguredPolicy]
    bundles: Mapping[Role, BundleFacts]
    steps: tuple[PolicyStep, ...]
    changes: tuple[ModeChange, ...]

    def kind(self, kind: DecisionKind) -> KindMode:
        """One kind's mode."""
        return next(one for one in self.modes.kinds if one.kind == kind)

    def able(self, kind: DecisionKind) -> list[str]:
        """Policies that could decide the kind."""
        return sorted(name for name, one in self.policies.items() if kind in one.policy.kinds)


def policies_now(pin: Pin) -> PoliciesNow:
    """As it is: read at every run of the page, for people and the learning loop change it."""
    pack = fleet_pack()
    modes = _declared(pack)
    steps: tuple[PolicyStep, ...] = ()
    changes: tuple[ModeChange, ...] = ()
    if pin.paths.state.exists():
        with StateReader(pin.paths) as state:
            modes = modes_now(pack, state)
            steps = tuple(_STEP.decode(one.body) for one in state.page(STEPS, limit=_STEPS_SHOWN))
            changes = tuple(_CHANGE.decode(one.body) for one in state.page(MODE_RECORDS, limit=_STEPS_SHOWN))
    return PoliciesNow(
        pack=pack,
        modes=modes,
        policies=configure(pack.policies),
        bundles=_bundles(pin, steps),
        steps=steps,
        changes=changes,
    )


def _declared(pack: Pack) -> Modes:
    """The pack's word alone, before there is a journal."""
    kinds = tuple(
        KindMode(
            kind=kind,
            policy=one.policy,
            act_share=NO_SWITCHES.act_share(kind, None, one),
            assistant_shares=dict(one.assistant_act_shares),
            shadow_policy=one.shadow,
            canary_share=one.canary_share,
        )
        for kind, one in sorted(pack.policies.kinds.items())
    )
    return Modes(is_stopped=False, kinds=kinds)


def _bundles(pin: Pin, steps: tuple[PolicyStep, ...]) -> dict[Role, BundleFacts]:
    found: dict[Role, BundleFacts] = {}
    roles: tuple[Role, ...] = ("champion", "challenger", "previous")
    for role in roles:
        try:
            folder = named_folder(pin.paths.serving, BUNDLED, role)
        except AuroraError:
            continue
        if folder is not None and (folder / "manifest.json").exists():
            found[role] = _facts(role, folder, steps)
    return found


def _facts(role: Role, folder: Path, steps: tuple[PolicyStep, ...]) -> BundleFacts:
    manifest: dict[str, Any] = msgspec.json.decode((folder / "manifest.json").read_bytes())
    wanted = {"challenged"} if role == "challenger" else {"promoted", "rolled_back"}
    step = next((one for one in steps if one.bundle_hash == folder.name and one.step in wanted), None)
    made_at = manifest.get("created_at")
    made = dt.datetime.fromisoformat(made_at) if isinstance(made_at, str) else None
    return BundleFacts(
        role=role,
        bundle_hash=folder.name,
        policy_id=manifest.get("policy_id") or "learned_llm",
        made_at=made,
        in_role_since=made if step is None else step.happened_at,
        by="the first training" if step is None else step.actor_id,
        learned_count=int(manifest.get("learned_count", 0)),
        metrics=manifest.get("metrics", {}),
        curve=pl.DataFrame(manifest.get("calibration_curve", []), schema=_CURVE),
        version=manifest.get("mlflow", {}).get("version"),
        is_sample=bool(manifest.get("is_sample", False)),
    )


@st.cache_data(ttl=600, max_entries=32, show_spinner="Reading the lake")
def at_work(pin: Pin, kind: str) -> pl.DataFrame:
    """What each policy decided and what came of it, the busiest first."""
    question = Question(
        marts=("decisions",),
        shape=_WORK,
        sql="""
            SELECT policy_id, count(*) AS decision_count,
                avg((decision_status = 'abstained')::INT) AS left_to_person_share,
                avg(confidence) FILTER (decision_status = 'chosen') AS confidence,
                count(is_success) AS judged_count, avg(is_success::INT) AS success_share,
                count(*) FILTER (is_overridden) AS overridden_count, sum(expected_cost_usd) AS expected_cost_usd
            FROM mart.decisions WHERE decision_kind = $kind
            GROUP BY policy_id ORDER BY decision_count DESC LIMIT 50
        """,
    )
    with lake_at(pin) as lake:
        return ask(lake, pin, question, {"kind": kind})


def evidence_so_far(pin: Pin, challenger: BundleFacts) -> Mapping[str, Any] | None:
    """What the gate would say of the challenger now; None while none of its decisions has matured."""
    return _judged(pin.data_dir, pin.tenant, pin.raw_snapshot, challenger.bundle_hash)


@st.cache_data(ttl=600, max_entries=8, show_spinner="Judging the challenger by what has matured")
def _judged(data_dir: str, tenant: str, raw_snapshot: int, bundle_hash: str) -> Mapping[str, Any] | None:  # noqa: ARG001 - its key
    from ml.learning.loop import standing_judgement

    paths = tenant_paths(Path(data_dir), tenant)
    found = standing_judgement(paths, current_settings(), now=dt.datetime.now(dt.UTC))
    return None if found is None else found.evidence()


def steps_frame(now: PoliciesNow, kind: DecisionKind) -> pl.DataFrame:
    """Steps of bundles and changes of modes that concern a kind, newest first."""
    rows = [
        {
            "happened_at": one.happened_at,
            "step": one.step.replace("_", " ").capitalize(),
            "bundle": one.bundle_hash[:12],
            "by": one.actor_id,
            "why": "; ".join(one.reasons),
        }
        for one in now.steps
        if one.kind == kind
    ]
    rows += [
        {"happened_at": one.changed_at, "step": told, "bundle": None, "by": one.actor_id, "why": one.reason}
        for one, before in zip_longest(now.changes, now.changes[1:])
        if (told := _told(one, before, kind))
    ]
    frame = pl.DataFrame(
        rows,
        schema={"happened_at": pl.Datetime("us", "UTC"), "step": TEXT, "bundle": TEXT, "by": TEXT, "why": TEXT},
    )
    return frame.sort("happened_at", descending=True)


def _told(one: ModeChange, before: ModeChange | None, kind: DecisionKind) -> str:
    """What a change of modes changed for a kind, in words; empty where it changed nothing of it."""
    said = []
    if one.is_stopped != (before is not None and before.is_stopped):
        said.append("All decisions stopped" if one.is_stopped else "Decisions resumed")
    acted = _acts(before, kind)
    for name, share in _acts(one, kind).items():
        if acted.get(name) != share:
            said.append(f"Acts on {share:.0%}{' by ' + name if name else ''}")
    shadow, canary = _beside(one, kind)
    old_shadow, old_canary = _beside(before, kind)
    if shadow != old_shadow:
        said.append(f"Beside it: {shadow.replace('_', ' ') if shadow else 'nobody'}")
    if canary != old_canary:
        said.append(f"Canary {canary or 0:.0%}")
    return "; ".join(said)


def _acts(change: ModeChange | None, kind: DecisionKind) -> dict[str, float]:
    return {} if change is None else {name: share for known, name, share in change.act_shares if known == kind}


def _beside(change: ModeChange | None, kind: DecisionKind) -> tuple[str | None, float | None]:
    if change is None:
        return None, None
    return dict(change.shadow_policies).get(kind), dict(change.canary_shares).get(kind)
