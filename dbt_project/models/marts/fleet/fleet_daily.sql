{#- What does not add up over assistants: percentiles over all of them, and time in which none is down. -#}
{{ config(unique_key="period_date") }}

{%- set touched = in_touched_days(ref("int_fleet_days_touched"), day="period_date", seq="batch_seq") %}
{#- A running count of those that are down, over the fleet's reports in the order of time. #}
{%- set fleet = "partition by period_date order by updated_at asc nulls last, assistant_id asc nulls last, source asc nulls last" %}

with
    operations as (
        select period_date, count(*) as timed_operation_count, {{ percentile("duration_ms", 0.95) }} as operation_p95_ms
        from {{ ref("int_usage_operations") }}
        where duration_ms is not null and {{ touched }}
        group by period_date
    ),
    handoffs as (
        select period_date, count(*) as timed_handoff_count, {{ percentile("latency_ms", 0.95) }} as handoff_p95_ms
        from {{ ref("int_handoffs_current") }}
        where latency_ms is not null and {{ touched }}
        group by period_date
    ),
    reports as (
        select
            period_date,
            assistant_id,
            source,
            updated_at,
            case when assistant_state = 'down' then 1 else 0 end
            - case when last_state = 'down' then 1 else 0 end as went_down
        from {{ ref("int_assistant_states_held") }}
        where {{ touched }}
    ),
    counted as (
        select
            period_date,
            assistant_id,
            cast(
                sum(went_down) over ({{ fleet }} rows between unbounded preceding and current row) as bigint
            ) as down_count,
            min({{ moment_number("updated_at") }}) over ({{ fleet }} rows between 1 following and 1 following)
            - {{ moment_number("updated_at") }} as gap_us
        from reports
    ),
    held as (
        select
            period_date,
            assistant_id,
            down_count,
            case when gap_us > 3600000000 then 3600000000 else gap_us end as held_us
        from counted
    ),
    states as (
        select
            period_date,
            count(held_us) as watched_span_count,
            count(distinct assistant_id) as reporting_assistant_count,
            cast(sum(held_us) as double) / 1000000 as watched_s,
            cast(sum(case when down_count = 0 then held_us else 0 end) as double) / 1000000 as all_up_s
        from held
        group by period_date
    ),
    days as (
        select period_date
        from operations
        union
        select period_date
        from handoffs
        union
        select period_date
        from states
    ),
    final as (
        select
            days.period_date,
            coalesce(operations.timed_operation_count, 0) as timed_operation_count,
            operations.operation_p95_ms,
            coalesce(handoffs.timed_handoff_count, 0) as timed_handoff_count,
            handoffs.handoff_p95_ms,
            coalesce(states.watched_span_count, 0) as watched_span_count,
            coalesce(states.reporting_assistant_count, 0) as reporting_assistant_count,
            states.watched_s,
            states.all_up_s
        from days
        left join operations on days.period_date = operations.period_date
        left join handoffs on days.period_date = handoffs.period_date
        left join states on days.period_date = states.period_date
    )
select *
from final
