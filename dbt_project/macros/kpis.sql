-- fmt: off
{#
    KPIs. One is a file `models/marts/kpis/kpi_<name>.sql` giving period_date, kpi_value, value_low, value_high
    and sample_count, and a `.yml` beside it whose meta says what it is called, its unit, target and direction.
    The post-hook below carries its rows into `kpi_values`, in the transaction that writes them: nothing else
    is edited. (A model cannot ref() what it does not name, so the KPIs bring their rows, not the other way.)
#}
{% macro collect_kpi() -%}
    {%- set kpi_values = ref("kpi_values") -%}
    {%- set usage_daily = ref("usage_daily") -%}
    {%- if execute -%}
        {%- set kpi_rows = described_kpi(usage_daily) -%}
        {%- set described = ["kpi_name", "kpi_value", "unit", "target", "direction", "value_low", "value_high", "sample_count", "is_met"] -%}
        delete from {{ kpi_values }}
        where
            kpi_id = '{{ model.name }}'
            and period_date not in (
                select held.period_date
                from {{ kpi_values }} as held
                inner join ({{ kpi_rows }}) as fresh on held.period_date = fresh.period_date
                where
                    held.kpi_id = '{{ model.name }}'
                    {% for column in described -%} and held.{{ column }} is not distinct from fresh.{{ column }} {% endfor %}
            );
        insert into {{ kpi_values }} (kpi_id, period_date, {{ described | join(", ") }}, snapshot_id)
        select '{{ model.name }}', period_date, {{ described | join(", ") }}, {{ raw_snapshot_id() }}
        from ({{ kpi_rows }}) as fresh
        where period_date not in (select period_date from {{ kpi_values }} where kpi_id = '{{ model.name }}')
    {%- endif -%}
{%- endmacro %}

{#
    The KPI's rows with what its yml says about it. A KPI that nothing was measured for yet has one row
    without a value, on the newest day there is.
#}
{% macro described_kpi(usage_daily) -%}
    {%- set meta = kpi_meta(model) -%}
    {%- set kpi_name = meta.kpi_name | replace("'", "''") -%}
    {%- set met = "kpi_value >= " if meta.direction == "up" else "kpi_value <= " -%}
    select
        period_date,
        '{{ kpi_name }}' as kpi_name,
        kpi_value,
        '{{ meta.unit }}' as unit,
        cast({{ meta.target }} as double) as target,
        '{{ meta.direction }}' as direction,
        value_low,
        value_high,
        sample_count,
        {{ met }} cast({{ meta.target }} as double) as is_met
    from (
        select period_date, kpi_value, value_low, value_high, sample_count from {{ this }}
        union all
        select max(period_date), null, null, null, 0 from {{ usage_daily }}
        where not exists (select 1 from {{ this }}) having max(period_date) is not null
    ) as measured
{%- endmacro %}

{# The KPI's meta; an error names what is missing. #}
{% macro kpi_meta(node) -%}
    {%- set meta = node.config.meta -%}
    {%- for key in ["kpi_name", "unit", "target", "direction", "definition", "owner", "plan_ids", "alert_at", "alert_level"] -%}
        {%- if key not in meta -%}
            {%- do exceptions.raise_compiler_error(
                node.name ~ " has no meta." ~ key ~ ". Add it to " ~ node.name ~ ".yml under config.meta; see docs/reference/kpis.md."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if meta.direction not in ["up", "down"] -%}
        {%- do exceptions.raise_compiler_error(node.name ~ " has meta.direction " ~ meta.direction ~ ". It is up or down.") -%}
    {%- endif -%}
    {{ return(meta) }}
{%- endmacro %}

{# Rows of KPIs whose file is gone. #}
{% macro drop_gone_kpis() -%}
    {%- if execute -%}
        {%- set kept = graph.nodes.values() | selectattr("resource_type", "equalto", "model") | map(attribute="name") | join("', '") -%}
        delete from {{ this }} where kpi_id not in ('{{ kept }}')
    {%- endif -%}
{%- endmacro %}

{#
    The 95 % Wilson interval of a share: it stays inside 0 to 1 and holds with few observations and shares
    near 1, where the usual interval does not. Null without observations.
#}
{% macro wilson(successes, trials, end) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set towards = 0 - z if end == "low" else z -%}
    (
        (cast({{ successes }} as double) + {{ z * z / 2 }})
        + {{ towards }} * sqrt(
            cast({{ successes }} as double) * ({{ trials }} - {{ successes }}) / nullif({{ trials }}, 0) + {{ z * z / 4 }}
        )
    )
    / (nullif({{ trials }}, 0) + {{ z * z }})
{%- endmacro %}
