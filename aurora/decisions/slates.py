"""Slates: the candidates of one question, sorted by id, as scope, rules and policies see them.

A slate is made once an engine and holds what does not depend on the single request: the record that rules
read, the scope's verdict, and for tasks the estimates from published features, shrunk to the pack's prior
where there is little history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType

import msgspec

from aurora.assistants.live import LiveStates
from aurora.compliance.records import empty_record
from aurora.decisions.features import FeatureRow, Features
from aurora.decisions.policy import Estimate
from aurora.packs import PROTOCOL_EXPORTS, Assistant, Llm, Pack
from contracts.messages.decisions import Veto

NANO_USD = Decimal("1e-9")
PRIOR_TASKS = 20.0
"""How many observed tasks the pack's prior is worth."""

NOT_SKILLED = Veto(source="scope", rule_id="skill", reason="It does not have this skill.")
NO_CAPACITY = Veto(source="scope", rule_id="capacity", reason="All of its capacity is in use.")
LIVE_VETOES = {
    "down": Veto(source="scope", rule_id="live_state", reason="It is down: it does not answer."),
    "disabled": Veto(source="scope", rule_id="live_state", reason="It is switched off."),
    "paused": Veto(source="scope", rule_id="live_state", reason="It is paused and takes no new work."),
}
"""Why an assistant that could take the work cannot take it now."""
DEGRADED_SHARE = 0.9
"""What is left of an assistant's expected success while it is degraded, until its history says how much is."""
NOT_KNOWN = Veto(source="scope", rule_id="known", reason="This tenant has no such candidate.")


@dataclass(frozen=True, slots=True)
class Slate:
    """Candidates in the order of their ids; position i is the same candidate everywhere."""

    ids: tuple[str, ...]
    positions: Mapping[str, int]
    records: tuple[dict[str, object], ...]
    scope_vetoes: tuple[Veto | None, ...]
    estimates: tuple[Estimate, ...]
    """Expectations before the request is looked at."""
    in_scope: int
    """Bit i is set when candidate i is in scope, whatever its live state."""
    live_vetoes: tuple[Veto | None, ...]
    """Why a candidate in scope cannot take the work now."""
    backups: Mapping[str, str]
    """Who stands in for whom."""
    note: str
    """What is to be said of the live state, or nothing."""


def task_slate(
    pack: Pack, task_type: str, features: Features | None, tenant: Mapping[str, object], live: LiveStates = ()
) -> Slate:
    """The fleet for one task type. `tenant` holds the tenant fields of the rule record.

    Rules see `degraded` as the candidate's state; who is down, off or paused is out of scope, whatever rules say.
    """
    states = dict(live)
    fleet = sorted(pack.assistants, key=lambda assistant: assistant.assistant_id)
    rows = features.rows if features is not None else ()
    history = {row.assistant_id: row for row in rows if row.task_type == task_type}
    open_counts: dict[str, int] = {}
    for row in rows:
        open_counts[row.assistant_id] = open_counts.get(row.assistant_id, 0) + row.open_task_count
    estimates, records, vetoes = [], [], []
    for assistant in fleet:
        open_count = open_counts.get(assistant.assistant_id, 0)
        estimate = _expected(assistant, history.get(assistant.assistant_id), open_count)
        if states.get(assistant.assistant_id) == "degraded":
            estimate = _degraded(estimate)
            assistant = msgspec.structs.replace(assistant, assistant_state="degraded")  # noqa: PLW2901
        estimates.append(estimate)
        records.append(empty_record() | dict(tenant) | _assistant_fields(assistant, estimate, open_count))
        vetoes.append(_scope_veto(assistant, task_type, open_count))
    scoped = [one.assistant_id for one, veto in zip(fleet, vetoes, strict=True) if veto is None]
    told = [f"{name} is {states[name]}" for name in scoped if name in states]
    return _slate(
        estimates,
        records,
        vetoes,
        live=[LIVE_VETOES.get(states.get(assistant.assistant_id, "")) for assistant in fleet],
        backups={one.assistant_id: one.backup_assistant_id for one in fleet if one.backup_assistant_id is not None},
        note=f"Now {', '.join(told)}." if told else "",
    )


def llm_slate(pack: Pack, tenant: Mapping[str, object]) -> Slate:
    """The tenant's language models. Quality and cost are computed for each request."""
    llms = sorted(pack.llms, key=lambda llm: llm.candidate_id)
    estimates = [
        Estimate(llm.candidate_id, llm.prior.quality, llm.prior.quality, Decimal(0), llm.prior.duration_ms, 0.0)
        for llm in llms
    ]
    records = [empty_record() | dict(tenant) | _llm_fields(llm) for llm in llms]
    return _slate(estimates, records, [None] * len(llms))


def _slate(
    estimates: list[Estimate],
    records: list[dict[str, object]],
    vetoes: list[Veto | None],
    *,
    live: Sequence[Veto | None] = (),
    backups: Mapping[str, str] = MappingProxyType({}),
    note: str = "",
) -> Slate:
    ids = tuple(estimate.candidate_id for estimate in estimates)
    return Slate(
        ids=ids,
        positions={candidate_id: position for position, candidate_id in enumerate(ids)},
        records=tuple(records),
        scope_vetoes=tuple(vetoes),
        estimates=tuple(estimates),
        in_scope=bits(position for position, veto in enumerate(vetoes) if veto is None),
        live_vetoes=tuple(live) or (None,) * len(ids),
        backups=backups,
        note=note,
    )


def bits(positions: Iterable[int]) -> int:
    """A mask with the bit of each position set."""
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


def _scope_veto(assistant: Assistant, task_type: str, open_count: int) -> Veto | None:
    if task_type not in assistant.skills:
        return NOT_SKILLED
    return NO_CAPACITY if open_count >= assistant.capacity_count else None


def _expected(assistant: Assistant, row: FeatureRow | None, open_count: int) -> Estimate:
    count = float(row.task_count) if row is not None else 0.0
    prior = assistant.prior
    quality = _shrunk(row.success_share if row else None, prior.success_share, count)
    load = open_count / assistant.capacity_count if assistant.capacity_count else 1.0
    return Estimate(
        assistant.assistant_id,
        quality,
        quality,
        _shrunk_usd(row.cost_usd_mean if row else None, assistant.cost_per_task_usd, count),
        _shrunk(row.duration_p50_ms if row else None, prior.duration_ms, count),
        min(load, 1.0),
    )


def _degraded(estimate: Estimate) -> Estimate:
    return replace(
        estimate,
        quality=estimate.quality * DEGRADED_SHARE,
        prior_quality=estimate.prior_quality * DEGRADED_SHARE,
        load_share=1.0,
    )


def _shrunk(observed: float | None, prior: float, count: float) -> float:
    if observed is None:
        return prior
    return (count * observed + PRIOR_TASKS * prior) / (count + PRIOR_TASKS)


def _shrunk_usd(observed: Decimal | None, prior: Decimal, count: float) -> Decimal:
    weight, prior_weight = Decimal(int(count)), Decimal(int(PRIOR_TASKS))
    value = prior if observed is None else (weight * observed + prior_weight * prior) / (weight + prior_weight)
    return value.quantize(NANO_USD, rounding=ROUND_HALF_EVEN)


def _assistant_fields(assistant: Assistant, estimate: Estimate, open_count: int) -> dict[str, object]:
    return {
        "candidate.candidate_id": assistant.assistant_id,
        "candidate.skills": assistant.skills,
        "candidate.regions": assistant.regions,
        "candidate.state": assistant.assistant_state,
        "candidate.control_level": assistant.control_level,
        "candidate.priority": assistant.priority,
        "candidate.compliance_levels": assistant.compliance_levels,
        "candidate.privacy_classes": assistant.privacy_classes,
        "candidate.exports": (*PROTOCOL_EXPORTS, *assistant.exports),
        "candidate.is_sample": assistant.is_sample,
        "candidate.capacity_count": assistant.capacity_count,
        "candidate.open_task_count": open_count,
        "candidate.cost_usd": estimate.cost_usd,
        "candidate.latency_ms": estimate.latency_ms,
        "candidate.quality": estimate.quality,
    }


def _llm_fields(llm: Llm) -> dict[str, object]:
    return {
        "candidate.candidate_id": llm.candidate_id,
        "candidate.regions": llm.regions,
        "candidate.state": llm.state,
        "candidate.compliance_levels": llm.compliance_levels,
        "candidate.privacy_classes": llm.privacy_classes,
        "candidate.provider_name": llm.provider_name,
        "candidate.latency_ms": llm.prior.duration_ms,
    }
