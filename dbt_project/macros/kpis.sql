{#
    One end of the 95 % interval of a saving, 1 - sum(cost) / sum(baseline): a ratio estimator's, from sums alone.
    Its variance is n / (n - 1) * sum((cost - ratio * baseline)^2) / sum(baseline)^2; the square is written out.
    Null with fewer than two observations: one tells nothing of how far they scatter.
#}
{% macro saving_bound(cost, baseline, cost_squares, products, baseline_squares, sample_count, end) -%}
    {%- set ratio = "(" ~ cost ~ " / nullif(" ~ baseline ~ ", 0))" -%}
    {%- set towards = "-" if end == "low" else "+" -%}
    1 - {{ ratio }}
    {{ towards }} 1.959963984540054 * sqrt(
        greatest(
            {{ cost_squares }} - 2 * {{ ratio }} * {{ products }} + {{ ratio }} * {{ ratio }} * {{ baseline_squares }},
            0
        )
        * {{ sample_count }}
        / nullif({{ sample_count }} - 1, 0)
    )
    / nullif({{ baseline }}, 0)
{%- endmacro %}
