"""Column-level lineage of this house's own SQL, and what a small project of known shape gives."""

import json
from pathlib import Path

import pytest

from aurora.catalogue.blast import blast_of
from aurora.catalogue.dbt_sql import KPI_TABLE, read_models
from aurora.catalogue.lineage import raw_columns, read_lineage
from aurora.catalogue.python_reads import module_reads
from aurora.catalogue.radius import House, read_house
from aurora.catalogue.uses import FIELD_ORIGINS
from aurora.compliance.records import DECISION_FIELDS
from aurora.packs import load_pack
from aurora.settings import PROJECT_DIR
from contracts import registry
from contracts.evolution import changes, described
from contracts.fields import FIELDS

STATE = json.loads(json.dumps(described(registry.tables())))
PACK = load_pack(PROJECT_DIR / "packs", "real_estate")


@pytest.fixture(scope="module")
def house() -> House:
    return read_house([PACK], STATE)


def test_all_sql_of_the_project_is_understood(house):
    assert house.lineage.unread == frozenset()


def test_a_column_is_followed_through_renames_and_sums(house):
    affected = house.lineage.affected([("raw__usage", "response_model")])
    assert "model_name" in affected["int_usage_operations"]
    assert "model_name" in affected["cost_daily"]
    assert "decisions" not in affected


def test_a_column_that_chooses_rows_affects_all_columns(house):
    affected = house.lineage.affected([("raw__task", "submitted_at")])
    assert affected["tasks_daily"] == set(house.lineage.columns["tasks_daily"])


def test_a_column_that_only_staging_names_stops_no_mart_of_another_table(house):
    raw = raw_columns(STATE)
    raw["raw__journal_offset"] = tuple(name for name in raw["raw__journal_offset"] if name != "row_count")
    assert house.lineage.stopped(raw) == ["stg_raw__journal_offsets"]


def test_every_assistant_exports_contracts_that_exist():
    for assistant in PACK.assistants:
        assert set(assistant.exports) <= set(registry.tables()), assistant.assistant_id


def test_every_field_of_rules_with_an_origin_exists(house):
    assert FIELD_ORIGINS.keys() <= DECISION_FIELDS.keys()
    for origins in FIELD_ORIGINS.values():
        for relation, column in origins:
            layer, _, table = relation.partition(".")
            columns = registry.table(table).columns if layer == "raw" else house.lineage.columns[table]
            assert column in columns


def test_a_removed_column_stops_the_pages_and_rules_that_need_it(house):
    changed = json.loads(json.dumps(STATE))
    del changed["task"]["columns"]["duration_ms"]
    blast = house.blast(changes(STATE, changed), changed)
    assert ("rule", "slo_001") in blast.reached
    assert ("policy", "weighted_score") in blast.stopped
    assert ("feature", "duration_p50_ms") in blast.stopped
    assert blast.names("assistant", "must follow") == sorted(one.assistant_id for one in PACK.assistants)
    assert ("mart", "cost_daily") not in blast.reached


def test_what_only_senders_notice_reaches_no_reader(house):
    changed = json.loads(json.dumps(STATE))
    changed["message_stat"]["columns"]["response_p50_ms"]["is_required"] = True
    blast = house.blast(changes(STATE, changed), changed)
    assert {kind for kind, _ in blast.reached} == {"assistant", "format"}
    assert blast.names("assistant") == ["linda", "nina"]


def test_every_page_of_figures_is_known_to_read_the_marts(house):
    pages = {user.name: user.tables for user in house.users if user.kind == "page"}
    assert "mart.usage_daily" in pages["costs"]
    assert f"mart.{KPI_TABLE}" in pages["home"]
    assert "raw.ingest_batch" in pages["contracts"]


def _project(folder: Path, **sql: str) -> Path:
    for name, text in {"stg": "select usage_id, cost_usd from {{ source('raw', 'usage') }}", **sql}.items():
        file = folder / "models" / ("staging" if name == "stg" else "marts/finance") / f"{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "macros").mkdir()
    (folder / "macros" / "m.sql").write_text(
        "{% macro twice(column) -%} {{ return(adapter.dispatch('twice')(column)) }} {%- endmacro %}\n"
        "{% macro default__twice(column) -%} (2 * {{ column }}) {%- endmacro %}",
        encoding="utf-8",
    )
    return folder


def test_macros_are_rendered_as_they_are(tmp_path):
    models = read_models(_project(tmp_path, mart="select {{ twice('cost_usd') }} as double_usd from {{ ref('stg') }}"))
    assert list(models) == ["stg", "mart"]
    lineage = read_lineage({"raw__usage": ("usage_id", "cost_usd")}, models)
    assert lineage.compiled["mart"].outputs == {"double_usd": {("stg", "cost_usd")}}
    assert lineage.compiled["mart"].worked == {("stg", "cost_usd")}


def test_sql_that_is_not_understood_is_taken_to_read_everything(tmp_path):
    models = read_models(
        _project(tmp_path, mart="select ((( {{ ref('stg') }}", after="select * from {{ ref('mart') }}")
    )
    lineage = read_lineage({"raw__usage": ("usage_id", "cost_usd")}, models)
    assert lineage.unread >= {"mart"}
    assert lineage.stopped({"raw__usage": ("usage_id",)}) == ["stg", "mart", "after"]


def test_a_star_passes_a_lost_column_on_to_who_names_it(tmp_path):
    star = "select * from {{ source('raw', 'usage') }}"
    models = read_models(
        _project(
            tmp_path, stg=star, one="select cost_usd from {{ ref('stg') }}", two="select usage_id from {{ ref('stg') }}"
        )
    )
    lineage = read_lineage({"raw__usage": ("usage_id", "cost_usd")}, models)
    assert lineage.stopped({"raw__usage": ("usage_id",)}) == ["one"]


def test_a_blast_of_nothing_is_empty(house):
    assert blast_of([], new=STATE, lineage=house.lineage, users=house.users, writers=house.writers).parts == ()


def test_a_read_takes_the_words_of_the_constants_it_uses(tmp_path):
    file = tmp_path / "reads.py"
    file.write_text(
        '_SUM = "sum(cost_usd) AS cost_usd"\nQUESTION = ask(sql=f"SELECT {_SUM} FROM mart.cost_daily")\nOTHER = "no table"\n',
        encoding="utf-8",
    )
    (read,) = module_reads(file, tmp_path)
    assert (read.name, read.tables) == ("QUESTION", {"mart.cost_daily"})
    assert "cost_usd" in read.words & FIELDS.keys()
