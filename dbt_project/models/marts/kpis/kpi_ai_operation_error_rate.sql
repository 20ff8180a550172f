with
    counted as (
        select
            period_date as period_date,
            cast(sum(error_count) as bigint) as success_count,
            cast(sum(operation_count) as bigint) as total_count
        from {{ ref("usage_daily") }}
        where
            {{
                in_touched_days(
                    ref("int_usage_operations"), day="period_date", seq="batch_seq", through=["usage_daily"]
                )
            }}
        group by period_date
    ),
    measured as (
        select
            period_date,
            cast(success_count as double) / nullif(total_count, 0) as kpi_value,
            {{ wilson("success_count", "total_count", "low") }} as value_low,
            {{ wilson("success_count", "total_count", "high") }} as value_high,
            total_count as sample_count
        from counted
    )
select *
from measured
