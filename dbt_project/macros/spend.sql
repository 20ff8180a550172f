{# Tokens at the prices of one row of the price book, USD; null where a kind of token that was used has no price. #}
{% macro tokens_usd(prefix) -%}
    (
        {{ prefix }}_plain_tokens * input_rate
        + {{ prefix }}_read_tokens * coalesce(cache_read_rate, input_rate)
        + {{ prefix }}_write_tokens * coalesce(cache_write_rate, input_rate)
        + case when {{ prefix }}_output_tokens = 0 then 0 else {{ prefix }}_output_tokens * output_rate end
    )
    / 1000000
    + {{ prefix }}_count * coalesce(request_rate, 0)
{%- endmacro %}

{# An amount as it is stored. #}
{% macro usd(expression) -%} cast({{ expression }} as decimal(18, 9)) {%- endmacro %}

{# Below this, a difference of two amounts is rounding: half a thousandth, and at least half a thousandth of a dollar. #}
{% macro rounding_usd(amount) -%} greatest(0.0005, 0.0005 * abs({{ amount }})) {%- endmacro %}
