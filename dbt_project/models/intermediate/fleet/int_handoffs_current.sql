with
    states as (select * from {{ ref("stg_raw__handoffs") }}),
    current_states as (
        select
            handoff_id,
            from_assistant_id,
            to_assistant_id,
            requested_date as period_date,
            requested_at,
            batch_seq,
            handoff_state <> 'offered' as is_decided,
            handoff_state in ('refused', 'failed') as is_error,
            is_edge_allowed = false or is_contract_valid = false as is_breach,
            cast(
                floor(({{ moment_number("accepted_at") }} - {{ moment_number("requested_at") }}) / 1000) as bigint
            ) as latency_ms
        from states
        where
            not exists (
                select 1
                from {{ ref("stg_raw__handoffs") }} as newer
                where newer.handoff_id = states.handoff_id and newer.updated_at > states.updated_at
            )
    )
select *
from current_states
