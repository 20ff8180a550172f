with
    decisions as (
        select decided_date as period_date, decide_us
        from {{ ref("decisions") }}
        where
            decide_us is not null
            and {{ in_touched_days(ref("decisions"), day="decided_date", seq="journal_seq", through=["decisions"]) }}
    ),
    measured as (
        select
            period_date,
            cast({{ percentile("decide_us", 0.95) }} as double) / 1000 as kpi_value,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            count(*) as sample_count
        from decisions
        group by period_date
    )
select *
from measured
