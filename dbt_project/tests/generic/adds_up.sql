{# The parts of a count give the whole, in every row. #}
{% test adds_up(model, whole, parts) %}
    select * from {{ model }} where {{ whole }} <> {{ parts | join(" + ") }} or least({{ parts | join(", ") }}) < 0
{% endtest %}
