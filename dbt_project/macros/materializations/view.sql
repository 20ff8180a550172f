{#
    A view that is made only when its SQL has changed. dbt's own makes each view again in every run, which
    in a lake is several snapshots a view and run.
#}
{% materialization view, adapter = "duckdb" -%}
    {%- set target_relation = this.incorporate(type="view") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set hash = local_md5(sql) -%}
    {%- if existing is not none and not existing.is_view -%}
        {%- do adapter.drop_relation(existing) -%} {%- set existing = none -%}
    {%- endif -%}
    {%- set is_current = existing is not none and view_comment(this) == hash -%}
    {%- set make = "create or replace view " ~ target_relation ~ " as (" ~ sql ~ ")" -%}
    {%- call statement("main") -%} {{ "select 1" if is_current else make }} {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- if not is_current -%}
        {%- do run_query("comment on view " ~ target_relation ~ " is '" ~ hash ~ "'") -%} {%- do adapter.commit() -%}
    {%- endif -%}
    {{ return({"relations": [target_relation]}) }}
{%- endmaterialization %}

{% macro view_comment(relation) -%}
    {%- set found = run_query(
        "select comment from duckdb_views() where database_name = '"
        ~ relation.database
        ~ "' and schema_name = '"
        ~ relation.schema
        ~ "' and view_name = '"
        ~ relation.identifier
        ~ "'"
    ).rows -%}
    {{ return(found[0][0] if found else none) }}
{%- endmacro %}
