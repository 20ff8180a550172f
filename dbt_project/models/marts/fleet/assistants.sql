{{ config(materialized="replaced") }}

with
    declared as (
        select assistant_id, assistant_name, role, industry, control_level, assistant_state, priority, is_sample
        from {{ ref("stg_raw__assistants") }}
    ),
    usage_days as (
        select period_date, assistant_id, operation_count, error_count, cost_usd
        from {{ ref("usage_daily") }}
        where assistant_id is not null
    ),
    task_days as (
        select period_date, assistant_id, task_count, settled_count, success_count
        from {{ ref("tasks_daily") }}
        where assistant_id is not null
    ),
    seen as (
        select assistant_id, period_date
        from usage_days
        union all
        select assistant_id, period_date
        from task_days
    ),
    window_start as (select max(period_date) - interval '29' day as first_date from seen),
    last_seen as (select assistant_id, max(period_date) as last_date from seen group by assistant_id),
    usage_30d as (
        select
            usage_days.assistant_id,
            cast(sum(usage_days.operation_count) as bigint) as operation_count,
            cast(sum(usage_days.error_count) as bigint) as error_count,
            cast(sum(usage_days.cost_usd) as decimal(18, 9)) as cost_usd
        from usage_days
        inner join window_start on usage_days.period_date >= window_start.first_date
        group by usage_days.assistant_id
    ),
    tasks_30d as (
        select
            task_days.assistant_id,
            cast(sum(task_days.task_count) as bigint) as task_count,
            cast(sum(task_days.settled_count) as bigint) as settled_count,
            cast(sum(task_days.success_count) as bigint) as success_count
        from task_days
        inner join window_start on task_days.period_date >= window_start.first_date
        group by task_days.assistant_id
    ),
    buckets as (
        select
            durations.assistant_id,
            durations.duration_bucket_ms,
            cast(sum(durations.operation_count) as bigint) as operation_count
        from {{ ref("int_usage_durations_counted") }} as durations
        inner join window_start on durations.period_date >= window_start.first_date
        group by durations.assistant_id, durations.duration_bucket_ms
    ),
    ranked as (
        select
            assistant_id,
            duration_bucket_ms,
            cast(
                sum(operation_count) over (
                    partition by assistant_id order by duration_bucket_ms asc nulls last
                ) as bigint
            ) as running_count,
            cast(sum(operation_count) over (partition by assistant_id) as bigint) as total_count
        from buckets
    ),
    durations_30d as (
        select assistant_id, min({{ bucket_middle("duration_bucket_ms") }}) as duration_p95_ms
        from ranked
        where running_count * 100 >= total_count * 95
        group by assistant_id
    ),
    fleet as (
        select assistant_id
        from declared
        union
        select assistant_id
        from last_seen
    ),
    final as (
        select
            fleet.assistant_id,
            coalesce(declared.assistant_name, fleet.assistant_id) as assistant_name,
            declared.role,
            declared.industry,
            declared.control_level,
            declared.assistant_state,
            declared.priority,
            coalesce(declared.is_sample, false) as is_sample,
            coalesce(usage_30d.operation_count, 0) as operation_count_30d,
            usage_30d.cost_usd as cost_usd_30d,
            cast(usage_30d.error_count as double) / usage_30d.operation_count as error_share_30d,
            durations_30d.duration_p95_ms as duration_p95_ms_30d,
            coalesce(tasks_30d.task_count, 0) as task_count_30d,
            cast(tasks_30d.success_count as double) / nullif(tasks_30d.settled_count, 0) as success_share_30d,
            cast(last_seen.last_date as timestamp with time zone) as last_seen_at
        from fleet
        left join declared on fleet.assistant_id = declared.assistant_id
        left join usage_30d on fleet.assistant_id = usage_30d.assistant_id
        left join tasks_30d on fleet.assistant_id = tasks_30d.assistant_id
        left join durations_30d on fleet.assistant_id = durations_30d.assistant_id
        left join last_seen on fleet.assistant_id = last_seen.assistant_id
    )
select *
from final
