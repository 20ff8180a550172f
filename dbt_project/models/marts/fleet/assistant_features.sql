{{ config(materialized="replaced") }}

with
    task_days as (
        select
            period_date,
            assistant_id,
            task_type,
            task_count,
            open_count,
            settled_count,
            success_count,
            cost_usd,
            priced_count
        from {{ ref("tasks_daily") }}
        where assistant_id is not null
    ),
    observed as (select max(period_date) as as_of_date from task_days),
    summed as (
        select
            task_days.assistant_id,
            task_days.task_type,
            cast(sum(task_days.task_count) as bigint) as task_count,
            cast(sum(task_days.open_count) as bigint) as open_task_count,
            cast(sum(task_days.settled_count) as bigint) as settled_count,
            cast(sum(task_days.success_count) as bigint) as success_count,
            cast(sum(task_days.cost_usd) as decimal(38, 9)) as cost_usd,
            cast(sum(task_days.priced_count) as bigint) as priced_count
        from task_days
        inner join observed on task_days.period_date > observed.as_of_date - interval '90' day
        group by task_days.assistant_id, task_days.task_type
    ),
    buckets as (
        select
            durations.assistant_id,
            durations.task_type,
            durations.duration_bucket_ms,
            cast(sum(durations.task_count) as bigint) as task_count
        from {{ ref("int_task_durations_counted") }} as durations
        inner join observed on durations.period_date > observed.as_of_date - interval '90' day
        group by durations.assistant_id, durations.task_type, durations.duration_bucket_ms
    ),
    ranked as (
        select
            assistant_id,
            task_type,
            duration_bucket_ms,
            cast(
                sum(task_count) over (
                    partition by assistant_id, task_type order by duration_bucket_ms asc nulls last
                ) as bigint
            ) as running_count,
            cast(sum(task_count) over (partition by assistant_id, task_type) as bigint) as total_count
        from buckets
    ),
    durations as (
        select
            assistant_id,
            task_type,
            min(
                case when running_count * 2 >= total_count then {{ bucket_middle("duration_bucket_ms") }} end
            ) as duration_p50_ms,
            min(
                case when running_count * 100 >= total_count * 95 then {{ bucket_middle("duration_bucket_ms") }} end
            ) as duration_p95_ms
        from ranked
        group by assistant_id, task_type
    ),
    errors as (
        select
            usage_days.assistant_id,
            cast(sum(usage_days.error_count) as double) / cast(sum(usage_days.operation_count) as double) as error_share
        from {{ ref("usage_daily") }} as usage_days
        inner join observed on usage_days.period_date > observed.as_of_date - interval '90' day
        where usage_days.period_date <= observed.as_of_date
        group by usage_days.assistant_id
    ),
    final as (
        select
            summed.assistant_id,
            summed.task_type,
            summed.task_count,
            cast(summed.success_count as double) / nullif(summed.settled_count, 0) as success_share,
            durations.duration_p50_ms,
            durations.duration_p95_ms,
            cast(summed.cost_usd / nullif(summed.priced_count, 0) as decimal(18, 9)) as cost_usd_mean,
            errors.error_share,
            summed.open_task_count,
            observed.as_of_date
        from summed
        cross join observed
        left join durations on summed.assistant_id = durations.assistant_id and summed.task_type = durations.task_type
        left join errors on summed.assistant_id = errors.assistant_id
    )
select *
from final
