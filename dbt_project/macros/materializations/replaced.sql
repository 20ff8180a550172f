{#
    A small table that is computed whole each run and written only when it differs, in one transaction.
    For a few hundred rows without a period. dbt's own `table` writes and renames in every run, and every
    build then gets slower as the catalog grows.
#}
{% materialization replaced, adapter = "duckdb" -%}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and (should_full_refresh() or table_columns(existing) != model.columns | list) -%}
        {%- do adapter.drop_relation(existing) -%} {%- set existing = none -%}
    {%- endif -%}
    {%- if existing is none -%}
        {%- call statement("main") -%} {{ create_table_as(False, target_relation, compiled_code) }} {%- endcall -%}
    {%- else -%}
        {%- set fresh = make_temp_relation(target_relation) -%}
        {%- do run_query(create_table_as(True, fresh, compiled_code)) -%}
        {%- set changes = run_query(
            "select count(*) from ((table "
            ~ fresh
            ~ " except all table "
            ~ this
            ~ ") union all (table "
            ~ this
            ~ " except all table "
            ~ fresh
            ~ "))"
        ).rows[0][0] -%}
        {%- set replace = (
            "delete from "
            ~ target_relation
            ~ "; insert into "
            ~ target_relation
            ~ " select * from "
            ~ fresh
        ) -%}
        {%- call statement("main") -%} {{ replace if changes else "select 1" }}
        {%- endcall -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [target_relation]}) }}
{%- endmaterialization %}

{% macro table_columns(relation) -%}
    {{ return(adapter.get_columns_in_relation(relation) | map(attribute="name") | list) }}
{%- endmacro %}
