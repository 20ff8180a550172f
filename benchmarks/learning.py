"""Thirty days of the twin with learning on: what routing by Aurora gains over the fleet's own, and against the oracle.

Tasks, outages, skills and the quality of language models are the twin's (`twin/fleet`); Aurora sees none of it, only
what came of its own decisions. Each day the engine routes every task to an assistant (`route_task`, by features of the
days before) and to a language model (`route_llm`); outcomes go through journal and lake; a night later features are
counted anew and the learning loop takes its step: challenger, canary, gate, champion. The first day knows the pack's
priors and a router of made-up samples.

- the fleet's own policy: capacity and declaration, each assistant with the language models it was built with
- the oracle: for each task the assistant, and of the tenant's language models the one, that most likely succeed, among
  those that rules allow and that are up

Success and cost are expectations by the truth, so that luck of single tasks is no part of them; both policies are asked
about the same tasks. `scale` is the twin's.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from aurora.audit.records import decision_record, outcome_record
from aurora.decisions.engine import Engine
from aurora.decisions.features import FeatureRow, Features, feature_hash
from aurora.decisions.loading import load_engine
from aurora.gateway.prices import default_book
from aurora.ingest.journal import copy_journal
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.journal import JournalRecord
from aurora.store.lake import create_lake
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from benchmarks.harness import Result
from contracts.messages.decisions import Decision, OutcomeRequest, PrivacyClass, RouteLlmRequest, RouteTaskRequest
from ml.learning import loop
from ml.route_llm.train import train_and_publish
from twin.fleet.calls import PRICED_BY
from twin.fleet.demand import demand
from twin.fleet.llms import Roster, choose_llms, draw_roster
from twin.fleet.outages import Spells, outages
from twin.fleet.policy import route
from twin.fleet.skill import Skills, draw_skills, expit
from twin.fleet.tasks import LLM_WEIGHT, USUAL_LLM, known_logit
from twin.frame import WORK_SCHEMA, Frame

SEED: Final = 29
DAYS: Final = 30
FIRST_DAY: Final = dt.date(2026, 1, 5)
SCALE: Final = 0.15
CALLS_A_TASK: Final = 10
"""The same for both policies: it scales the cost and cancels in the ratio."""
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class World:
    """The truth: who is how good at what, with which language model, what that costs, and when somebody is down."""

    frame: Frame
    skills: Skills
    roster: Roster
    asked: pl.DataFrame
    down: list[Spells]
    slow: list[Spells]
    call_usd: np.ndarray
    """Of each language model of the roster."""

    @property
    def ids(self) -> list[str]:
        """Assistants in the order of the arrays."""
        return [one.assistant_id for one in self.skills.assistants]

    def success(self, who: np.ndarray, types: np.ndarray, llm: np.ndarray, us: np.ndarray) -> np.ndarray:
        """True probability of success."""
        shift = np.zeros(len(who))
        for place, spells in enumerate(self.slow):
            mine = np.flatnonzero(who == place)
            spell = spells.place(us[mine])
            hit = spell >= 0
            shift[mine[hit]] = spells.shift[spell[hit]]
        logit = known_logit(self.skills)[who, types] + LLM_WEIGHT * (self.roster.quality[llm, types] - USUAL_LLM)
        return expit(logit + shift)


@dataclass(slots=True)
class Tally:
    """What was routed, and what is known of it by the truth."""

    success: list[float] = field(default_factory=list)
    oracle: list[float] = field(default_factory=list)
    usd: list[float] = field(default_factory=list)
    forbidden_count: int = 0
    abstained_count: int = 0
    by_day: list[float] = field(default_factory=list)


def run(*, data: Path | None, scale: float) -> list[Result]:
    """The whole month. `scale` below 1 makes the brokerage smaller."""
    with tempfile.TemporaryDirectory(dir=data) as folder:
        return _measured(Path(folder), scale * SCALE)


def _measured(folder: Path, scale: float) -> list[Result]:
    world = _world(scale)
    paths = create_tenant(folder / "data", "twin", "ae-dubai")
    create_lake(paths)
    settings = msgspec.structs.replace(Settings(), data_dir=folder / "data", shared_data_dir=folder / "nothing")
    train_and_publish(paths, settings, clock=lambda: _moment(FIRST_DAY) - dt.timedelta(days=1))
    tally, steps = _month(world, paths, settings)
    first_success, first_usd, first_forbidden = _fleets_own(world)
    success, oracle = float(np.mean(tally.success)), float(np.mean(tally.oracle))
    return [
        Result(metric="tasks", value=len(tally.success), unit="count"),
        Result(metric="success", value=success, unit="share"),
        Result(metric="success_of_oracle", value=oracle, unit="share"),
        Result(metric="success_over_oracle", value=success / oracle, unit="share", bar=0.97, op=">="),
        Result(metric="success_first_day", value=tally.by_day[0], unit="share"),
        Result(metric="success_last_week", value=float(np.mean(tally.by_day[-7:])), unit="share"),
        Result(metric="success_of_fleets_own", value=first_success, unit="share"),
        Result(
            metric="saving_over_fleets_own",
            value=1 - float(np.mean(tally.usd)) / first_usd,
            unit="share",
            bar=0.25,
            op=">=",
        ),
        Result(metric="compliance_regressions", value=tally.forbidden_count, unit="count", bar=0.0, op="<="),
        Result(metric="not_cleared_by_fleets_own", value=first_forbidden, unit="count"),
        Result(metric="left_to_a_person", value=tally.abstained_count, unit="count"),
        Result(metric="challengers", value=steps["learned"], unit="count"),
        Result(metric="promotions", value=steps["promoted"], unit="count"),
        Result(metric="rollbacks", value=steps["rolled_back"], unit="count"),
    ]


def _world(scale: float) -> World:
    pack = load_pack(Settings().packs_dir, "real_estate")
    frame = Frame(pack=pack, seed=SEED, first_day=FIRST_DAY, days=DAYS, scale=scale)
    skills = draw_skills(frame)
    roster = draw_roster(frame, skills)
    spells = outages(frame, skills)
    ids = [one.assistant_id for one in skills.assistants]
    return World(
        frame,
        skills,
        roster,
        demand(frame, pl.DataFrame(schema=WORK_SCHEMA)),
        [Spells(spells, name, "down") for name in ids],
        [Spells(spells, name, "degraded") for name in ids],
        _call_usd(roster),
    )


def _call_usd(roster: Roster) -> np.ndarray:
    """What a usual call of each language model costs by the price book, or by the first price that was announced."""
    rows = pl.DataFrame(
        [
            dict.fromkeys(PRICED_BY)
            | {
                "provider_name": one.provider_name,
                "request_model": one.llm,
                "operation_name": one.operation_name,
                "occurred_date": FIRST_DAY,
                "input_tokens": int(one.input_tokens),
                "output_tokens": int(one.output_tokens),
                "request_count": 1,
            }
            for one in roster.llms
        ],
        schema_overrides={"reported_cost_usd": pl.Decimal(18, 9)},
    )
    booked = default_book().price(rows)["cost_usd"].cast(pl.Float64).to_list()
    first = roster.prices.sort("valid_from").unique("request_model", keep="first", maintain_order=True)
    announced = {row["request_model"]: row for row in first.iter_rows(named=True)}
    pack = {one.request_model: one.price for one in load_pack(Settings().packs_dir, "real_estate").llms}
    found = []
    for one, usd in zip(roster.llms, booked, strict=True):
        if one.llm in announced:
            row = announced[one.llm]
            found.append(_usd(one, row["input_usd_per_mtok"], row["output_usd_per_mtok"]))
        elif one.llm in pack:
            price = pack[one.llm]
            found.append(_usd(one, float(price.input_usd_per_mtok), float(price.output_usd_per_mtok)))
        else:
            found.append(float(usd or 0.0))
    return np.array(found)


def _usd(llm: Any, into: float, out: float) -> float:
    return float((llm.input_tokens * into + llm.output_tokens * out) / 1e6)


def _fleets_own(world: World) -> tuple[float, float, int]:
    """Success, mean cost, and how often somebody not cleared for the data got it, by the fleet's own policy."""
    types, us, privacy = _columns(world)
    who = route(world.frame, world.skills, world.asked, types, world.down).assistant
    llm = choose_llms(world.frame, world.roster, who, privacy)
    wrong = sum(
        kind not in (one.privacy_classes or ("public", "internal", "personal", "sensitive"))
        for kind, one in zip(privacy, (world.skills.assistants[place] for place in who), strict=True)
    )
    wrong += sum(kind not in world.roster.llms[place].privacy_classes for kind, place in zip(privacy, llm, strict=True))
    usd = CALLS_A_TASK * world.call_usd[llm]
    return float(world.success(who, types, llm, us).mean()), float(usd.mean()), wrong


def _columns(world: World) -> tuple[np.ndarray, np.ndarray, list[str]]:
    places = {name: place for place, name in enumerate(world.skills.task_types)}
    types = world.asked["task_type"].replace_strict(places).to_numpy().astype(np.int64)
    us = world.asked["requested_at"].dt.timestamp("us").to_numpy()
    return types, us, world.asked["privacy_class"].fill_null("internal").to_list()


# the month ------------------------------------------------------------------------------------------


def _month(world: World, paths: TenantPaths, settings: Settings) -> tuple[Tally, dict[str, int]]:
    tally = Tally()
    steps: dict[str, int] = defaultdict(int)
    history: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    draw = np.random.default_rng(SEED)
    place = 0
    for day in range(DAYS):
        today = FIRST_DAY + dt.timedelta(days=day)
        engine = _engine(paths, settings, history, today)
        rows = world.asked.filter(pl.col("requested_at").dt.date() == today)
        before = len(tally.success)
        records = []
        for row in rows.iter_rows(named=True):
            records += _one(world, engine, row, place, draw, tally, history)
            place += 1
        _journal(paths, records, _moment(today) + dt.timedelta(days=1))
        tally.by_day.append(float(np.mean(tally.success[before:])) if len(tally.success) > before else 0.0)
        night = _moment(today) + dt.timedelta(days=2, hours=1)
        steps[loop.run(paths, settings, clock=partial(_at, night)).outcome] += 1
    return tally, steps


def _engine(
    paths: TenantPaths, settings: Settings, history: dict[tuple[str, str], list[float]], today: dt.date
) -> Engine:
    """The engine as published, with features counted from the days before."""
    rows = tuple(
        FeatureRow(
            assistant_id=who,
            task_type=what,
            task_count=int(count),
            success_share=good / count,
            cost_usd_mean=Decimal(str(round(usd / count, 9))),
        )
        for (who, what), (count, good, usd) in sorted(history.items())
    )
    features = Features(
        feature_hash=feature_hash(rows),
        published_at=_moment(today),
        mart_snapshot_id=1,
        raw_snapshot_id=1,
        rows=rows,
    )
    loaded = load_engine(paths, settings)
    loaded.features = features if rows else None
    return loaded


def _one(
    world: World, engine: Engine, row: dict[str, Any], place: int, draw: np.random.Generator, tally: Tally,
    history: dict[tuple[str, str], list[float]],
) -> list[JournalRecord]:  # fmt: skip
    """Route one task and its language model, and let the truth say how it ends."""
    at = row["requested_at"]
    kind: PrivacyClass = row["privacy_class"] or "internal"
    us = np.array([int(at.timestamp() * 1e6)])
    live = tuple((name, "down") for name, spells in zip(world.ids, world.down, strict=True) if spells.place(us)[0] >= 0)
    task = RouteTaskRequest(
        task_type=row["task_type"], privacy_class=kind, priority=row["priority"] or "medium", mode="act"
    )
    question = RouteLlmRequest(
        prompt=row["task_type"].replace("_", " "), task_type=row["task_type"], privacy_class=kind
    )
    made = [
        engine.decide(
            request,
            actor_id="twin",
            decision_id=f"dec_{place:07d}_{name}",
            decided_at=at,
            seed=int(draw.integers(1, 2**62)),
            live=live,
        )
        for name, request in (("task", task), ("llm", question))
    ]
    if any(one.action is None for one in made):
        tally.abstained_count += 1
        return [decision_record(one) for one in made]
    tally.forbidden_count += sum(_is_forbidden(one) for one in made)
    return _ended(world, engine, made, row, us, draw, tally, history)


def _is_forbidden(made: Decision) -> bool:
    return any(one.candidate_id == made.action and one.vetoes for one in made.candidates)


def _ended(
    world: World, engine: Engine, made: list[Decision], row: dict[str, Any], us: np.ndarray, draw: np.random.Generator,
    tally: Tally, history: dict[tuple[str, str], list[float]],
) -> list[JournalRecord]:  # fmt: skip
    what = world.skills.task_types.index(row["task_type"])
    models = {one.llm: place for place, one in enumerate(world.roster.llms)}
    names = {one.candidate_id: models[one.request_model] for one in engine.pack.llms}
    who, llm = world.ids.index(str(made[0].action)), names[str(made[1].action)]
    chance = float(world.success(np.array([who]), np.array([what]), np.array([llm]), us)[0])
    usd = float(CALLS_A_TASK * world.call_usd[llm])
    tally.success.append(chance)
    tally.usd.append(usd)
    tally.oracle.append(_best(world, made, what, us, names))
    success = bool(draw.random() < chance)
    counted = history[str(made[0].action), row["task_type"]]
    counted[0] += 1
    counted[1] += success
    counted[2] += usd
    ended = row["requested_at"] + dt.timedelta(minutes=3)
    request = OutcomeRequest(is_success=success, cost_usd=Decimal(str(round(usd, 9))), occurred_at=ended)
    return [
        record
        for one in made
        for record in (
            decision_record(one),
            outcome_record(request, one, outcome_id=f"out{one.decision_id[3:]}", actor_id="twin", now=ended),
        )
    ]


def _best(world: World, made: Sequence[Decision], what: int, us: np.ndarray, names: dict[str, int]) -> float:
    """The most likely success of any admissible assistant with any admissible language model."""
    who = np.array([world.ids.index(one.candidate_id) for one in made[0].candidates if one.is_eligible])
    llms = [names[one.candidate_id] for one in made[1].candidates if one.is_eligible]
    llm = max(llms, key=lambda place: world.roster.quality[place, what])
    return float(world.success(who, np.full(len(who), what), np.full(len(who), llm), np.repeat(us, len(who))).max())


def _journal(paths: TenantPaths, records: list[JournalRecord], now: dt.datetime) -> None:
    with StateStore.open(paths, clock=lambda: now) as store:
        for batch in _batches(records):
            store.append(batch).result()
    copy_journal(paths, clock=lambda: now)


def _batches(records: list[JournalRecord]) -> Iterator[list[JournalRecord]]:
    for start in range(0, len(records), _BATCH):
        yield records[start : start + _BATCH]


def _at(moment: dt.datetime) -> dt.datetime:
    return moment


def _moment(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
