with
    touched as (
        select ingested_date, batch_seq
        from {{ ref("stg_raw__ingest_batches") }}
        union all
        select ingested_date, batch_seq
        from {{ ref("stg_raw__quarantine_resolutions") }}
    )
select *
from touched
