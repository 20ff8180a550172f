{{ config(unique_key="period_date") }}

with
    reports as (
        select
            period_date,
            assistant_id,
            source,
            assistant_state,
            updated_at,
            held_us,
            case when assistant_state = last_state then 0 else 1 end as is_change
        from {{ ref("int_assistant_states_held") }}
        where
            {{
                in_touched_days(
                    ref("stg_raw__assistant_statuses"), day="updated_date", seq="batch_seq", at="updated_at"
                )
            }}
    ),
    numbered as (
        select
            period_date,
            assistant_id,
            assistant_state,
            updated_at,
            held_us,
            cast(
                sum(is_change) over (
                    partition by assistant_id, period_date order by updated_at asc nulls last, source asc nulls last
                ) as bigint
            ) as span_number
        from reports
    ),
    spans as (
        select
            period_date,
            assistant_id,
            span_number,
            min(assistant_state) as assistant_state,
            min(updated_at) as started_at,
            max(updated_at) as last_report_at,
            cast(sum(held_us) as double) / 1000000 as held_s,
            count(*) as report_count
        from numbered
        group by period_date, assistant_id, span_number
    )
select *
from spans
