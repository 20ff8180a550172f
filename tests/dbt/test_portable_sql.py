"""Every model is portable SQL, and each rule of the lint bites."""

from pathlib import Path

import pytest

from orchestration.dbt_runner import DBT_PROJECT_DIR
from tests.dbt.portable_sql import faults

MODELS = sorted((DBT_PROJECT_DIR / "models").rglob("*.sql"))
PORTABLE = """
{{ config(unique_key="period_date", post_hook="{{ drop_gone_kpis() }}") }}
{# a comment may say qualify, source() and x::int #}
with days as (select period_date, sum_of from {{ ref("usage_daily") }} where {{ in_touched_days(ref("a"), day="d") }})
select
    period_date,
    cast(sum(cost) as decimal(18, 9)) as cost,
    cast(sum(n) over (partition by a order by b asc nulls last, c desc nulls first) as bigint) as running,
    {{ percentile("duration_ms", 0.95) }} as p95,
    'qualify :: dayofweek(x)' as text -- group by all
from days
group by period_date, b
"""
WRONG = {
    "select a from t qualify row_number() over (order by a nulls last) = 1": "QUALIFY",
    "select a, count(*) from t group by all": "GROUP BY ALL",
    "select a::int from t": ":: casts",
    "select t.a, count(*) from t join u using (a) group by t.a": "JOIN USING",
    "select date_diff('day', a, b) from t": "date_diff()",
    "select datediff(a, b) from t": "datediff()",
    "select dayofweek(a) from t": "dayofweek()",
    "select sum(n) as n from t": "sum() without cast",
    "select abs(sum(n)) from t": "sum() without cast",
    "select row_number() over (partition by a order by b) from t": "ORDER BY in a window",
    "select row_number() over (order by b nulls last, c) from t": "ORDER BY in a window",
    "select max(a) within group (order by b) from t": "ORDER BY in a window",
    "select list_sort(a) from t": "list_sort()",
    "select len(a) from t": "len()",
    "select * exclude (a) from t": "* EXCLUDE",
    "select a // 2 from t": "//",
    "select a from {{ source('raw', 'usage') }}": "source() stands in staging only",
}


@pytest.mark.parametrize("model", MODELS, ids=lambda file: file.stem)
def test_a_model_is_portable(model: Path) -> None:
    assert (
        faults(model.read_text(encoding="utf-8"), folder=model.relative_to(DBT_PROJECT_DIR / "models").parts[0]) == []
    )


def test_portable_sql_with_jinja_passes() -> None:
    assert faults(PORTABLE) == []


@pytest.mark.parametrize(("sql", "fault"), WRONG.items(), ids=list(WRONG.values()))
def test_a_rule_bites(sql: str, fault: str) -> None:
    assert [found for found in faults(sql) if found.startswith(fault)] == faults(sql) != []


def test_staging_may_name_its_source() -> None:
    assert faults("select a from {{ source('raw', 'usage') }}", folder="staging") == []
