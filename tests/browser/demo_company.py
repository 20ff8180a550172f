"""The demo company with two weeks of decisions: seeded samples through the real build, the real engine deciding.

For the pictures. What came of a decision is drawn by its own confidence, as it would be if the engine is right.
"""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import msgspec

from apps.bootstrap import prepare_tenant, seed_tenant, utc_now
from apps.up import run_build
from aurora.audit.records import decision_record, decision_seed, outcome_record, override_record
from aurora.decisions.engine import Engine
from aurora.decisions.loading import load_engine
from aurora.settings import Settings
from aurora.store.ids import IdMaker
from aurora.store.journal import JournalRecord
from aurora.store.paths import TenantPaths
from aurora.store.state import StateStore
from contracts.messages.decisions import (
    Decision,
    DecisionRequest,
    OutcomeRequest,
    OverrideRequest,
    RouteLlmRequest,
    RouteTaskRequest,
)

DAYS = 14
DECISIONS = 240
_PROMPTS = (
    "What is the DLD transfer fee of a flat for 1.2 m AED?",
    "Sum up this viewing in two lines for the owner.",
    "Which is the larger share: 3/8 or 0.4?",
    "Write a polite reminder for the Form F signature.",
    "Sort these listings by price per square foot.",
)


def make_demo_company(data_dir: Path) -> TenantPaths:
    """Seed, build, decide, build again."""
    settings = Settings(data_dir=data_dir, shared_data_dir=data_dir / "no-real-data")
    paths = prepare_tenant(settings, progress=lambda _: None).paths
    seed_tenant(settings, paths, progress=lambda _: None)
    _build(settings)
    _decide(paths, load_engine(paths, settings), random.Random(settings.seed))
    _build(settings)
    return paths


def _build(settings: Settings) -> None:
    if run_build(settings):
        raise SystemExit("The demo company could not be built; its messages are above.")


def _decide(paths: TenantPaths, engine: Engine, draw: random.Random) -> None:
    start = utc_now() - dt.timedelta(days=DAYS)
    for number in range(DECISIONS):
        now = start + dt.timedelta(days=DAYS) * ((number + draw.random()) / DECISIONS)
        ids = IdMaker(lambda now=now: now)
        decision_id = ids.new("dec")
        request, actor_id = _question(engine, draw)
        decision = engine.decide(
            request, actor_id=actor_id, decision_id=decision_id, decided_at=now, seed=decision_seed(decision_id)
        )
        with StateStore.open(paths, clock=lambda now=now: now) as store:
            store.append([decision_record(decision, elapsed_us=draw.randrange(30, 90))]).result()
            follow = _follow(decision, ids, now + dt.timedelta(minutes=5), draw)
            if follow is not None:
                store.append([follow]).result()


def _question(engine: Engine, draw: random.Random) -> tuple[DecisionRequest, str]:
    asker = draw.choice(engine.pack.assistants).assistant_id
    privacy = draw.choices(("public", "internal", "personal", "sensitive"), (2, 4, 3, 1))[0]
    if draw.random() < 0.4:
        asked = {"kind": "route_llm", "prompt": draw.choice(_PROMPTS), "assistant_id": asker}
        return msgspec.convert({**asked, "privacy_class": privacy, "mode": "act"}, RouteLlmRequest), asker
    task_type = draw.choice(sorted(engine.pack.task_types))
    wanted = {"kind": "route_task", "task_type": task_type, "privacy_class": privacy, "mode": "act"}
    return msgspec.convert(wanted, RouteTaskRequest), asker


def _follow(decision: Decision, ids: IdMaker, now: dt.datetime, draw: random.Random) -> JournalRecord | None:
    if decision.status == "chosen" and draw.random() < 0.8:
        is_success = draw.random() < decision.confidence
        quality = round(draw.uniform(0.75, 1.0) if is_success else draw.uniform(0.1, 0.5), 2)
        told = OutcomeRequest(is_success=is_success, quality=quality, duration_ms=draw.randrange(300, 5000))
        return outcome_record(told, decision, outcome_id=ids.new("out"), actor_id=decision.actor_id, now=now)
    if draw.random() < 0.5:
        told_instead = OverrideRequest(action="human", reason="The client asked for a person.")
        return override_record(told_instead, decision, override_id=ids.new("ovr"), actor_id="owner", now=now)
    return None
