{#- A running count of those that are down, over the fleet's reports in the order of time. -#}
{% set fleet = "partition by period_date order by updated_at asc nulls last, assistant_id asc nulls last, source asc nulls last" %}

with
    reports as (
        select
            period_date,
            assistant_id,
            source,
            updated_at,
            case when assistant_state = 'down' then 1 else 0 end
            - case when last_state = 'down' then 1 else 0 end as went_down
        from {{ ref("int_assistant_states_held") }}
        where
            {{
                in_touched_days(
                    ref("stg_raw__assistant_statuses"), day="updated_date", seq="batch_seq", at="updated_at"
                )
            }}
    ),
    counted as (
        select
            period_date,
            cast(
                sum(went_down) over ({{ fleet }} rows between unbounded preceding and current row) as bigint
            ) as down_count,
            min({{ moment_number("updated_at") }}) over ({{ fleet }} rows between 1 following and 1 following)
            - {{ moment_number("updated_at") }} as gap_us
        from reports
    ),
    held as (
        select period_date, down_count, case when gap_us > 3600000000 then 3600000000 else gap_us end as held_us
        from counted
    ),
    measured as (
        select
            period_date,
            cast(sum(case when down_count = 0 then held_us else 0 end) as double)
            / nullif(cast(sum(held_us) as double), 0) as kpi_value,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            count(*) as sample_count
        from held
        where held_us is not null
        group by period_date
    )
select *
from measured
