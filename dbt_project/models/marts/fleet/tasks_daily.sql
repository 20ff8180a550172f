{{ config(unique_key="period_date") }}

with
    tasks as (
        select period_date, assistant_id, task_type, is_open, is_success, duration_ms, cost_usd
        from {{ ref("int_tasks_settled") }}
        where {{ in_touched_days(ref("int_task_days_touched"), day="period_date", seq="batch_seq", at="submitted_at") }}
    ),
    summed as (
        select
            period_date,
            assistant_id,
            task_type,
            count(*) as task_count,
            count(case when is_open then 1 end) as open_count,
            count(is_success) as settled_count,
            count(case when is_success then 1 end) as success_count,
            {{ percentile("duration_ms", 0.5) }} as duration_p50_ms,
            {{ percentile("duration_ms", 0.95) }} as duration_p95_ms,
            cast(sum(cost_usd) as decimal(18, 9)) as cost_usd,
            count(cost_usd) as priced_count
        from tasks
        group by period_date, assistant_id, task_type
    ),
    final as (
        select
            period_date,
            assistant_id,
            task_type,
            task_count,
            cast(success_count as double) / nullif(settled_count, 0) as success_share,
            duration_p50_ms,
            duration_p95_ms,
            cost_usd,
            open_count,
            settled_count,
            success_count,
            priced_count
        from summed
    )
select *
from final
