with
    counted as (
        select
            decided_date as period_date,
            count(case when decision_status = 'abstained' or is_overridden then 1 end) as success_count,
            count(*) as total_count
        from {{ ref("decisions") }}
        where {{ in_touched_days(ref("decisions"), day="decided_date", seq="journal_seq", through=["decisions"]) }}
        group by decided_date
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
