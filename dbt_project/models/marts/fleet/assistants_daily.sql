{{ config(unique_key="period_date") }}

{%- set touched = in_touched_days(ref("int_fleet_days_touched"), day="period_date", seq="batch_seq") %}

with
    tasks as (
        select
            period_date,
            assistant_id,
            count(*) as task_count,
            count(case when is_open then 1 end) as open_count,
            count(is_success) as settled_count,
            count(case when is_success then 1 end) as success_count,
            cast(sum(cast(quality as decimal(9, 6))) as double) / nullif(count(quality), 0) as quality_mean,
            {{ percentile("duration_ms", 0.5) }} as task_p50_ms,
            {{ percentile("duration_ms", 0.95) }} as task_p95_ms,
            {{ percentile("duration_ms", 0.99) }} as task_p99_ms,
            cast(sum(cost_usd) as decimal(18, 9)) as task_cost_usd
        from {{ ref("int_tasks_settled") }}
        where assistant_id is not null and {{ touched }}
        group by period_date, assistant_id
    ),
    operations as (
        select
            period_date,
            assistant_id,
            cast(sum(request_count) as bigint) as operation_count,
            cast(sum(error_count) as bigint) as error_count,
            cast(sum(unpriced_count) as bigint) as unpriced_count,
            {{ percentile("duration_ms", 0.5) }} as duration_p50_ms,
            {{ percentile("duration_ms", 0.95) }} as duration_p95_ms,
            {{ percentile("duration_ms", 0.99) }} as duration_p99_ms,
            cast(sum(cost_usd) as decimal(18, 9)) as cost_usd
        from {{ ref("int_usage_operations") }}
        where assistant_id is not null and {{ touched }}
        group by period_date, assistant_id
    ),
    conversations as (
        select {{ utc_day("started_at") }} as period_date, assistant_id
        from {{ ref("stg_raw__conversations") }}
        where assistant_id is not null
    ),
    talks as (
        select period_date, assistant_id, count(*) as conversation_count
        from conversations
        where {{ touched }}
        group by period_date, assistant_id
    ),
    states as (
        select
            period_date,
            assistant_id,
            cast(sum(case when assistant_state <> 'disabled' then held_us end) as double) / 1000000 as watched_s,
            cast(sum(case when assistant_state in ('active', 'degraded') then held_us else 0 end) as double)
            / 1000000 as up_s
        from {{ ref("int_assistant_states_held") }}
        where {{ touched }}
        group by period_date, assistant_id
    ),
    handoffs as (
        select period_date, from_assistant_id, to_assistant_id, is_error
        from {{ ref("int_handoffs_current") }}
        where {{ touched }}
    ),
    sent as (
        select
            period_date,
            from_assistant_id as assistant_id,
            count(*) as handoff_count,
            count(case when is_error then 1 end) as handoff_error_count
        from handoffs
        group by period_date, from_assistant_id
    ),
    received as (
        select period_date, to_assistant_id as assistant_id, count(*) as received_count
        from handoffs
        group by period_date, to_assistant_id
    ),
    days as (
        select period_date, assistant_id
        from tasks
        union
        select period_date, assistant_id
        from operations
        union
        select period_date, assistant_id
        from talks
        union
        select period_date, assistant_id
        from states
        union
        select period_date, assistant_id
        from sent
        union
        select period_date, assistant_id
        from received
    ),
    final as (
        select
            days.period_date,
            days.assistant_id,
            coalesce(tasks.task_count, 0) as task_count,
            coalesce(tasks.open_count, 0) as open_count,
            coalesce(tasks.settled_count, 0) as settled_count,
            coalesce(tasks.success_count, 0) as success_count,
            cast(tasks.success_count as double) / nullif(tasks.settled_count, 0) as success_share,
            tasks.quality_mean,
            tasks.task_p50_ms,
            tasks.task_p95_ms,
            tasks.task_p99_ms,
            tasks.task_cost_usd,
            coalesce(operations.operation_count, 0) as operation_count,
            coalesce(operations.error_count, 0) as error_count,
            cast(operations.error_count as double) / nullif(operations.operation_count, 0) as error_share,
            operations.duration_p50_ms,
            operations.duration_p95_ms,
            operations.duration_p99_ms,
            operations.cost_usd,
            coalesce(operations.unpriced_count, 0) as unpriced_count,
            coalesce(talks.conversation_count, 0) as conversation_count,
            states.watched_s,
            states.up_s,
            states.up_s / nullif(states.watched_s, 0) as uptime_share,
            coalesce(sent.handoff_count, 0) as handoff_count,
            coalesce(sent.handoff_error_count, 0) as handoff_error_count,
            coalesce(received.received_count, 0) as received_count
        from days
        left join tasks on days.period_date = tasks.period_date and days.assistant_id = tasks.assistant_id
        left join
            operations on days.period_date = operations.period_date and days.assistant_id = operations.assistant_id
        left join talks on days.period_date = talks.period_date and days.assistant_id = talks.assistant_id
        left join states on days.period_date = states.period_date and days.assistant_id = states.assistant_id
        left join sent on days.period_date = sent.period_date and days.assistant_id = sent.assistant_id
        left join received on days.period_date = received.period_date and days.assistant_id = received.assistant_id
    )
select *
from final
