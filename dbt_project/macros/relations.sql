{#
    What stands in a schema of the lake, asked of its catalog. dbt-duckdb asks DuckDB, which then describes every table
    of both lakes: a quarter of a second a schema.
#}
{% macro duckdb__list_relations_without_caching(schema_relation) -%}
    {%- set catalog = "__ducklake_metadata_" ~ schema_relation.database -%}
    {%- call statement("list_relations_without_caching", fetch_result=True) -%}
        {%- for kind in ("table", "view") %}
            {{ "union all" if not loop.first }}
            select
                '{{ schema_relation.database }}' as database,
                found.{{ kind }}_name as name,
                held.schema_name as schema,
                '{{ kind }}' as type
            from {{ catalog }}.ducklake_{{ kind }} as found
            inner join {{ catalog }}.ducklake_schema as held on found.schema_id = held.schema_id
            where
                found.end_snapshot is null
                and held.end_snapshot is null
                and lower(held.schema_name) = '{{ schema_relation.schema | lower }}'
        {% endfor %}
    {%- endcall -%}
    {{ return(load_result("list_relations_without_caching").table) }}
{%- endmacro %}
