{#-
    What KPIs of decisions are made from, by day. The bins of confidence are ten equal ones. Sums of squares and
    products are exact decimals, so that the interval of a saving needs no second reading of the decisions.
-#}
{{ config(unique_key="period_date") }}

with
    decisions as (
        select
            decided_date as period_date,
            decide_us,
            case when rules_checked_count > 0 then 1 end as is_checked,
            case when decision_status = 'abstained' or is_overridden then 1 end as is_human,
            case when is_success is not null then least(cast(floor(confidence * 10) as bigint), 9) end as bin,
            case when is_success is not null then cast(confidence as decimal(18, 9)) end as confidence,
            case when is_success then 1 when not is_success then 0 end as success,
            case when (confidence >= 0.5) = is_success then 1 end as is_right,
            case
                when decision_status = 'chosen' and baseline_cost_usd is not null then expected_cost_usd
            end as cost_usd,
            case
                when decision_status = 'chosen' and expected_cost_usd is not null then baseline_cost_usd
            end as baseline_usd,
            case
                when decision_status = 'chosen' and baseline_cost_usd is not null then outcome_cost_usd
            end as real_usd,
            case
                when decision_status = 'chosen' and outcome_cost_usd is not null then baseline_cost_usd
            end as real_baseline_usd
        from {{ ref("decisions") }}
        where {{ in_touched_days(ref("decisions"), day="decided_date", seq="journal_seq", through=["decisions"]) }}
    ),
    bins as (
        select period_date, abs(cast(sum(confidence) as decimal(38, 9)) - cast(sum(success) as bigint)) as gap
        from decisions
        group by period_date, bin
    ),
    gaps as (select period_date, cast(sum(gap) as double) as calibration_gap from bins group by period_date),
    summed as (
        select
            period_date,
            count(*) as decision_count,
            count(is_checked) as checked_count,
            count(is_human) as human_count,
            count(decide_us) as timed_count,
            {{ percentile("decide_us", 0.95) }} as decide_p95_us,
            count(success) as outcome_count,
            count(is_right) as right_count,
            count(cost_usd) as priced_count,
            cast(sum(cost_usd) as double) as cost,
            cast(sum(baseline_usd) as double) as baseline,
            cast(sum(cost_usd * cost_usd) as double) as cost_squares,
            cast(sum(cost_usd * baseline_usd) as double) as products,
            cast(sum(baseline_usd * baseline_usd) as double) as baseline_squares,
            count(real_usd) as real_count,
            cast(sum(real_usd) as double) as real_cost,
            cast(sum(real_baseline_usd) as double) as real_baseline,
            cast(sum(real_usd * real_usd) as double) as real_cost_squares,
            cast(sum(real_usd * real_baseline_usd) as double) as real_products,
            cast(sum(real_baseline_usd * real_baseline_usd) as double) as real_baseline_squares
        from decisions
        group by period_date
    ),
    final as (select summed.*, gaps.calibration_gap from summed left join gaps on summed.period_date = gaps.period_date)
select *
from final
