with
    arrivals as (select task_id, batch_seq from {{ ref("stg_raw__tasks") }}),
    states as (select task_id, submitted_date from {{ ref("stg_raw__tasks") }}),
    touched as (
        select states.submitted_date as period_date, arrivals.batch_seq
        from arrivals
        inner join states on arrivals.task_id = states.task_id
    )
select *
from touched
