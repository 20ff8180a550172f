{# A lake has no indexes: dbt-duckdb would ask for them before each rename, some 15 ms a model. #}
{% macro drop_indexes_on_relation(relation) -%} {%- endmacro %}
