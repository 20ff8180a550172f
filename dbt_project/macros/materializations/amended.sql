{#
    A table that is computed whole each run and of which only the rows that differ are written, in one
    transaction. For small rows by the thousand: history costs reading, never writing.

    meta.key           columns that name a row
    meta.unchanged_by  columns that tell of the run: a row that differs in them alone stays as it is
#}
{% materialization amended, adapter = "duckdb" -%}
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
        {%- set gone = rows_without(this, fresh) -%}
        {%- set come = rows_without(fresh, this) -%}
        {%- set differ = run_query("select (select count(*) " ~ gone ~ ") + (select count(*) " ~ come ~ ")").rows[
            0
        ][0] -%}
        {%- set key = config.get("meta").key | join(", ") -%}
        {%- set amend = (
            "delete from "
            ~ target_relation
            ~ " where ("
            ~ key
            ~ ") in (select "
            ~ key
            ~ " "
            ~ gone
            ~ "); insert into "
            ~ target_relation
            ~ " select one.* "
            ~ come
        ) -%}
        {%- call statement("main") -%} {{ amend if differ else "select 1" }}
        {%- endcall -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [target_relation]}) }}
{%- endmaterialization %}

{# `from` and `where` of the rows of one relation that the other does not hold just so. #}
{% macro rows_without(relation, other) -%}
    {%- set alike = [] -%}
    {%- for column in model.columns if column not in config.get("meta").unchanged_by -%}
        {%- do alike.append("other." ~ column ~ " is not distinct from one." ~ column) -%}
    {%- endfor -%}
    {{
        return(
            "from " ~ relation ~ " as one where not exists (select 1 from " ~ other ~ " as other where " ~ alike
            | join(" and ") ~ ")"
        )
    }}
{%- endmacro %}
