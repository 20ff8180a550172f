{#
    How far each incremental model has read.

    One row a model: the last sequence number (batch_seq or journal_seq) it holds and a hash of the SQL that
    made it. The row is written by a post-hook in the transaction that writes the model, so a killed run
    leaves both or neither, and running again gives what one clean run would have given.
#}
{% macro watermarks_relation() -%}
    {{ return(api.Relation.create(database=target.database, schema="meta", identifier="watermarks")) }}
{%- endmacro %}

{% macro create_watermarks() -%}
    create schema if not exists {{ target.database }}.meta;
    create table if not exists {{ watermarks_relation() }} (
        model_name varchar not null, through_seq bigint not null, code_hash varchar not null
    )
{%- endmacro %}

{# {model name: {seq, hash}} of every model: asked once a node, since a small read of a lake takes 10 ms. #}
{% macro read_watermarks() -%}
    {%- if "watermarks" in model -%} {{ return(model.watermarks) }} {%- endif -%}
    {%- set held = {} -%}
    {%- for row in run_query("select model_name, through_seq, code_hash from " ~ watermarks_relation()).rows -%}
        {%- do held.update({row[0]: {"seq": row[1] | int, "hash": row[2]}}) -%}
    {%- endfor -%}
    {%- do model.update({"watermarks": held}) -%}
    {{ return(held) }}
{%- endmacro %}

{# Hash of the model's SQL and of everything in this project that it is made from. #}
{% macro code_hash(unique_id) -%}
    {%- set seen = [] -%}
    {%- set parts = [] -%}
    {%- set queue = [unique_id] -%}
    {%- for _ in range(200) if queue -%}
        {%- set current = queue.pop() -%}
        {%- if current not in seen and current in graph.nodes -%}
            {%- do seen.append(current) -%}
            {%- do parts.append(current ~ graph.nodes[current].checksum.checksum) -%}
            {%- do queue.extend(graph.nodes[current].depends_on.nodes) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(local_md5(parts | sort | join("|"))) }}
{%- endmacro %}

{#
    A model whose SQL, or any SQL it is made from, has changed is rebuilt from all of history: rows made by
    the old SQL would stay beside rows made by the new one. So an upgrade needs no --full-refresh.
#}
{% macro should_full_refresh() -%}
    {%- set asked = config.get("full_refresh") -%}
    {%- if asked is none -%} {%- set asked = flags.FULL_REFRESH -%} {%- endif -%}
    {%- if asked or not execute or config.get("full_refresh") is not none -%} {{ return(asked) }} {%- endif -%}
    {%- if model.config.materialized != "incremental" -%} {{ return(false) }} {%- endif -%}
    {%- set held = read_watermarks().get(model.name) -%}
    {{ return(held is none or held.hash != code_hash(model.unique_id)) }}
{%- endmacro %}

{# Post-hook: note how far the SQL that just ran has read; it says so itself (see touched.sql). #}
{% macro keep_watermark() -%}
    {%- if execute and model.config.materialized == "incremental" -%}
        {%- set said = modules.re.findall("reads through (-?[0-9]+)", model.compiled_code) -%}
        {%- set seq = said[0] if said else -1 -%}
        {%- set hash = code_hash(model.unique_id) -%}
        delete from {{ watermarks_relation() }}
        where model_name = '{{ model.name }}' and (through_seq <> {{ seq }} or code_hash <> '{{ hash }}');
        insert into {{ watermarks_relation() }}
        select '{{ model.name }}', {{ seq }}, '{{ hash }}'
        where not exists (select 1 from {{ watermarks_relation() }} where model_name = '{{ model.name }}')
    {%- endif -%}
{%- endmacro %}
