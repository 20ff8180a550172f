{#
    saving = 1 - sum(cost) / sum(baseline). The ratio's variance is n / (n - 1) * sum((cost - ratio * baseline)^2)
    / sum(baseline)^2; its square is written out so that exact sums of decimals are all that is needed.
#}
with
    decisions as (
        select
            decided_date as period_date,
            case
                when decision_status = 'chosen' and baseline_cost_usd is not null then expected_cost_usd
            end as cost_usd,
            case
                when decision_status = 'chosen' and expected_cost_usd is not null then baseline_cost_usd
            end as baseline_usd
        from {{ ref("decisions") }}
        where {{ in_touched_days(ref("decisions"), day="decided_date", seq="journal_seq", through=["decisions"]) }}
    ),
    summed as (
        select
            period_date,
            count(cost_usd) as sample_count,
            cast(sum(cost_usd) as double) as cost,
            cast(nullif(sum(baseline_usd), 0) as double) as baseline,
            cast(sum(cost_usd * cost_usd) as double) as cost_squares,
            cast(sum(cost_usd * baseline_usd) as double) as products,
            cast(sum(baseline_usd * baseline_usd) as double) as baseline_squares
        from decisions
        group by period_date
    ),
    ratios as (
        select
            period_date,
            sample_count,
            cost / baseline as ratio,
            sqrt(
                greatest(
                    cost_squares
                    - 2 * (cost / baseline) * products
                    + (cost / baseline) * (cost / baseline) * baseline_squares,
                    0
                )
                * sample_count
                / nullif(sample_count - 1, 0)
            )
            / baseline as deviation
        from summed
    ),
    measured as (
        select
            period_date,
            1 - ratio as kpi_value,
            1 - ratio - 1.959963984540054 * deviation as value_low,
            1 - ratio + 1.959963984540054 * deviation as value_high,
            sample_count
        from ratios
    )
select *
from measured
