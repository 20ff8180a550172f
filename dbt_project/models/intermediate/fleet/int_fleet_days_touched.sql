with
    touched as (
        select period_date, batch_seq
        from {{ ref("int_task_days_touched") }}
        union all
        select period_date, batch_seq
        from {{ ref("int_usage_operations") }}
        union all
        select period_date, batch_seq
        from {{ ref("int_handoff_days_touched") }}
        union all
        select updated_date as period_date, batch_seq
        from {{ ref("stg_raw__assistant_statuses") }}
        union all
        select {{ utc_day("started_at") }} as period_date, batch_seq
        from {{ ref("stg_raw__conversations") }}
    )
select *
from touched
