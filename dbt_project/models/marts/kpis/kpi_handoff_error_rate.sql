with
    counted as (
        select
            period_date as period_date,
            cast(sum(handoff_error_count) as bigint) as error_count,
            cast(sum(decided_count) as bigint) as total_count
        from {{ ref("handoffs_daily") }}
        where
            {{
                in_touched_days(
                    ref("int_handoff_days_touched"), day="period_date", seq="batch_seq", through=["handoffs_daily"]
                )
            }}
        group by period_date
    ),
    measured as (
        select
            period_date,
            cast(error_count as double) / nullif(total_count, 0) as kpi_value,
            {{ wilson("error_count", "total_count", "low") }} as value_low,
            {{ wilson("error_count", "total_count", "high") }} as value_high,
            total_count as sample_count
        from counted
    )
select *
from measured
