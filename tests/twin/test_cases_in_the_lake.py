"""Through the door: in the lake that the whole twin fills, predicates find the planted violations and nothing else."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from aurora.ingest.batch import ingest_landing
from aurora.settings import Settings
from aurora.store.lake import LakeReader, create_lake, read_lake
from aurora.store.paths import TenantPaths, create_tenant
from contracts import registry
from tests.twin.judging import findings
from twin.cases.ledger import VIOLATION
from twin.cases.predicates import PREDICATES
from twin.history import twin_frame, write_history
from twin.truth import read_truth

pytestmark = pytest.mark.slow
UNTIL = dt.date(2026, 11, 26)
MIDNIGHT = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> TenantPaths:
    folder = tmp_path_factory.mktemp("cases")
    paths = create_tenant(folder, "twin", "ae-dubai")
    create_lake(paths)
    write_history(paths, twin_frame(Settings(data_dir=folder), paths, until=UNTIL, days=20, seed=5, scale=0.02))
    ingest_landing(paths, clock=lambda: MIDNIGHT + dt.timedelta(hours=8))
    return paths


def newest(lake: LakeReader) -> dict[str, pl.DataFrame]:
    """Every raw table in the newest state of each key."""
    found = {}
    for name, declared in registry.tables().items():
        newest_of = f"QUALIFY row_number() OVER (PARTITION BY {', '.join(declared.key)} ORDER BY {declared.versioned_by} DESC) = 1"
        found[name] = lake.query(f"SELECT * FROM raw.{name} {newest_of if declared.versioned_by else ''}")
    return found


def test_the_predicates_find_the_planted_violations_in_the_lake_and_nothing_else(landed: TenantPaths):
    with read_lake(landed) as lake:
        found = findings(newest(lake), MIDNIGHT)
    cases = read_truth(landed, "planted_cases").filter(pl.col("expected") == VIOLATION)
    planted = {rule_id: set[tuple[str, str]]() for rule_id in PREDICATES}
    for rule_id, source, key in cases.select("rule_id", "source", "record_key").rows():
        planted[rule_id].add((source, key))
    assert found == planted
    assert all(planted.values())


def test_the_door_refuses_no_row_of_the_brokerage(landed: TenantPaths):
    with read_lake(landed) as lake:
        refused = lake.query("SELECT contract, source, rule FROM raw.quarantine WHERE rule <> 'residency'")
    assert refused.is_empty()


def test_the_truth_is_in_no_landing_file(landed: TenantPaths):
    names = {file.name for file in Path(landed.landing).rglob("*") if file.is_file()}
    assert not [name for name in names if "planted" in name or "case_id" in name]
