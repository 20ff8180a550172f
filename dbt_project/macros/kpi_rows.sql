{# The KPI's rows that `kpi_values` lacks; those that changed are gone from it by then (kpis.sql). #}
{% macro carry_kpi_rows() -%}
    {%- set kpi_values = ref("kpi_values") -%}
    {%- set usage_daily = ref("usage_daily") -%}
    {%- if execute -%}
        {%- set columns = kpi_columns() | join(", ") -%}
        insert into {{ kpi_values }} (kpi_id, period_date, {{ columns }}, snapshot_id)
        select '{{ model.name }}', period_date, {{ columns }}, {{ raw_snapshot_id() }}
        from ({{ described_kpi(usage_daily) }}) as fresh
        where period_date not in (select period_date from {{ kpi_values }} where kpi_id = '{{ model.name }}')
    {%- endif -%}
{%- endmacro %}
