{#
    Golden records: the columns there are, and how records become rows of one value each. What survives is
    data (raw.survivor_rule, from the pack); the columns of a mart are not.
#}
{# Columns of a golden record that take a survivor's value: name and type, in the order of the mart. #}
{% macro golden_columns(kind) -%}
    {{
        return(
            {
                "party": [
                    ("party_kind", "varchar"),
                    ("full_name", "varchar"),
                    ("full_name_ar", "varchar"),
                    ("country", "varchar"),
                    ("birth_date", "date"),
                    ("emirates_id", "varchar"),
                    ("passport_no", "varchar"),
                    ("phone", "varchar"),
                    ("email", "varchar"),
                    ("iban", "varchar"),
                    ("id_expiry_date", "date"),
                    ("preferred_location", "varchar"),
                    ("preferred_property_kind", "varchar"),
                    ("budget_aed", "decimal(18, 9)"),
                    ("is_pep", "boolean"),
                    ("risk_rating", "varchar"),
                    ("last_screened_at", "timestamp with time zone"),
                    ("edd_status", "varchar"),
                    ("is_marketing_opt_out", "boolean"),
                ],
                "property": [
                    ("property_kind", "varchar"),
                    ("property_status", "varchar"),
                    ("title_deed_no", "varchar"),
                    ("project_name", "varchar"),
                    ("developer_name", "varchar"),
                    ("unit_no", "varchar"),
                    ("location", "varchar"),
                    ("bedroom_count", "bigint"),
                    ("size_sqft", "double"),
                    ("price_aed", "decimal(18, 9)"),
                    ("payment_plan", "varchar"),
                    ("is_off_plan", "boolean"),
                    ("is_area_freehold", "boolean"),
                    ("oqood_no", "varchar"),
                    ("escrow_account", "varchar"),
                ],
            }[kind]
        )
    }}
{%- endmacro %}

{#
    One row a record and column that holds a value: the value as text, and what two values are compared by.
    Protected values are compared by their token, codes without signs and case.
#}
{% macro record_values(records, kind) -%}
    {%- set tokens = ["emirates_id", "passport_no", "phone", "email", "iban", "escrow_account"] -%}
    {%- set codes = [
        "title_deed_no",
        "oqood_no",
        "unit_no",
        "full_name",
        "project_name",
        "developer_name",
        "location",
    ] -%}
    {%- set columns = golden_columns(kind) -%}
    select *
    from
        (
            select
                '{{ kind }}' as entity_kind,
                records.source,
                records.{{ kind }}_id as source_record_id,
                records.updated_at,
                records.batch_seq,
                records.is_sample,
                named.survivor_column,
                case
                    named.survivor_column
                    {%- for column, type in columns %}
                        when '{{ column }}' then cast(records.{{ column }} as varchar)
                    {%- endfor %}
                end as held_value,
                coalesce(
                    case
                        named.survivor_column
                        {%- for column, type in columns if column in tokens or column in codes %}
                            when '{{ column }}'
                            then
                                {{
                                    (
                                        "records." ~ column ~ "_token"
                                        if column in tokens
                                        else plain_code("records." ~ column)
                                    )
                                }}
                        {%- endfor %}
                    end,
                    case
                        named.survivor_column
                        {%- for column, type in columns %}
                            when '{{ column }}' then cast(records.{{ column }} as varchar)
                        {%- endfor %}
                    end
                ) as compared_value
            from {{ records }} as records
            cross join
                (
                    {%- for column, type in columns %}
                        {{ "union all" if not loop.first }} select '{{ column }}' as survivor_column
                    {%- endfor %}
                ) as named
        ) as spread_{{ kind }}
    where held_value is not null
{%- endmacro %}

{# The survivors of one golden record as its columns. #}
{% macro golden_record(kind) -%}
    {%- for column, type in golden_columns(kind) %}
        cast(max(case when survivor_column = '{{ column }}' then held_value end) as {{ type }}) as {{ column }},
    {%- endfor %}
{%- endmacro %}

{# Letters and digits of a code, in one case. #}
{% macro plain_code(column) -%} {{ return(adapter.dispatch("plain_code")(column)) }} {%- endmacro %}
{% macro default__plain_code(column) -%}
    {{ return("lower(regexp_replace(" ~ column ~ ", '[^0-9A-Za-z]', '', 'g'))") }}
{%- endmacro %}

{# How many characters a text has. #}
{% macro text_length(column) -%} {{ return(adapter.dispatch("text_length")(column)) }} {%- endmacro %}
{% macro default__text_length(column) -%} length({{ column }}) {%- endmacro %}

{# A moment as a number that grows with it. #}
{% macro moment_number(column) -%} {{ return(adapter.dispatch("moment_number")(column)) }} {%- endmacro %}
{% macro default__moment_number(column) -%} epoch_us({{ column }}) {%- endmacro %}
