"""A history from its seed to the lake: every format is known at the door, every row lands once, the truth stays out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from aurora.errors import NotFoundError, UsageError
from aurora.ingest.batch import ingest_landing
from aurora.ingest.landing import landed_files
from aurora.ingest.source_formats import contract_for, detect
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from twin.content import lake_hash
from twin.history import twin_frame, write_history
from twin.truth import list_truth, read_manifest, read_truth, truth_folder

pytestmark = pytest.mark.slow
_UNTIL = dt.date(2026, 11, 26)
_DAYS, _SCALE = 30, 0.012
_FOREIGN = {
    "twin_litellm_log": "litellm_standard_logging_jsonl",
    "twin_litellm_spend": "litellm_spend_logs_json",
    "twin_litellm_dump": "litellm_spend_logs_csv",
    "twin_langfuse": "langfuse_json",
    "twin_langfuse_observations": "langfuse_json",
    "twin_langfuse_v2": "langfuse_json",
    "twin_langfuse_csv": "langfuse_csv",
    "twin_langfuse_scores": "langfuse_scores_json",
    "twin_langfuse_score_table": "langfuse_scores_csv",
    "twin_otel": "otlp_json",
    "twin_otel_proto": "otlp_protobuf",
    "twin_responses": "provider_responses_jsonl",
    "twin_azure": "azure_llm_csv",
    "twin_azure_focus": "focus_csv",
    "twin_gemini_focus": "focus_parquet",
}


def lived(folder: Path, *, seed: int = 7) -> TenantPaths:
    """A tenant with a short history in its landing folder."""
    paths = create_tenant(folder, "twin", "ae-dubai")
    create_lake(paths)
    frame = twin_frame(Settings(data_dir=folder), paths, until=_UNTIL, days=_DAYS, seed=seed, scale=_SCALE)
    write_history(paths, frame)
    return paths


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    """A history and the lake it became."""
    paths = lived(tmp_path_factory.mktemp("history"))
    ingest_landing(paths, clock=lambda: dt.datetime(2026, 11, 26, 8, tzinfo=dt.UTC))
    return paths


def test_each_file_is_known_at_the_door_as_what_it_is(landed: TenantPaths):
    formats = {(source, file.name.split("-")[0]): (detect(file), file) for source, file in landed_files(landed)}
    for source, name in _FOREIGN.items():
        assert {found for (one, _), (found, _) in formats.items() if one == source} == {name}
    assert formats["twin_chatgpt", "usage"][0] == "chatgpt_export_json"
    assert formats["twin_chatgpt", "evaluation"][0] == "chatgpt_feedback_json"
    assert formats["twin_openai_billing", "provider_usage"][0] == "openai_usage_json"
    assert formats["twin_openai_billing", "provider_cost"][0] == "openai_costs_json"
    for (_, contract), (found, file) in formats.items():
        if found.startswith(("canonical_", "export_envelope")):
            assert contract_for(file, found, None) == contract, file


def test_every_exported_row_landed_once_but_those_that_break_residency(landed: TenantPaths):
    counts = read_manifest(landed)["row_counts"]
    violations = read_truth(landed, "residency_violations").height
    with read_lake(landed) as lake:
        rules = dict(lake.query("SELECT rule, count(*) FROM raw.quarantine GROUP BY 1").iter_rows())
        found = {name: lake.query(f"SELECT count(*) FROM raw.{name}").item() for name in counts}
        refused = lake.query("SELECT row_number FROM raw.residency_refusal").height
    assert rules == {"residency": violations}
    assert refused == violations
    told_by_langfuse = found.pop("conversation") - counts.pop("conversation")
    assert told_by_langfuse > 0  # and ChatGPT: their conversations are in their usage exports
    assert found == {**counts, "usage": counts["usage"] - violations}


def test_the_truth_lies_beside_the_landing_folder_and_the_lake(landed: TenantPaths):
    assert not truth_folder(landed).is_relative_to(landed.landing)
    tables = {one["truth"] for one in list_truth(landed)}
    assert tables >= {"assistant_skill", "tasks", "outages", "overriders", "override_opinions", "billing_errors"}
    with read_lake(landed) as lake:
        columns = {name for table in lake.columns("raw").values() for name in table}
    assert not columns & {"success_probability", "best_assistant_id", "reliability"}


def test_the_same_seed_gives_the_same_lake_and_coming_again_changes_nothing(landed: TenantPaths, tmp_path: Path):
    again = lived(tmp_path)
    assert read_manifest(again)["files_hash"] == read_manifest(landed)["files_hash"]
    ingest_landing(again, clock=lambda: dt.datetime(2026, 11, 27, 9, tzinfo=dt.UTC))
    before = lake_hash(landed)
    assert lake_hash(again) == before
    lived(tmp_path)
    reports = ingest_landing(again, clock=lambda: dt.datetime(2026, 11, 28, 9, tzinfo=dt.UTC))
    assert all(report.is_known for report in reports)
    assert lake_hash(again) == before


def test_another_seed_gives_another_life(landed: TenantPaths, tmp_path: Path):
    assert read_manifest(lived(tmp_path, seed=8))["files_hash"] != read_manifest(landed)["files_hash"]


def test_what_makes_no_history_is_refused(tmp_path: Path):
    paths = create_tenant(tmp_path, "twin", "ae-dubai")
    with pytest.raises(NotFoundError, match="has no twin"):
        read_manifest(paths)
    with pytest.raises(UsageError, match="not in healthcare"):
        twin_frame(Settings(data_dir=tmp_path, pack="healthcare"), paths, until=_UNTIL, days=10, seed=7, scale=1.0)
    for days, scale in ((0, 1.0), (10, 0.0), (10, 99.0)):
        with pytest.raises(UsageError):
            twin_frame(Settings(data_dir=tmp_path), paths, until=_UNTIL, days=days, seed=7, scale=scale)
