"""`aurora quality check`, and the asset checks that say the same: a silent source and half a day end with 3."""

from __future__ import annotations

import datetime as dt
import json

import dagster as dg
import polars as pl
import pytest

from apps.bootstrap import utc_now
from apps.cli import main
from aurora.store.lake import create_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts import registry
from orchestration.defs.quality.checks import ASSET, FRESH, NORMAL, quality_checks
from orchestration.defs.transform.assets import mart_key
from orchestration.resources import Workspace


@pytest.fixture
def paths(tmp_path, monkeypatch) -> TenantPaths:
    """A tenant whose gateway sends a thousand rows a day and whose CRM was last heard of two days ago."""
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(made)
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AURORA_PACKS_DIR", str(tmp_path / "packs"))
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    batches, days = [], []
    for number in range(40):
        at = midnight - dt.timedelta(days=number)
        for source, rows in (("gateway", 500 if number == 1 else 1000), ("crm", 50)):
            if source == "crm" and number < 3:
                continue
            known = {
                "batch_id": f"{source}-{number}",
                "batch_seq": 1,
                "contract": "usage",
                "source": source,
                "ingested_at": at,
            }
            batches.append(known | _COUNTS)
            days.append(known | {"event_date": at.date(), "good_count": rows})
    write_lake(made, "raw", lambda lake: _append(lake, batches, days), author="tests", message="History")
    return made


_COUNTS = {
    "source_format": "canonical_ndjson", "file_name": "f", "row_count": 1, "good_count": 1, "quarantined_count": 0,
    "duplicate_count": 0, "unpriced_count": 0,
}  # fmt: skip


def _append(lake, batches, days) -> None:
    for table, rows in (("ingest_batch", batches), ("batch_day", days)):
        schema = registry.polars_schema(registry.table(table))
        lake.append(table, pl.DataFrame(rows, schema={name: schema[name] for name in rows[0]}))


def run(capsys, monkeypatch, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["aurora", "quality", "check", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


@pytest.mark.usefixtures("paths")
def test_what_is_odd_ends_with_3_and_is_named(capsys, monkeypatch):
    code, out, err = run(capsys, monkeypatch, "--json")
    found = {row["source"]: row for row in json.loads(out)["sources"]}
    assert (found["crm"]["silence"], found["gateway"]["silence"]) == ("stale", "fresh")
    assert (found["gateway"]["volume"], found["gateway"]["row_count"]) == ("low", 500)
    assert found["gateway"]["low_count"] > 500
    problem = json.loads(err)
    assert (code, problem["rule"]) == (3, "freshness")
    assert problem["message"].startswith("2 of 2 sources are not as they should be: crm (usage) is silent for")


def test_what_the_tenant_declares_goes_before_history(paths, capsys, monkeypatch):
    (paths.directory / "sources.yaml").write_text(
        "sources:\n  crm: {expected_interval_h: 200}\n  gateway: {expected_low_count: 400}\n"
    )
    code, out, _ = run(capsys, monkeypatch)
    assert code == 0
    assert "gateway" in out


@pytest.mark.usefixtures("paths")
def test_the_asset_checks_say_the_same_and_only_warn():
    checks = quality_checks()
    definitions = dg.Definitions(
        assets=[dg.AssetSpec(mart_key(ASSET))],
        asset_checks=[checks],
        jobs=[dg.define_asset_job("look", dg.AssetSelection.checks(checks))],
        resources={"workspace": Workspace(tenant="demo")},
    )
    ran = definitions.resolve_job_def("look").execute_in_process()
    found = {one.check_name: one for one in ran.get_asset_check_evaluations()}
    assert {name: one.passed for name, one in found.items()} == {FRESH: False, NORMAL: False}
    assert {one.severity for one in found.values()} == {dg.AssetCheckSeverity.WARN}
    assert "crm (usage)" in str(found[FRESH].description)
