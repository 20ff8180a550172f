with
    states as (
        select
            ended_date,
            started_at,
            ended_at,
            case_state,
            row_number() over (partition by source, case_id order by updated_at desc nulls last) as recency
        from {{ ref("stg_raw__workflow_cases") }}
    ),
    ended as (
        select
            ended_date as period_date,
            cast({{ moment_number("ended_at") }} - {{ moment_number("started_at") }} as double) as taken_us
        from states
        where recency = 1 and case_state = 'completed' and ended_at >= started_at
    ),
    beginning as (select min(period_date) as first_date from ended),
    final as (
        select
            ended.period_date,
            ended.taken_us,
            ended.period_date < beginning.first_date + interval '28' day as is_beginning
        from ended
        cross join beginning
    )
select *
from final
