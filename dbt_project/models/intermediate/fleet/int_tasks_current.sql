with
    states as (select * from {{ ref("stg_raw__tasks") }}),
    current_states as (
        select *
        from states
        where
            not exists (
                select 1
                from {{ ref("stg_raw__tasks") }} as newer
                where newer.task_id = states.task_id and newer.updated_at > states.updated_at
            )
    )
select *
from current_states
