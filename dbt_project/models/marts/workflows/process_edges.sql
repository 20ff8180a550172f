{{ config(materialized="replaced") }}
{#-
    The directly-follows graph: which activity comes right after which in a case, how often, and what the time
    between them was spent on. Events of one moment stand in the order of their ids. Sums are whole microseconds,
    so that the same events give the same row whatever the order they are added in.
-#}
with
    events as (select * from {{ ref("stg_raw__case_events") }}),
    workflows as (
        select case_id, max(workflow_id) as workflow_id from {{ ref("stg_raw__workflow_cases") }} group by case_id
    ),
    tasks as (select task_id, started_at, completed_at from {{ ref("int_tasks_current") }}),
    followed as (
        select
            case_id,
            activity,
            task_id,
            occurred_at,
            error_type,
            attempt_count,
            assistant_id is null and actor_id is not null as is_person,
            {{ previous("activity") }} over (
                partition by case_id order by occurred_at asc nulls last, case_event_id asc nulls last
            ) as from_activity,
            {{ previous("occurred_at") }} over (
                partition by case_id order by occurred_at asc nulls last, case_event_id asc nulls last
            ) as from_at,
            {{ previous("task_id") }} over (
                partition by case_id order by occurred_at asc nulls last, case_event_id asc nulls last
            ) as from_task_id
        from events
    ),
    steps as (
        select
            coalesce(workflows.workflow_id, 'unknown') as workflow_id,
            followed.case_id,
            followed.from_activity,
            followed.activity as to_activity,
            {{ us_between("followed.from_at", "followed.occurred_at") }} as gap_us,
            coalesce(followed.task_id = followed.from_task_id, false) as is_same_task,
            case
                when followed.task_id = followed.from_task_id and tasks.started_at is not null
                then
                    greatest(
                        {{
                            us_between(
                                "greatest(tasks.started_at, followed.from_at)",
                                "least(coalesce(tasks.completed_at, followed.occurred_at), followed.occurred_at)",
                            )
                        }},
                        0
                    )
                else 0
            end as work_us,
            followed.error_type = 'assistant_down' as is_outage,
            followed.attempt_count > 1 as is_moved,
            followed.is_person
        from followed
        left join workflows on workflows.case_id = followed.case_id
        left join tasks on tasks.task_id = followed.task_id
        where followed.from_activity is not null
    ),
    waits as (
        select
            workflow_id,
            case_id,
            from_activity,
            to_activity,
            gap_us,
            work_us,
            gap_us - work_us as waiting_us,
            case
                when is_person
                then 'person'
                when not is_same_task
                then 'between'
                when is_outage
                then 'outage'
                when is_moved
                then 'moved'
                else 'queue'
            end as cause
        from steps
    ),
    edges as (
        select
            workflow_id,
            from_activity,
            to_activity,
            count(*) as edge_count,
            count(distinct case_id) as case_count,
            cast(sum(gap_us) as bigint) as gap_us,
            cast(sum(work_us) as bigint) as work_us,
            cast(sum(waiting_us) as bigint) as waiting_us,
            {{ percentile("waiting_us", 0.5) }} as waiting_p50_us,
            {{ percentile("waiting_us", 0.95) }} as waiting_p95_us,
            cast(sum(case when cause = 'queue' then waiting_us else 0 end) as bigint) as queue_us,
            cast(sum(case when cause = 'outage' then waiting_us else 0 end) as bigint) as outage_us,
            cast(sum(case when cause = 'moved' then waiting_us else 0 end) as bigint) as moved_us,
            cast(sum(case when cause = 'person' then waiting_us else 0 end) as bigint) as person_us,
            cast(sum(case when cause = 'between' then waiting_us else 0 end) as bigint) as between_us
        from waits
        group by workflow_id, from_activity, to_activity
    )
select *
from edges
