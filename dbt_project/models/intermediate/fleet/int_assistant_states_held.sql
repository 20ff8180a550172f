{#- One row before and one behind by a frame: what lag and lead would say. An hour without a word is unknown time. -#}
{% set day = "partition by assistant_id, updated_date order by updated_at asc nulls last, source asc nulls last" %}

with
    reports as (
        select
            updated_date,
            updated_date as period_date,
            assistant_id,
            source,
            assistant_state,
            updated_at,
            batch_seq,
            {{ moment_number("updated_at") }} as at_us,
            {{ moment_number("cast(updated_date + interval '1' day as timestamp with time zone)") }} as day_end_us,
            min({{ moment_number("updated_at") }}) over ({{ day }} rows between 1 following and 1 following) as next_us,
            max({{ moment_number("updated_at") }}) over ({{ day }} rows between 1 preceding and 1 preceding) as last_us,
            max(assistant_state) over ({{ day }} rows between 1 preceding and 1 preceding) as last_state
        from {{ ref("stg_raw__assistant_statuses") }}
    ),
    held as (
        select
            updated_date,
            period_date,
            assistant_id,
            source,
            assistant_state,
            updated_at,
            batch_seq,
            last_state,
            least(coalesce(next_us - at_us, at_us - last_us, 0), day_end_us - at_us, 3600000000) as held_us
        from reports
    )
select *
from held
