"""The dbt project's own rules: everything described, typed, with a grain; sources as the contracts say."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from aurora.catalogue.kpi_files import TABLE_FILE, kpi_values_sql, read_kpis
from aurora.insights.kpi_page import PAGE, kpis_page
from aurora.settings import PROJECT_DIR
from contracts import registry
from contracts.vocabulary import OPERATIONS
from orchestration.dbt_runner import DBT_PROJECT_DIR, dbt_folder
from orchestration.dbt_sources import SOURCES_FILE, sources_yml, write_sources
from orchestration.defs.transform.lineage import read_lineage

MODELS = DBT_PROJECT_DIR / "models"
KPIS = read_kpis(DBT_PROJECT_DIR)
CHECKLIST = PROJECT_DIR.parent / "shared" / "requirements" / "checklist.csv"


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
    for file in [file for file in MODELS.rglob("*.yml") if file.parent.name != "kpis"]:
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
    assert set(ours) == marts
    for name, mart in ours.items():
        upstream, raw = _behind(manifest, models[name]["unique_id"], marts)
        assert (upstream, raw) == (set(mart.marts), set(mart.raw_tables)), name


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


def test_the_catalogue_page_is_what_the_kpi_files_say():
    assert PAGE.read_text(encoding="utf-8") == kpis_page(KPIS), "python -m orchestration write-kpis"


def test_the_compiled_kpis_are_what_the_kpi_files_say():
    text = (DBT_PROJECT_DIR / TABLE_FILE).read_text(encoding="utf-8")
    assert text == kpi_values_sql(KPIS), "python -m orchestration write-kpis"


def test_values_stand_apart_from_targets():
    """The same files with other targets: only the lines that declare them differ."""
    others = [msgspec.structs.replace(kpi, target=kpi.target + 7, alert_at=kpi.alert_at + 7) for kpi in KPIS]
    old, new = kpi_values_sql(KPIS).splitlines(), kpi_values_sql(others).splitlines()
    changed = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
    assert len(changed) == len(KPIS)
    assert all("as declared_target" in one and "kpi_value" not in one for one, _ in changed)


@pytest.mark.skipif(not CHECKLIST.is_file(), reason="the plans' checklist lies beside the checkout")
def test_every_metric_of_both_plans_is_a_kpi():
    """Metrics are what the plans list under KPIs and business metrics, and what the checklist wants as a KPI row."""
    with CHECKLIST.open(encoding="utf-8", newline="") as file:
        items = list(csv.DictReader(file))
    metrics = {
        item["id"]
        for item in items
        if re.search(r"\bKPI (registry )?row\b|`mart_ecosystem_metrics`", item["materialises_as"])
        or item["heading"].startswith(("KPIs", "Business metrics"))
    }
    answered = {point for kpi in KPIS for point in kpi.plan_ids}
    assert len(metrics) >= 38
    assert metrics - answered == set()
    assert answered <= {item["id"] for item in items}
