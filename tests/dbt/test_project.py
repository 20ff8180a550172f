"""The dbt project's own rules: everything described, typed, with a grain; sources as the contracts say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts import registry
from contracts.vocabulary import OPERATIONS
from orchestration.dbt_runner import DBT_PROJECT_DIR, dbt_folder
from orchestration.dbt_sources import SOURCES_FILE, sources_yml, write_sources
from orchestration.defs.transform.lineage import KPI_AREA, KPI_TABLE, read_lineage
from orchestration.kpi_catalogue import META, PAGE, kpis_page, read_kpis

MODELS = DBT_PROJECT_DIR / "models"


@pytest.fixture(scope="module")
def manifest(built) -> dict[str, Any]:
    """dbt's own account of the project, as the build wrote it."""
    return json.loads((dbt_folder(built) / "target" / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def models(manifest) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def declared() -> dict[str, dict[str, Any]]:
    """Every model's declaration, from the yml files."""
    found = {}
    for file in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            assert model["name"] == file.stem, f"{file} declares {model['name']}"
            found[model["name"]] = model
    return found


def test_every_model_has_a_yml_beside_it_that_describes_it_with_its_grain(models):
    texts = declared()
    assert set(texts) == set(models) == {file.stem for file in MODELS.rglob("*.sql")}
    assert [name for name, model in texts.items() if "Grain: one row" not in model["description"]] == []


def test_every_mart_enforces_a_contract_with_described_columns(models):
    stored = {name: node for name, node in models.items() if node["config"]["materialized"] != "view"}
    assert {name for name, node in models.items() if node["path"].startswith("marts/")} <= set(stored)
    for name, node in stored.items():
        assert node["contract"]["enforced"] is True, name
        assert node["columns"], name
        for column in node["columns"].values():
            assert column["description"], f"{name}.{column['name']}"
            assert column["data_type"], f"{name}.{column['name']}"


def test_every_stored_model_has_a_grain_test_over_its_own_columns(manifest, models):
    grains = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node["test_metadata"]["name"] == "unique_grain":
            name = node["attached_node"].rsplit(".", 1)[1]
            grains[name] = node["test_metadata"]["kwargs"]["columns"]
    for name, node in models.items():
        if node["config"]["materialized"] != "view":
            assert grains.get(name), name
            assert set(grains[name]) <= set(node["columns"]), name


def test_columns_that_are_never_null_say_so(models):
    for name, node in models.items():
        if node["config"]["materialized"] == "view":
            continue
        key = [column for column in node["columns"].values() if column["name"] in {"period_date", "kpi_id"}]
        assert all(column["constraints"] for column in key), name


def test_the_source_declaration_is_what_the_contracts_say():
    assert SOURCES_FILE.read_text(encoding="utf-8") == sources_yml()


def test_writing_the_source_declaration_twice_writes_once(tmp_path: Path):
    file = tmp_path / "_raw__sources.yml"
    assert write_sources(file)
    assert not write_sources(file)
    assert {table["name"] for table in yaml.safe_load(file.read_text())["sources"][0]["tables"]} == set(
        registry.tables()
    )


def test_a_raw_table_is_read_by_one_staging_view_and_nothing_else(models):
    """A contract gets its view when something is made from it: a view costs every build."""
    readers: dict[str, list[str]] = {}
    for node in models.values():
        for _, name in node["sources"]:
            readers.setdefault(name, []).append(node["path"].split("/")[0])
    assert set(readers) <= set(registry.tables())
    assert {name: rooms for name, rooms in readers.items() if rooms != ["staging"]} == {}


def test_the_operations_that_have_a_name_are_the_contracts():
    macro = (DBT_PROJECT_DIR / "macros" / "operations.sql").read_text(encoding="utf-8")
    assert tuple(re.findall(r"'([a-z_]+)',?\n", macro))[: len(OPERATIONS)] == OPERATIONS


def test_the_lineage_read_off_the_files_is_dbts_own(manifest, models):
    ours = {mart.name: mart for mart in read_lineage(DBT_PROJECT_DIR)}
    marts = {name for name, node in models.items() if node["path"].startswith("marts/")}
    kpis = {name for name in marts if models[name]["path"].startswith("marts/kpis/")}
    assert set(ours) == marts
    for name, mart in ours.items():
        upstream, raw = _behind(manifest, models[name]["unique_id"], marts)
        if name == KPI_TABLE:
            assert (mart.marts, mart.raw_tables, mart.area) == (kpis, frozenset(), KPI_AREA)
        else:
            # dbt also sees the hooks of a KPI: where its rows go, and the newest day
            hooks = {KPI_TABLE, "usage_daily"} - mart.marts if name in kpis else set()
            assert upstream - hooks == mart.marts, name
            assert raw == mart.raw_tables, name


def _behind(manifest: dict[str, Any], unique_id: str, marts: set[str]) -> tuple[set[str], set[str]]:
    """Marts and raw tables behind a node, through views."""
    upstream, raw = set(), set()
    for parent in manifest["parent_map"][unique_id]:
        kind, name = parent.split(".")[0], parent.rsplit(".", 1)[1]
        if kind == "source":
            raw.add(name)
        elif kind == "model" and name in marts:
            upstream.add(name)
        elif kind == "model":
            further, deeper = _behind(manifest, parent, marts)
            upstream |= further
            raw |= deeper
    return upstream, raw


def test_marts_come_behind_what_they_are_made_from():
    seen: set[str] = set()
    for mart in read_lineage(DBT_PROJECT_DIR):
        assert mart.marts <= seen, mart.name
        seen.add(mart.name)


def test_the_catalogue_holds_every_kpi_with_meaning_unit_target_and_plan(models):
    kpis = {kpi.kpi_id: kpi for kpi in read_kpis(DBT_PROJECT_DIR)}
    assert set(kpis) == {name for name in models if name.startswith("kpi_") and name != KPI_TABLE}
    assert len(kpis) == 12
    for kpi in kpis.values():
        assert kpi.definition
        assert kpi.plan_ids
        is_worse = kpi.alert_at <= kpi.target if kpi.direction == "up" else kpi.alert_at >= kpi.target
        assert is_worse, f"{kpi.kpi_id} would alert while its target is met"


def test_every_kpi_has_a_unit_test():
    tested = {
        test["model"]
        for file in (MODELS / "marts" / "kpis").glob("*.yml")
        for test in yaml.safe_load(file.read_text(encoding="utf-8")).get("unit_tests", [])
    }
    assert tested == {kpi.kpi_id for kpi in read_kpis(DBT_PROJECT_DIR)}


def test_the_catalogue_page_is_what_the_yml_files_say():
    assert PAGE.read_text(encoding="utf-8") == kpis_page(read_kpis(DBT_PROJECT_DIR)), (
        "python -m orchestration write-kpis"
    )


def test_dbt_asks_a_kpi_for_the_same_meta_as_the_catalogue():
    macro = (DBT_PROJECT_DIR / "macros" / "kpi_files.sql").read_text(encoding="utf-8")
    assert [name for name in META if f'"{name}"' not in macro] == []
