"""Breaking changes injected into copies of the registry: everything that really breaks was predicted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aurora.catalogue.blast import Blast, blast_of
from aurora.catalogue.dbt_sql import RAW
from aurora.catalogue.lineage import raw_columns, read_lineage
from aurora.catalogue.python_reads import module_reads
from aurora.catalogue.uses import User, source_users, writers
from aurora.settings import PROJECT_DIR
from contracts import registry
from contracts.evolution import changes, described
from orchestration.dbt_runner import dbt_folder
from tests.dbt import mutations as made

STATE = json.loads(json.dumps(described(registry.tables())))


@pytest.fixture(scope="module")
def lineage():
    return read_lineage(raw_columns(STATE))


@pytest.fixture(scope="module")
def compiled(built, lineage) -> made.Compiled:
    return made.Compiled(dbt_folder(built), lineage, STATE)


def _users() -> list[User]:
    """Features, and each question of the pages by its own name."""
    questions = [
        read
        for file in sorted((PROJECT_DIR / "apps" / "streamlit" / "reads").glob("*.py"))
        for read in module_reads(file, PROJECT_DIR)
    ]
    return [
        *(user for user in source_users() if user.kind == "feature"),
        *(
            User(
                kind="page",
                name=f"{read.module}:{read.name}",
                tables=read.tables,
                columns=frozenset((table, word) for table in read.tables for word in read.words),
            )
            for read in questions
        ),
    ]


def _predicted(blast: Blast, parts: set[made.Part]) -> set[made.Part]:
    """The blast radius in the words of what was tried."""
    dbt = {"staging", "intermediate", "mart", "kpi"}
    found = {("dbt", part.name) if part.kind in dbt else (part.kind, part.name) for part in blast.parts}
    if any(kind == "feature" for kind, _ in found):
        found.add(("feature", "assistant_features"))
    return found & parts


@pytest.mark.slow
def test_every_break_is_predicted_and_few_others(lineage, compiled, tmp_path: Path):
    read = sorted({r.removeprefix(RAW) for m in lineage.models.values() for r in m.parents if r.startswith(RAW)})
    injected = made.mutations(STATE, tables=read, seed=3, is_thorough=bool(os.environ.get("AURORA_ALL_MUTATIONS")))
    files = made.Files(tmp_path, [name for name in read if registry.table(name).is_ingested])
    formats = {("format", writer.name) for writer in writers([]) if writer.kind == "format"}
    users, senders = _users(), writers([])
    parts = compiled.parts | formats
    missed, hits, wanted, stops, really_stopped, all_parts = [], 0, 0, 0, 0, 0
    for mutation in injected:
        blast = blast_of(
            changes(STATE, mutation.state), new=mutation.state, lineage=lineage, users=users, writers=senders
        )
        broken = compiled.broken(mutation.table, mutation.state) | files.broken(mutation)
        predicted = _predicted(blast, parts)
        stopped = {("dbt", p.name) for p in blast.parts if p.effect == "stops"} & compiled.parts
        missed += [f"{mutation}: {part}" for part in sorted(broken - predicted)]
        wanted += len(broken)
        hits += len(predicted)
        stops += len(stopped)
        really_stopped += len(stopped & broken)
        all_parts += len(parts)
    figures = (
        f"{len(injected)} mutations: {wanted} breaks, {hits} predicted of {all_parts} possible; "
        f"{really_stopped} of {stops} said to stop did"
    )
    assert missed == []
    assert {mutation.kind for mutation in injected} == set(made.KINDS)
    assert len(injected) > 30
    assert really_stopped == stops, figures
    assert wanted > 0.45 * hits, figures
    assert hits < 0.15 * all_parts, figures
