{{ config(unique_key="period_date") }}

with
    decisions as (
        select
            decided_date,
            decision_kind,
            decision_status,
            is_success,
            is_overridden,
            expected_cost_usd,
            baseline_cost_usd
        from {{ ref("decisions") }}
        where {{ in_touched_days(ref("decisions"), day="decided_date", seq="journal_seq", through=["decisions"]) }}
    ),
    summed as (
        select
            decided_date as period_date,
            decision_kind,
            count(*) as decision_count,
            count(case when decision_status = 'abstained' then 1 end) as abstained_count,
            count(case when is_overridden then 1 end) as overridden_count,
            cast(count(case when is_success then 1 end) as double) / nullif(count(is_success), 0) as success_share,
            cast(sum(expected_cost_usd) as decimal(18, 9)) as expected_cost_usd,
            cast(sum(baseline_cost_usd) as decimal(18, 9)) as baseline_cost_usd
        from decisions
        group by decided_date, decision_kind
    )
select *
from summed
