{# The KPI's meta; an error names what is missing. #}
{% macro kpi_meta(node) -%}
    {%- set meta = node.config.meta -%}
    {%- for key in [
        "kpi_name",
        "unit",
        "target",
        "direction",
        "definition",
        "owner",
        "plan_ids",
        "alert_at",
        "alert_level",
    ] -%}
        {%- if key not in meta -%}
            {%- do exceptions.raise_compiler_error(
                node.name
                ~ " has no meta."
                ~ key
                ~ ". Add it to "
                ~ node.name
                ~ ".yml under config.meta; see docs/reference/kpis.md."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if meta.direction not in ["up", "down"] -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ " has meta.direction " ~ meta.direction ~ ". It is up or down."
        ) -%}
    {%- endif -%}
    {{ return(meta) }}
{%- endmacro %}

{# Rows of KPIs whose file is gone. #}
{% macro drop_gone_kpis() -%}
    {%- if execute -%}
        {%- set kept = (
            graph.nodes.values()
            | selectattr("resource_type", "equalto", "model")
            | map(attribute="name")
            | join("', '")
        ) -%}
        delete from {{ this }}
        where kpi_id not in ('{{ kept }}')
    {%- endif -%}
{%- endmacro %}
