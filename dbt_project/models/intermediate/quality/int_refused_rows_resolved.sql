with
    ordered as (
        select
            batch_id,
            contract,
            source,
            row_number,
            repair_state,
            batch_seq,
            ingested_date,
            row_number() over (partition by batch_id, contract, row_number order by batch_seq desc nulls last) as place
        from {{ ref("stg_raw__quarantine_resolutions") }}
    ),
    newest as (
        select batch_id, contract, source, row_number, repair_state, batch_seq, ingested_date
        from ordered
        where place = 1
    )
select *
from newest
