with
    handoffs as (
        select period_date, latency_ms
        from {{ ref("int_handoffs_current") }}
        where
            latency_ms is not null
            and {{
                in_touched_days(
                    ref("int_handoff_days_touched"), day="period_date", seq="batch_seq", at="requested_at"
                )
            }}
    ),
    measured as (
        select
            period_date,
            cast({{ percentile("latency_ms", 0.95) }} as double) as kpi_value,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            count(*) as sample_count
        from handoffs
        group by period_date
    )
select *
from measured
