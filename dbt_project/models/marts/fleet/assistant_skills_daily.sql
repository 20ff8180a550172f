{{ config(unique_key="period_date") }}

with
    tasks as (
        select period_date, assistant_id, task_type, is_success, quality, duration_ms, cost_usd
        from {{ ref("int_tasks_settled") }}
        where
            assistant_id is not null
            and
            {{ in_touched_days(ref("int_task_days_touched"), day="period_date", seq="batch_seq", at="submitted_at") }}
    ),
    summed as (
        select
            period_date,
            assistant_id,
            task_type,
            count(*) as task_count,
            count(is_success) as settled_count,
            count(case when is_success then 1 end) as success_count,
            count(quality) as judged_count,
            cast(sum(cast(quality as decimal(9, 6))) as double) as quality_sum,
            count(duration_ms) as timed_count,
            cast(sum(duration_ms) as bigint) as duration_sum_ms,
            count(cost_usd) as priced_count,
            cast(sum(cost_usd) as decimal(18, 9)) as cost_usd,
            cast(sum(case when is_success is not null then cost_usd end) as decimal(18, 9)) as settled_cost_usd,
            cast(sum(case when is_success then cost_usd end) as decimal(18, 9)) as success_cost_usd
        from tasks
        group by period_date, assistant_id, task_type
    )
select *
from summed
