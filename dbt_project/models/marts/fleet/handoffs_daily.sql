{{ config(unique_key="period_date") }}

with
    handoffs as (
        select period_date, from_assistant_id, to_assistant_id, is_decided, is_error, is_breach, latency_ms
        from {{ ref("int_handoffs_current") }}
        where
            {{
                in_touched_days(
                    ref("int_handoff_days_touched"), day="period_date", seq="batch_seq", at="requested_at"
                )
            }}
    ),
    summed as (
        select
            period_date,
            from_assistant_id,
            to_assistant_id,
            count(*) as handoff_count,
            count(case when is_decided then 1 end) as decided_count,
            count(case when is_error then 1 end) as handoff_error_count,
            count(case when is_breach then 1 end) as breach_count,
            {{ percentile("latency_ms", 0.5) }} as latency_p50_ms,
            {{ percentile("latency_ms", 0.95) }} as latency_p95_ms,
            {{ percentile("latency_ms", 0.99) }} as latency_p99_ms
        from handoffs
        group by period_date, from_assistant_id, to_assistant_id
    )
select *
from summed
