{# What engines say differently. DuckDB here; another engine adds `<engine>__<name>`. #}
{# Smallest value at or above the share of the ordered values: always a value that occurred. #}
{% macro percentile(column, share) -%} {{ return(adapter.dispatch("percentile")(column, share)) }} {%- endmacro %}
{% macro default__percentile(column, share) -%}
    percentile_disc({{ share }}) within group (order by {{ column }})
{%- endmacro %}

{# UTC day of a timestamp; the session's time zone is UTC. #}
{% macro utc_day(column) -%} cast({{ column }} as date) {%- endmacro %}

{# How many vetoes stand in the JSON array of a decision's candidates. #}
{% macro count_vetoes(candidates) -%} {{ return(adapter.dispatch("count_vetoes")(candidates)) }} {%- endmacro %}
{% macro default__count_vetoes(candidates) -%}
    cast(coalesce(len(json_extract({{ candidates }}, '$[*].vetoes[*]')), 0) as bigint)
{%- endmacro %}

{#
    Duration rounded down to 1/32 of its power of two: the middle of a bucket is within 1.6 % of any value
    in it. Counts a bucket add up over days, which percentiles do not. Whole numbers only, so that every
    engine puts a value in the same bucket.
#}
{% macro duration_bucket(column) -%} {{ return(adapter.dispatch("duration_bucket")(column)) }} {%- endmacro %}
{% macro default__duration_bucket(column) -%}
    (({{ column }} >> greatest(length(bin({{ column }})) - 6, 0)) << greatest(length(bin({{ column }})) - 6, 0))
{%- endmacro %}

{# Middle of a bucket, whole ms. #}
{% macro bucket_middle(bucket) -%} {{ return(adapter.dispatch("bucket_middle")(bucket)) }} {%- endmacro %}
{% macro default__bucket_middle(bucket) -%}
    ({{ bucket }} + ((cast(1 as bigint) << greatest(length(bin({{ bucket }})) - 6, 0)) >> 1))
{%- endmacro %}

{# Snapshot of the raw lake that this run reads. #}
{% macro raw_snapshot_id() -%} {{ return(adapter.dispatch("raw_snapshot_id")()) }} {%- endmacro %}
{% macro default__raw_snapshot_id() -%} (select id from raw.current_snapshot()) {%- endmacro %}

{# Whole days from one date to a later one. #}
{% macro days_between(first, last) -%} {{ return(adapter.dispatch("days_between")(first, last)) }} {%- endmacro %}
{% macro default__days_between(first, last) -%} ({{ last }} - {{ first }}) {%- endmacro %}

{# What stands in a text before the first `mark`, without spaces around it; all of it where there is none. #}
{% macro text_before(column, mark) -%} {{ return(adapter.dispatch("text_before")(column, mark)) }} {%- endmacro %}
{% macro default__text_before(column, mark) -%} trim(split_part({{ column }}, '{{ mark }}', 1)) {%- endmacro %}

{# Whole microseconds from one timestamp to a later one. #}
{% macro us_between(first, last) -%} {{ return(adapter.dispatch("us_between")(first, last)) }} {%- endmacro %}
{% macro default__us_between(first, last) -%} (epoch_us({{ last }}) - epoch_us({{ first }})) {%- endmacro %}

{# The column's value in the row before, in the order of the window that follows; null in the first. #}
{% macro previous(column) -%} {{ return(adapter.dispatch("previous")(column)) }} {%- endmacro %}
{% macro default__previous(column) -%} lag({{ column }}) {%- endmacro %}
