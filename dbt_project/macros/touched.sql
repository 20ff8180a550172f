{#
    Which periods an incremental run has to make again: those that rows newer than the model's watermark
    fall in. A late row makes its own day again. The days are written into the SQL as literals, so that the
    lake skips every file of every other day.
#}
{#
    A predicate that holds on the rows to read.

    rows     relation that says what is new
    day      its date column: the period
    seq      its sequence column, compared with the watermark
    at       its timestamp column, where files are better skipped by that than by `day`
    only     predicate on the rows that matter here: other new rows touch no day
    through  incremental models this one reads; it never claims to have read further than they have
#}
{% macro in_touched_days(rows, day, seq, at=none, only=none, through=[]) -%}
    {%- if not execute or model.resource_type == "unit_test" -%} {{ return("1 = 1") }} {%- endif -%}
    {%- set held = read_watermarks() -%}
    {%- set highs = [] -%}
    {%- for upstream in through -%} {%- do highs.append(held[upstream].seq) -%} {%- endfor -%}
    {%- if not is_incremental() -%}
        {%- set high = (
            highs | min
            if highs
            else run_query("select coalesce(max(" ~ seq ~ "), -1) from " ~ rows).rows[0][0]
        ) -%}
        {{ return("/* reads through " ~ high ~ " */ 1 = 1") }}
    {%- endif -%}
    {%- set low = held[model.name].seq -%}
    {%- set bound = seq ~ " > " ~ low ~ (" and " ~ seq ~ " <= " ~ (highs | min) if highs else "") -%}
    {%- set found = run_query(
        "select "
        ~ day
        ~ ", max("
        ~ seq
        ~ ") from "
        ~ rows
        ~ " where "
        ~ bound
        ~ (" and " ~ only if only else "")
        ~ " group by 1 order by 1"
    ).rows -%}
    {%- set high = highs | min if highs else ([low] + (found | map(attribute=1) | list)) | max -%}
    {%- if not found -%} {{ return("/* reads through " ~ high ~ " */ 1 = 0") }} {%- endif -%}
    {%- set days = found | map(attribute=0) | list -%}
    {%- set listed = day ~ " in (date '" ~ (days | join("', date '")) ~ "')" -%}
    {%- if at -%}
        {%- set listed = (
            listed
            ~ " and "
            ~ at
            ~ " >= timestamp with time zone '"
            ~ days[0]
            ~ " 00:00:00+00'"
            ~ " and "
            ~ at
            ~ " < timestamp with time zone '"
            ~ (days[-1] + modules.datetime.timedelta(days=1))
            ~ " 00:00:00+00'"
        ) -%}
    {%- endif -%}
    {{ return("/* reads through " ~ high ~ " */ " ~ listed) }}
{%- endmacro %}

{#
    A predicate that holds on rows newer than the model's watermark, up to the newest that any of `relations`
    holds now. For models whose key is not a period.
#}
{% macro after_watermark(seq, relations) -%}
    {%- if not execute or model.resource_type == "unit_test" -%} {{ return("1 = 1") }} {%- endif -%}
    {%- set low = read_watermarks()[model.name].seq if is_incremental() else -1 -%}
    {%- set highs = [low] -%}
    {%- for relation in relations -%}
        {%- set newest = run_query("select max(" ~ seq ~ ") from " ~ relation ~ " where " ~ seq ~ " > " ~ low).rows[
            0
        ][0] -%}
        {%- if newest is not none -%} {%- do highs.append(newest) -%} {%- endif -%}
    {%- endfor -%}
    {%- set high = highs | max -%}
    {{ return("/* reads through " ~ high ~ " */ " ~ seq ~ " > " ~ low ~ " and " ~ seq ~ " <= " ~ high) }}
{%- endmacro %}
