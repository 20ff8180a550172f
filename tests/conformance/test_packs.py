"""Every pack: it loads, its rules compile, its policies exist, and each of its task types has a taker."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from aurora.decisions.engine import Engine, load_engine
from aurora.packs import list_packs, load_pack
from aurora.settings import Settings
from aurora.store.paths import create_tenant
from contracts.messages.decisions import DecisionRequest, RouteLlmRequest, RouteTaskRequest

PACKS = list_packs(Settings().packs_dir)
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
pytestmark = pytest.mark.parametrize("pack", PACKS)


def _engine(pack: str, folder: Path) -> Engine:
    return load_engine(create_tenant(folder, "demo", "ae-dubai"), Settings(pack=pack))


def _action(engine: Engine, request: DecisionRequest) -> str | None:
    return engine.decide(request, actor_id="a", decision_id="d", decided_at=NOW, seed=1).action


def test_every_task_type_has_a_taker(pack: str, tmp_path: Path):
    engine = _engine(pack, tmp_path)
    for task_type in engine.pack.task_types:
        assert _action(engine, RouteTaskRequest(task_type=task_type)) is not None, task_type


def test_every_class_of_data_has_a_language_model_that_may_see_it(pack: str, tmp_path: Path):
    engine = _engine(pack, tmp_path)
    for privacy in ("public", "internal", "personal", "sensitive"):
        assert _action(engine, RouteLlmRequest(prompt="hello", privacy_class=privacy)) is not None, privacy


def test_samples_are_marked_in_the_file_itself(pack: str):
    folder = Settings().packs_dir / pack / "assistants"
    for assistant in load_pack(Settings().packs_dir, pack).assistants:
        text = (folder / f"{assistant.assistant_id}.yaml").read_text(encoding="utf-8")
        assert text.startswith("# A sample") == assistant.is_sample
