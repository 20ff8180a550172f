with
    tasks as (
        select
            task_id,
            batch_seq,
            assistant_id,
            task_type,
            task_state,
            is_success as reported_success,
            duration_ms,
            cost_usd,
            quality,
            submitted_at,
            submitted_date
        from {{ ref("int_tasks_current") }}
    ),
    settled as (
        select
            task_id,
            batch_seq,
            assistant_id,
            task_type,
            duration_ms,
            cost_usd,
            quality,
            submitted_at,
            submitted_date as period_date,
            task_state in ('submitted', 'working', 'input_required', 'auth_required') as is_open,
            case
                when reported_success is not null
                then reported_success
                when task_state = 'completed'
                then true
                when task_state in ('failed', 'rejected')
                then false
            end as is_success
        from tasks
    )
select *
from settled
