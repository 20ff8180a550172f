{#
    The 95 % Wilson interval of a share: it stays inside 0 to 1 and holds with few observations and shares
    near 1, where the usual interval does not. Null without observations.
#}
{% macro wilson(successes, trials, end) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set towards = 0 - z if end == "low" else z -%}
    (
        (cast({{ successes }} as double) + {{ z * z / 2 }})
        + {{ towards }}
        * sqrt(
            cast({{ successes }} as double) * ({{ trials }} - {{ successes }}) / nullif({{ trials }}, 0)
            + {{ z * z / 4 }}
        )
    )
    / (nullif({{ trials }}, 0) + {{ z * z }})
{%- endmacro %}
