{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="period_date",
        on_schema_change="fail",
        contract={"enforced": true},
    )
}}

with
    tasks as (
        select period_date, assistant_id, task_type, {{ duration_bucket("duration_ms") }} as duration_bucket_ms
        from {{ ref("int_tasks_settled") }}
        where
            duration_ms is not null
            and
            {{ in_touched_days(ref("int_task_days_touched"), day="period_date", seq="batch_seq", at="submitted_at") }}
    ),
    counted as (
        select period_date, assistant_id, task_type, duration_bucket_ms, count(*) as task_count
        from tasks
        group by period_date, assistant_id, task_type, duration_bucket_ms
    )
select *
from counted
