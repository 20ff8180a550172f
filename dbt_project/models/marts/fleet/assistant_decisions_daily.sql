{{ config(unique_key="period_date") }}

with
    decisions as (
        select decided_date, action, is_overridden
        from {{ ref("decisions") }}
        where
            decision_kind = 'route_task'
            and action is not null
            and {{ in_touched_days(ref("decisions"), day="decided_date", seq="journal_seq", through=["decisions"]) }}
    ),
    summed as (
        select
            decided_date as period_date,
            action as assistant_id,
            count(*) as chosen_count,
            count(case when is_overridden then 1 end) as override_count
        from decisions
        group by decided_date, action
    )
select *
from summed
