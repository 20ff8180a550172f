"""What becomes of the fleet's tasks: who takes them, how long they wait and take, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.fleet.calendar import start_us
from twin.fleet.llms import Roster, choose_llms
from twin.fleet.outages import Spells
from twin.fleet.policy import route
from twin.fleet.queueing import GAVE_UP, starts
from twin.fleet.skill import Skills, expit
from twin.frame import Frame
from twin.ids import of_list, times

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_URGENCY: Final = {"critical": 0, "high": 1, "medium": 2, "low": 3}
_PATIENCE_US: Final = 20 * 60 * 1_000_000
_MS: Final = 1000
_SPREAD: Final = 0.42
"""Of the logarithm of service times around their median."""
LLM_WEIGHT: Final = 1.6
"""How much a better language model adds to the log-odds of success."""
USUAL_LLM: Final = 0.62
_CANCELED_SHARE: Final = 0.01
_REJECTED_SHARE: Final = 0.2
STATES: Final = ("completed", "failed", "rejected", "canceled", "working", "submitted")
COMPLETED, FAILED, REJECTED, CANCELED, WORKING, SUBMITTED = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The tasks and what became of them: arrays in the order in which they were asked for."""

    asked: pl.DataFrame
    """As `demand` gave them."""
    task_ids: pl.Series
    types: Ints
    assistant: Ints
    first: Ints
    """Who was chosen before failover."""
    propensity: Floats
    llm: Ints
    requested_us: Ints
    started_us: Ints
    """`GAVE_UP` for those that were never begun."""
    ended_us: Ints
    state: Ints
    probability: Floats
    """True probability of success when it was begun."""
    is_success: Bools
    quality: Floats
    """NaN for what did not come to an end."""
    is_interrupted: Bools
    is_degraded: Bools

    @property
    def is_begun(self) -> Bools:
        """Tasks that an assistant worked on within the frame."""
        return np.asarray((self.started_us != GAVE_UP) & (self.state != SUBMITTED))

    @property
    def is_settled(self) -> Bools:
        """Tasks that succeeded or did not."""
        return np.asarray(self.state <= REJECTED)


def work_off(frame: Frame, skills: Skills, roster: Roster, asked: pl.DataFrame, spells: pl.DataFrame) -> Done:
    """Let the fleet do what is asked of it."""
    draw = frame.draws("outcomes")
    ids = [one.assistant_id for one in skills.assistants]
    down = [Spells(spells, name, "down") for name in ids]
    slow = [Spells(spells, name, "degraded") for name in ids]
    types = asked["task_type"].replace_strict({name: place for place, name in enumerate(skills.task_types)}).to_numpy()
    routed = route(frame, skills, asked, types, down)
    who = routed.assistant
    llm = choose_llms(frame, roster, who, asked["privacy_class"].fill_null("internal").to_list())
    requested = asked["requested_at"].dt.timestamp("us").to_numpy()
    shift, slowdown = _degraded(slow, who, requested)
    service = _service(draw, skills, who, types, slowdown)
    started = _queued(skills, who, requested, service, asked, down)
    ended = np.where(started == GAVE_UP, requested + _PATIENCE_US, started + service)
    ended, is_interrupted = _interrupted(down, who, started, ended)
    probability = _probability(skills, roster, who, types, llm, shift)
    is_success = (draw.random(len(who)) < probability) & ~is_interrupted
    state = _states(draw, frame, started, ended, is_success, is_interrupted)
    is_success &= state == COMPLETED
    quality = _quality(draw, skills, who, types, is_success)
    return Done(
        asked=asked,
        task_ids=pl.select(
            pl.format(f"twin-{frame.seed}-{{}}", pl.int_range(len(who)).cast(pl.String).str.zfill(7))
        ).to_series(),
        types=types.astype(np.int64),
        assistant=who,
        first=routed.first,
        propensity=routed.propensity,
        llm=llm,
        requested_us=requested,
        started_us=started,
        ended_us=ended,
        state=state,
        probability=probability,
        is_success=is_success,
        quality=np.where(state <= REJECTED, quality, np.nan),
        is_interrupted=is_interrupted,
        is_degraded=slowdown > 1,
    )


def _degraded(slow: list[Spells], who: Ints, us: Ints) -> tuple[Floats, Floats]:
    """What being degraded does to each task: its shift of the log-odds, and its slowdown."""
    shift, slowdown = np.zeros(len(who)), np.ones(len(who))
    for place, spells in enumerate(slow):
        mine = np.nonzero(who == place)[0]
        spell = spells.place(us[mine])
        hit = spell >= 0
        if hit.any():
            shift[mine[hit]], slowdown[mine[hit]] = spells.shift[spell[hit]], spells.slowdown[spell[hit]]
    return shift, slowdown


def _service(draw: np.random.Generator, skills: Skills, who: Ints, types: Ints, slowdown: Floats) -> Ints:
    """Time of the work in microseconds, whole milliseconds."""
    usual = np.array([one.prior.duration_ms for one in skills.assistants])
    median = np.where(np.isnan(skills.service_ms), usual[:, None], skills.service_ms)[who, types]
    ms = median * draw.lognormal(0, _SPREAD, len(who)) * slowdown
    return np.maximum(ms, 40).astype(np.int64) * _MS


def _queued(skills: Skills, who: Ints, requested: Ints, service: Ints, asked: pl.DataFrame, down: list[Spells]) -> Ints:
    urgency = asked["priority"].fill_null("medium").replace_strict(_URGENCY).to_numpy().astype(np.int64)
    started = np.empty(len(who), dtype=np.int64)
    for place, assistant in enumerate(skills.assistants):
        mine = np.nonzero(who == place)[0]
        closed = list(zip(down[place].begins.tolist(), down[place].ends.tolist(), strict=True))
        started[mine] = starts(
            requested[mine],
            service[mine],
            urgency[mine],
            servers=assistant.capacity_count,
            closed=closed,
            patience=_PATIENCE_US,
        )
    return started


def _interrupted(down: list[Spells], who: Ints, started: Ints, ended: Ints) -> tuple[Ints, Bools]:
    """Work that an outage cut off ends where the outage begins."""
    cut, found = ended.copy(), np.zeros(len(who), dtype=bool)
    for place, spells in enumerate(down):
        if not len(spells.begins):
            continue
        mine = np.nonzero((who == place) & (started != GAVE_UP))[0]
        next_down = np.searchsorted(spells.begins, started[mine], side="right")
        begins = np.append(spells.begins, np.iinfo(np.int64).max)[next_down]
        hit = begins < ended[mine]
        cut[mine[hit]], found[mine[hit]] = begins[hit] // _MS * _MS, True
    return np.maximum(cut, started), found


def _probability(skills: Skills, roster: Roster, who: Ints, types: Ints, llm: Ints, shift: Floats) -> Floats:
    return expit(known_logit(skills)[who, types] + LLM_WEIGHT * (roster.quality[llm, types] - USUAL_LLM) + shift)


def known_logit(skills: Skills) -> Floats:
    """Log-odds of success; work that an assistant has no skill for mostly fails."""
    return np.where(np.isnan(skills.success_logit), -1.5, skills.success_logit)


def _states(
    draw: np.random.Generator, frame: Frame, started: Ints, ended: Ints, is_success: Bools, is_interrupted: Bools
) -> Ints:
    chance = draw.random(len(started))
    state = np.where(is_success, COMPLETED, np.where(chance < _REJECTED_SHARE, REJECTED, FAILED))
    state = np.where(is_interrupted, FAILED, state)
    state = np.where((draw.random(len(started)) < _CANCELED_SHARE) | (started == GAVE_UP), CANCELED, state)
    until = start_us(frame) + int(frame.days * 86_400e6)
    state = np.where(ended > until, WORKING, state)
    return np.where((started > until) | ((started == GAVE_UP) & (ended > until)), SUBMITTED, state).astype(np.int64)


def _quality(draw: np.random.Generator, skills: Skills, who: Ints, types: Ints, is_success: Bools) -> Floats:
    mean = np.nan_to_num(skills.quality_mean[who, types], nan=0.5)
    mean = np.where(is_success, mean, mean / 3)
    return np.asarray(draw.beta(14 * mean, 14 * (1 - mean)).round(4))


def task_rows(skills: Skills, done: Done, cost_usd: pl.Series) -> pl.DataFrame:
    """Rows of the contract `task`, with `assistant_id` to part them by."""
    ends = pl.Series(done.state <= CANCELED)
    begins = pl.Series(done.is_begun)
    duration = pl.Series(np.maximum(done.ended_us - done.started_us, 0) // _MS)
    settled = pl.Series(done.is_settled)
    started, ended = times(np.maximum(done.started_us, 0)), times(done.ended_us)
    ids = [one.assistant_id for one in skills.assistants]
    return (
        pl.DataFrame(
            {
                "task_id": done.task_ids,
                "case_id": done.asked["case_id"],
                "assistant_id": of_list(ids, done.assistant),
                "task_type": done.asked["task_type"],
                "task_state": of_list(list(STATES), done.state),
                "priority": done.asked["priority"],
                "privacy_class": done.asked["privacy_class"],
                "submitted_at": done.asked["requested_at"],
                "started_at": started,
                "completed_at": ended,
                "duration_ms": duration,
                "cost_usd": cost_usd,
                "quality": pl.Series(done.quality, nan_to_null=True),
                "is_success": pl.Series(done.is_success),
                "is_sample": pl.repeat(value=True, n=len(done.state), eager=True),
            }
        )
        .with_columns(
            pl.when(begins).then("started_at").alias("started_at"),
            pl.when(ends).then("completed_at").alias("completed_at"),
            pl.when(ends & begins).then("duration_ms").alias("duration_ms"),
            pl.when(ends & begins).then("cost_usd").alias("cost_usd"),
            pl.when(settled).then("is_success").alias("is_success"),
        )
        .with_columns(pl.coalesce("completed_at", "started_at", "submitted_at").alias("updated_at"))
    )


def task_truth(skills: Skills, roster: Roster, done: Done) -> pl.DataFrame:
    """What only the twin knows of each task: how likely it was to succeed, and who would have been best."""
    ids = [one.assistant_id for one in skills.assistants]
    reachable = np.where(skills.has_skill, skills.success_logit, -np.inf)
    usual = roster.habits @ roster.quality  # what each assistant's language models give it on the whole
    reachable = reachable + LLM_WEIGHT * (usual - USUAL_LLM)
    best = reachable.argmax(axis=0)
    return pl.DataFrame(
        {
            "task_id": done.task_ids,
            "origin": done.asked["origin"],
            "chosen_assistant_id": of_list(ids, done.first),
            "propensity": done.propensity,
            "assistant_id": of_list(ids, done.assistant),
            "wait_ms": pl.Series(
                np.where(done.started_us == GAVE_UP, -1, (done.started_us - done.requested_us) // _MS)
            ),
            "success_probability": done.probability,
            "best_assistant_id": of_list(ids, best[done.types]),
            "best_success_probability": expit(reachable[best, np.arange(len(best))])[done.types],
            "is_interrupted": done.is_interrupted,
            "is_degraded": done.is_degraded,
        }
    )
