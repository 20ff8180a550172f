with
    operations as (
        select period_date, duration_ms
        from {{ ref("int_usage_operations") }}
        where
            duration_ms is not null
            and {{ in_touched_days(ref("int_usage_operations"), day="period_date", seq="batch_seq") }}
    ),
    measured as (
        select
            period_date,
            cast({{ percentile("duration_ms", 0.95) }} as double) as kpi_value,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            count(*) as sample_count
        from operations
        group by period_date
    )
select *
from measured
