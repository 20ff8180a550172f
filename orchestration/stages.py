"""What a build does, in order, each step skipped while its inputs have not changed. No Dagster here.

Dagster's assets (`orchestration/defs`) run these; a build that has nothing to do never imports it.
What a step does belongs to the engine: a stage only calls it and tells what it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from aurora.errors import AuroraError
from aurora.settings import PROJECT_DIR
from aurora.store.connection import latest_snapshot
from aurora.store.paths import TenantPaths
from orchestration.freshness import (
    Record,
    as_details,
    fingerprint,
    fingerprint_content,
    fingerprint_files,
    read_record,
    write_record,
)
from orchestration.sweeping import rules_inputs, run_rules, was_swept_lately
from orchestration.work import Work

Outcome = Literal["built", "fresh"]
FEATURES_AUTHOR: Final = "features"
"""Who appends published features to raw (`aurora.decisions.features.AUTHOR`): no mart is made from those."""
_PROGRESS_LINES: Final = 8
"""At most, while files come in: a first start brings dozens of small ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step. `inputs` fingerprints what it reads, cheaply; `run` does it and gives figures to show.

    `is_there` says whether what it made before is still there, where that can be lost by itself.
    """

    name: str
    meaning: str
    inputs: Callable[[Work], str]
    run: Callable[[Work], Mapping[str, object]]
    is_there: Callable[[Work], bool] = lambda _: True


def run_stage(stage: Stage, work: Work) -> tuple[Outcome, Record]:
    """Run a stage unless it is fresh, and write down how it ended. Raises what the stage raises."""
    began = time.monotonic()
    inputs = ""
    try:
        inputs = stage.inputs(work)
        known = _standing(stage, work, inputs)
        if known is not None:
            return "fresh", known
        work.progress(f"{stage.name}: {stage.meaning}")
        details = as_details(stage.run(work))
    except AuroraError as error:
        failed = _record(
            stage, work, began, state="failed", inputs=inputs, message=str(error), exit_code=error.exit_code
        )
        write_record(work.paths, failed)
        raise
    record = _record(stage, work, began, state="built", inputs=inputs, details=details)
    write_record(work.paths, record)
    work.progress(f"{stage.name}: done in {record.seconds:.1f} s" + _told(details))
    return "built", record


def is_fresh(stage: Stage, work: Work) -> bool:
    """Whether running the stage would change nothing. Inputs that cannot be read are not fresh: the run says why."""
    try:
        return _standing(stage, work, stage.inputs(work)) is not None
    except AuroraError:
        return False


def _standing(stage: Stage, work: Work, inputs: str) -> Record | None:
    """The stage's record, if it was built from these inputs and what it made is there."""
    known = read_record(work.paths, stage.name)
    is_same = known is not None and known.state == "built" and known.inputs == inputs
    return known if is_same and stage.is_there(work) else None


def _record(
    stage: Stage,
    work: Work,
    began: float,
    *,
    state: Literal["built", "failed"],
    inputs: str,
    details: Mapping[str, object] = MappingProxyType({}),
    message: str = "",
    exit_code: int = 0,
) -> Record:
    return Record(
        stage=stage.name,
        state=state,
        inputs=inputs,
        seconds=round(time.monotonic() - began, 3),
        ended_at=work.clock().isoformat(),
        details=as_details(details),
        message=message,
        exit_code=exit_code,
    )


def _told(details: Mapping[str, object]) -> str:
    shown = [
        f"{name.removesuffix('_count').replace('_', ' ')} {value:,}"
        for name, value in details.items()
        if isinstance(value, int) and value
    ]
    return f" ({', '.join(shown[:7])})" if shown else ""


# the fleet ------------------------------------------------------------------------------------


def _fleet_inputs(work: Work) -> str:
    from aurora.ingest.expectations import expectation_files
    from aurora.packs import pack_files

    files = pack_files(work.settings.packs_dir, work.settings.pack)
    expected = expectation_files(work.paths, packs_dir=work.settings.packs_dir, pack=work.settings.pack)
    return fingerprint_content({*files, *expected})


def _run_fleet(work: Work) -> Mapping[str, object]:
    from aurora.ingest.expectations import publish_expectations
    from aurora.ingest.fleet import publish_fleet
    from aurora.packs import load_pack

    settings = work.settings
    pack = load_pack(settings.packs_dir, settings.pack)
    expected = publish_expectations(work.paths, packs_dir=settings.packs_dir, pack=settings.pack)
    return {
        "assistant_count": len(pack.assistants),
        "changed_count": publish_fleet(work.paths, pack),
        "expectation_changed_count": expected,
    }


# landing --------------------------------------------------------------------------------------


def landing_inputs(paths: TenantPaths) -> str:
    """Fingerprint of everything that was dropped: what the landing sensor watches."""
    from aurora.ingest.landing import landed_files

    return fingerprint_files(file for _, file in landed_files(paths))


def _run_landing(work: Work) -> Mapping[str, object]:
    from aurora.ingest.batch import ingest_landing

    def tell(done: int, total: int, name: str) -> None:
        if total and done * _PROGRESS_LINES // total > (done - 1) * _PROGRESS_LINES // total:
            work.progress(f"landing: {done} of {total} files" + (f", {name}" if name else ""))

    reports = ingest_landing(work.paths, clock=work.clock, progress=tell, max_line_mb=work.settings.max_upload_mb)
    fresh = [report for report in reports if not report.is_known]
    return {
        "file_count": len(reports),
        "new_file_count": len(fresh),
        "row_count": sum(report.rows for report in fresh),
        "good_count": sum(report.good for report in fresh),
        "quarantined_count": sum(report.quarantined for report in fresh),
        "duplicate_count": sum(report.duplicates for report in fresh),
        "unpriced_count": sum(report.unpriced for report in fresh),
    }


# the journal ----------------------------------------------------------------------------------


def _journal_inputs(work: Work) -> str:
    from aurora.ingest.journal import JOURNAL_KINDS
    from aurora.store.journal import StateReader

    if not work.paths.state.is_file():
        return fingerprint()  # as for a journal without a row for the lake: a later stage may open it
    with StateReader(work.paths) as state:
        return fingerprint(*[entry.seq for kind in JOURNAL_KINDS for entry in state.page(kind, limit=1)])


def _run_journal(work: Work) -> Mapping[str, object]:
    from aurora.ingest.journal import copy_journal

    return {"row_count": copy_journal(work.paths, clock=work.clock)}


# golden records -------------------------------------------------------------------------------


def _entities_inputs(work: Work) -> str:
    from aurora.entities.judgements import KIND
    from aurora.entities.policy import load_policies, policies_text
    from aurora.store.journal import StateReader
    from aurora.store.lake import read_lake

    policies = load_policies(work.settings.packs_dir, work.settings.pack)
    with read_lake(work.paths) as lake:
        held = [lake.query(f"SELECT count(*), max(batch_seq) FROM raw.{kind}").row(0) for kind in policies]
    said: list[int] = []
    if work.paths.state.is_file():
        with StateReader(work.paths) as state:
            said = [entry.seq for entry in state.page(KIND, limit=1)]
    code = fingerprint_content((PROJECT_DIR / "aurora" / "entities").glob("*.py"))
    return fingerprint(policies_text(policies), code, *held, *said)


def _run_entities(work: Work) -> Mapping[str, object]:
    from aurora.entities.policy import load_policies
    from aurora.entities.resolve import resolve_entities

    policies = load_policies(work.settings.packs_dir, work.settings.pack)
    return resolve_entities(work.paths, policies, clock=work.clock)


def _run_conflicts(work: Work) -> Mapping[str, object]:
    from aurora.entities.conflicts import settle_conflicts
    from aurora.packs import load_pack

    pack = load_pack(work.settings.packs_dir, work.settings.pack)
    return settle_conflicts(work.paths, pack.assistants, clock=work.clock)


# checks, marts, features ----------------------------------------------------------------------


def _raw_inputs(work: Work) -> str:
    return fingerprint(latest_snapshot(work.paths, "raw", but_by=FEATURES_AUTHOR))


def _checks_inputs(work: Work) -> str:
    from orchestration.contract_checks import contract_checks

    return fingerprint(_raw_inputs(work), *[check.sql for check in contract_checks()])


def _run_checks(work: Work) -> Mapping[str, object]:
    from aurora.store.lake import read_lake
    from orchestration.contract_checks import failing_counts

    with read_lake(work.paths) as lake:
        return failing_counts(lake)


def _marts_inputs(work: Work) -> str:
    project = PROJECT_DIR / "dbt_project"
    sources = [file for kind in ("*.sql", "*.yml") for file in project.rglob(kind)]
    return fingerprint(_raw_inputs(work), fingerprint_content(sources))


def _run_marts(work: Work) -> Mapping[str, object]:
    from orchestration.dbt_runner import run_dbt

    report = run_dbt(work.paths, only_changed=True)
    kinds = [node.kind for node in report.nodes]
    return {
        "table_count": kinds.count("model"),
        "test_count": kinds.count("test"),
        "raw_snapshot_id": report.raw_snapshot_id,
    }


def _features_inputs(work: Work) -> str:
    return fingerprint(latest_snapshot(work.paths, "mart"))


def _has_features(work: Work) -> bool:
    from aurora.decisions.features import FILE

    return (work.paths.serving / FILE).is_file()


def _run_features(work: Work) -> Mapping[str, object]:
    from aurora.decisions.features import publish_features

    features = publish_features(work.paths, clock=work.clock)
    return {"feature_row_count": len(features.rows), "feature_hash": features.feature_hash}


# the LLM router -------------------------------------------------------------------------------


def _route_llm_inputs(work: Work) -> str:
    found = sorted(work.settings.shared_data_dir.glob("llmrouter/*")) + sorted(
        work.settings.shared_data_dir.glob("routerbench/*")
    )
    code = fingerprint_content((PROJECT_DIR / "ml").rglob("*.py"))
    return fingerprint(fingerprint_files(found), code, work.settings.seed if not found else "")


def _has_bundle(work: Work) -> bool:
    pointers = work.paths.serving / "bundles" / "route_llm"
    return any((pointers / alias).is_file() for alias in ("champion", "challenger"))


def _run_route_llm(work: Work) -> Mapping[str, object]:
    from ml.route_llm.train import train_and_publish

    report = train_and_publish(work.paths, work.settings, clock=work.clock)
    return {
        "outcome": report.outcome,
        "bundle_hash": report.bundle_hash,
        "is_sample": report.is_sample,
        "reasons": "; ".join(report.reasons),
        **report.metrics,
    }


FLEET: Final = Stage(
    name="fleet",
    meaning="assistants of the pack, what sources are expected to send",
    inputs=_fleet_inputs,
    run=_run_fleet,
)
LANDING: Final = Stage(
    name="landing", meaning="files dropped", inputs=lambda work: landing_inputs(work.paths), run=_run_landing
)
JOURNAL: Final = Stage(
    name="journal", meaning="decisions, outcomes, overrides", inputs=_journal_inputs, run=_run_journal
)
ENTITIES: Final = Stage(
    name="entities", meaning="which records are one party or property", inputs=_entities_inputs, run=_run_entities
)
RULES: Final = Stage(
    name="rules",
    meaning="records that break a rule",
    inputs=rules_inputs,
    run=run_rules,
    is_there=was_swept_lately,
)
CHECKS: Final = Stage(
    name="checks", meaning="the raw lake against its contracts", inputs=_checks_inputs, run=_run_checks
)
MARTS: Final = Stage(name="marts", meaning="figures, by dbt", inputs=_marts_inputs, run=_run_marts)
CONFLICTS: Final = Stage(
    name="conflicts", meaning="systems that disagree with golden records", inputs=_features_inputs, run=_run_conflicts
)
FEATURES: Final = Stage(
    name="features",
    meaning="what routing knows of assistants",
    inputs=_features_inputs,
    run=_run_features,
    is_there=_has_features,
)
ROUTE_LLM: Final = Stage(
    name="route_llm",
    meaning="which language model answers",
    inputs=_route_llm_inputs,
    run=_run_route_llm,
    is_there=_has_bundle,
)

STAGES: Final = (FLEET, LANDING, JOURNAL, ENTITIES, RULES, CHECKS, MARTS, CONFLICTS, FEATURES, ROUTE_LLM)
"""A build, in order."""
