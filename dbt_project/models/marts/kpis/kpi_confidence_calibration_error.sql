{# Expected calibration error: ten equal bins of confidence, the gap between promise and outcome weighted by rows. #}
with
    decisions as (
        select
            decided_date as period_date,
            case when is_success is not null then least(cast(floor(confidence * 10) as bigint), 9) end as bin,
            case when is_success is not null then cast(confidence as decimal(18, 9)) end as confidence,
            case when is_success then 1 when not is_success then 0 end as success
        from {{ ref("decisions") }}
        where {{ in_touched_days(ref("decisions"), day="decided_date", seq="journal_seq", through=["decisions"]) }}
    ),
    bins as (
        select
            period_date,
            bin,
            count(success) as outcome_count,
            abs(cast(sum(confidence) as decimal(38, 9)) - cast(sum(success) as bigint)) as gap
        from decisions
        group by period_date, bin
    ),
    measured as (
        select
            period_date,
            cast(sum(gap) as double) / nullif(cast(sum(outcome_count) as bigint), 0) as kpi_value,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            cast(sum(outcome_count) as bigint) as sample_count
        from bins
        group by period_date
    )
select *
from measured
