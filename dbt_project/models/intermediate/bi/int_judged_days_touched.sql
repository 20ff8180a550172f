with
    judgements as (select trace_id, conversation_id, occurred_date, batch_seq from {{ ref("stg_raw__evaluations") }}),
    touched as (
        select occurred_date, batch_seq
        from judgements
        union all
        select judgements.occurred_date as occurred_date, operations.batch_seq
        from judgements
        inner join {{ ref("stg_raw__usage") }} as operations on judgements.trace_id = operations.trace_id
        union all
        select judgements.occurred_date as occurred_date, operations.batch_seq
        from judgements
        inner join {{ ref("stg_raw__usage") }} as operations on judgements.conversation_id = operations.conversation_id
        where judgements.trace_id is null
    )
select *
from touched
