"""analyzeAssistantPerformance: response time, accuracy, cost and compliance of one assistant beside its peers.

Peers are the other assistants that did the same kinds of work. Kinds are compared one by one and weighed by how much
of each the assistant did, so that hard work is held against hard work. Tasks were not drawn by lot: a difference is a
difference, not proof of what an assistant can do.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from aurora.errors import NotFoundError
from aurora.insights import intervals
from aurora.insights.costs import SKILLS, find_moves, move_figures
from aurora.insights.figures import AED_PER_USD, FigureMaker, told
from aurora.insights.intervals import FEWEST_DAYS, FEWEST_IN_A_GROUP, Estimate, z_of
from aurora.insights.periods import DEFAULT
from aurora.insights.reads import Facts, read_facts
from aurora.insights.recommendations import inestimable
from aurora.insights.report import FINANCE
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from contracts.messages.insights import Advice, AssistantAnalysis, Comparison, Figure, LeftOut, Standing

HANDOFFS: Final = "mart.handoffs_daily"
_SAME: Final = "Kinds of work both did, weighed by how much of each the assistant did."


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One thing that is compared: sums per kind of work and day whose ratio is the metric."""

    name: str
    label: str
    unit: str
    top: str
    bottom: str
    better: Literal["up", "down"]
    times: float
    verb: str


RESPONSE: Final = Metric(name="response_time", label="Response time of a task", unit="s", top="duration_sum_ms", bottom="timed_count",
                         better="down", times=0.001, verb="Look at why it is slow")  # fmt: skip
ACCURACY: Final = Metric(name="accuracy", label="Tasks that succeeded", unit="share", top="success_count", bottom="settled_count",
                         better="up", times=1.0, verb="Look at what it fails at")  # fmt: skip
COST: Final = Metric(name="cost", label="Cost of a task", unit="AED", top="cost_usd", bottom="priced_count", better="down", times=AED_PER_USD,
                     verb="Look at why it is dear")  # fmt: skip


def analyze_assistant(
    paths: TenantPaths,
    assistant_id: str,
    *,
    scopes: Collection[str],
    time_period: str = DEFAULT,
    now: dt.datetime | None = None,
    mart_at: int | None = None,
    raw_at: int | None = None,
) -> AssistantAnalysis:
    """The analysis, at the newest snapshot unless one is asked for.

    Errors: `NotFoundError` for an assistant that is not known, else as `make_report`.
    """
    with read_lake(paths, raw_at=raw_at, mart_at=mart_at) as lake:
        facts = read_facts(lake, time_period=time_period, industry=None)
    known = dict(facts.assistants.select("assistant_id", "assistant_name").iter_rows())
    if assistant_id not in known:
        raise NotFoundError(
            f"There is no assistant {assistant_id[:64]!r}.",
            field="assistant_id",
            next_step="`aurora assistant list` shows them.",
        )
    make = FigureMaker(facts.mart_snapshot)
    metrics = [RESPONSE, ACCURACY, *([COST] if FINANCE in scopes else [])]
    compared = [_compared(facts, assistant_id, one, make) for one in metrics]
    return AssistantAnalysis(
        tenant=paths.tenant,
        assistant_id=assistant_id,
        assistant_name=known[assistant_id],
        is_simulated=facts.is_simulated,
        period=facts.period,
        metrics=[*compared, _compliance(facts, assistant_id, make)],
        recommendations=list(
            _recommended(
                facts, assistant_id, known[assistant_id], metrics, compared, make, sees_finance=FINANCE in scopes
            )
        ),
        left_out=[]
        if FINANCE in scopes
        else [LeftOut(section="cost", why="It tells of the company's money.", needs_scope=FINANCE)],
        raw_snapshot=facts.raw_snapshot,
        mart_snapshot=facts.mart_snapshot,
        generated_at=now,
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of work as the assistant and its peers did it."""

    task_type: str
    count: int
    own: Estimate
    peers: Estimate


def _kinds(facts: Facts, assistant_id: str, metric: Metric) -> list[_Kind]:
    """Kinds of work with enough of it, on enough days, on both sides."""
    rows = facts.skills.with_columns(
        (pl.col("assistant_id") == assistant_id).alias("is_own"), pl.col(metric.top, metric.bottom).fill_null(0)
    )
    days = rows.group_by("task_type", "is_own", "period_date").agg(pl.col(metric.top, metric.bottom).sum())
    held = (
        days.filter(pl.col(metric.bottom) > 0)
        .sort("task_type", "period_date")
        .partition_by(["task_type", "is_own"], as_dict=True)
    )
    found = []
    for task_type in sorted({str(key[0]) for key in held}):
        sides = [_side(held.get((task_type, own)), metric) for own in (True, False)]
        if sides[0] and sides[1]:
            found.append(_Kind(task_type, sides[0].n, sides[0], sides[1]))
    return found


def _side(days: pl.DataFrame | None, metric: Metric) -> Estimate | None:
    if days is None or days.height < FEWEST_DAYS or days[metric.bottom].sum() < FEWEST_IN_A_GROUP:
        return None
    found = intervals.ratio(days[metric.top].to_list(), days[metric.bottom].to_list())
    return found and Estimate(found.value, found.low, found.high, int(days[metric.bottom].sum()))


def _weighed(kinds: list[_Kind], value: Callable[[_Kind], float], half: Callable[[_Kind], float]) -> Estimate | None:
    count = sum(kind.count for kind in kinds)
    if not count:
        return None
    middle = math.fsum(kind.count * value(kind) for kind in kinds) / count
    width = math.sqrt(math.fsum((kind.count * half(kind)) ** 2 for kind in kinds)) / count
    return Estimate(middle, middle - width, middle + width, count)


def _half(one: Estimate) -> float:
    return 0.0 if one.high is None else one.high - one.value


def _gap(kinds: list[_Kind]) -> Estimate | None:
    return _weighed(
        kinds,
        lambda kind: kind.own.value - kind.peers.value,
        lambda kind: math.hypot(_half(kind.own), _half(kind.peers)),
    )


def _compared(facts: Facts, assistant_id: str, metric: Metric, make: FigureMaker) -> Comparison:
    kinds = _kinds(facts, assistant_id, metric)
    why = f"needs a kind of work with at least {FEWEST_IN_A_GROUP} tasks on {FEWEST_DAYS} days, of it and of others; there is none in the period"
    own = _weighed(kinds, lambda kind: kind.own.value, lambda kind: _half(kind.own))
    peers = _weighed(kinds, lambda kind: kind.peers.value, lambda kind: _half(kind.peers))
    gap = _gap(kinds)
    how = f"{metric.top} over {metric.bottom}. {_SAME} Days are what varies."

    def told_as(name: str, label: str, estimate: Estimate | None) -> Figure:
        return make.of(name, label, estimate, metric.unit, how=how, source=SKILLS, times=metric.times, missing=why)

    return Comparison(
        figure=told_as(metric.name, metric.label, own),
        peers=told_as(f"{metric.name}_of_peers", "Peers", peers),
        difference=told_as(f"{metric.name}_difference", "Difference", gap),
        standing=_standing(gap, metric.better),
    )


def _standing(gap: Estimate | None, better: Literal["up", "down"]) -> Standing:
    if gap is None:
        return "too few"
    if not gap.excludes(0.0):
        return "no difference shown"
    return "better" if (gap.value > 0) == (better == "up") else "worse"


def _compliance(facts: Facts, assistant_id: str, make: FigureMaker) -> Comparison:
    rows = facts.handoffs.with_columns((pl.col("assistant_id") == assistant_id).alias("is_own"))
    sums = [
        rows.filter(pl.col("is_own") == own)[["decided_count", "breach_count"]].sum().row(0) for own in (True, False)
    ]
    (own_count, own_kept), (peer_count, peer_kept) = ((int(n or 0), float((n or 0) - (b or 0))) for n, b in sums)
    gap = intervals.share_difference((own_kept, own_count), (peer_kept, peer_count))
    how = (
        "Decided handoffs within the communication matrix and their contract, over all decided ones (Wilson, Newcombe)."
    )
    why = f"needs at least {FEWEST_IN_A_GROUP} decided handoffs; there are {own_count} of it and {peer_count} of others"
    own = intervals.share(own_kept, own_count) if own_count >= FEWEST_IN_A_GROUP else None
    peers = intervals.share(peer_kept, peer_count) if peer_count >= FEWEST_IN_A_GROUP else None
    return Comparison(
        figure=make.of(
            "compliance", "Handoffs that kept the rules", own, "share", how=how, source=HANDOFFS, missing=why
        ),
        peers=make.of("compliance_of_peers", "Peers", peers, "share", how=how, source=HANDOFFS, missing=why),
        difference=make.of("compliance_difference", "Difference", gap, "share", how=how, source=HANDOFFS, missing=why),
        standing=_standing(gap, "up"),
    )


def _recommended(
    facts: Facts,
    assistant_id: str,
    name: str,
    metrics: list[Metric],
    compared: list[Comparison],
    make: FigureMaker,
    *,
    sees_finance: bool,
) -> Iterator[Advice]:
    for metric, one in zip(metrics, compared, strict=True):
        if one.standing == "worse":
            yield from _worst_kind(facts, assistant_id, name, metric, make)
    if sees_finance:
        for move in [move for move in find_moves(facts) if move.from_assistant == name][:2]:
            saving, success = move_figures(move, make)
            yield Advice(
                recommendation_id=f"move-{move.task_type}",
                what=f"Let {move.to_assistant} take {move.task_type.replace('_', ' ')} from {name}",
                why=f"It did the same kind of work for less; success differed by {told(success)}. Tasks were not drawn by lot; capacity is not considered.",
                figure=success,
                expected_effect=saving,
                evidence=f"{SKILLS}: task_type = '{move.task_type}'",
                confidence="medium" if move.task_count >= 200 else "low",
                confidence_basis=f"{move.task_count:,} priced tasks",
            )


def _worst_kind(facts: Facts, assistant_id: str, name: str, metric: Metric, make: FigureMaker) -> Iterator[Advice]:
    sign = 1 if metric.better == "up" else -1
    kinds = _kinds(facts, assistant_id, metric)
    gaps = [(kind, Estimate(kind.own.value - kind.peers.value, *_ends(kind, len(kinds)), kind.count)) for kind in kinds]
    behind = [(kind, gap) for kind, gap in gaps if gap.excludes(0.0) and gap.value * sign < 0]
    for kind, gap in sorted(behind, key=lambda item: item[0].count * item[1].value * sign)[:1]:
        figure = make.of(f"{metric.name}_difference", f"{metric.label}, {kind.task_type}: its own less peers'", gap, metric.unit, times=metric.times,
                         how=f"{metric.top} over {metric.bottom}; the interval holds for all {len(kinds)} kinds.", source=SKILLS)  # fmt: skip
        yield Advice(
            recommendation_id=f"{metric.name}-{kind.task_type}".replace("_", "-"),
            what=f"{metric.verb}: {kind.task_type.replace('_', ' ')} of {name}",
            why=f"Others who did the same kind of work stand at {told(make.of('peers', 'Peers', kind.peers, metric.unit, how='', source=SKILLS, times=metric.times))}.",
            figure=figure,
            expected_effect=_if_closed(kind, gap, metric, make),
            evidence=f"{SKILLS}: assistant_id = '{assistant_id}' and task_type = '{kind.task_type}'",
            confidence="high" if kind.count >= 1000 else "medium" if kind.count >= 200 else "low",
            confidence_basis=f"{kind.count:,} tasks of its own, {kind.peers.n:,} of others; not drawn by lot",
        )  # fmt: skip


def _ends(kind: _Kind, comparisons: int) -> tuple[float, float]:
    half = math.hypot(_half(kind.own), _half(kind.peers)) * z_of(comparisons) / z_of()
    gap = kind.own.value - kind.peers.value
    return gap - half, gap + half


def _if_closed(kind: _Kind, gap: Estimate, metric: Metric, make: FigureMaker) -> Figure:
    """What closing the gap would come to in a period like this one."""
    if gap.low is None or gap.high is None:
        return inestimable(make, "the difference has no interval", metric.unit)
    sign = 1 if metric.better == "up" else -1
    ends = sorted(-sign * end * kind.count for end in (gap.low, gap.high))
    estimate = Estimate(-sign * gap.value * kind.count, ends[0], ends[1], kind.count)
    unit = "tasks" if metric.unit == "share" else metric.unit
    return make.of("expected_effect", "If it did as its peers", estimate, unit, times=metric.times, basis="derived", source=SKILLS,
                   how="Difference times its tasks of this kind: what would follow if nothing but the assistant made the difference.")  # fmt: skip
