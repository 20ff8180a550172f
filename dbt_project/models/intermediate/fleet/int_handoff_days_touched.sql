with
    arrivals as (select handoff_id, batch_seq from {{ ref("stg_raw__handoffs") }}),
    states as (select handoff_id, requested_date from {{ ref("stg_raw__handoffs") }}),
    touched as (
        select states.requested_date as period_date, arrivals.batch_seq
        from arrivals
        inner join states on arrivals.handoff_id = states.handoff_id
    )
select *
from touched
