with
    counted as (
        select
            period_date as period_date,
            cast(sum(success_count) as bigint) as success_count,
            cast(sum(settled_count) as bigint) as total_count
        from {{ ref("tasks_daily") }}
        where
            {{
                in_touched_days(
                    ref("int_task_days_touched"), day="period_date", seq="batch_seq", through=["tasks_daily"]
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
