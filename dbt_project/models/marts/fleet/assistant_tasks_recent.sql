{{ config(materialized="replaced") }}

with
    observed as (select max(period_date) as as_of_date from {{ ref("tasks_daily") }}),
    tasks as (
        select tasks.*
        from {{ ref("int_tasks_current") }} as tasks
        cross join observed
        where tasks.assistant_id is not null and tasks.submitted_date > observed.as_of_date - interval '3' day
    ),
    ranked as (
        select
            task_id,
            assistant_id,
            task_type,
            task_state,
            priority,
            submitted_at,
            duration_ms,
            quality,
            cost_usd,
            is_success,
            is_sample,
            cast(
                row_number() over (
                    partition by assistant_id order by submitted_at desc nulls last, task_id desc nulls last
                ) as bigint
            ) as recency
        from tasks
    )
select *
from ranked
where recency <= 25
