{{ config(unique_key="batch_seq") }}

with
    batches as (
        select
            batch_id,
            batch_seq,
            contract,
            source,
            source_format,
            file_name,
            row_count,
            good_count,
            quarantined_count,
            duplicate_count,
            unpriced_count,
            ingested_at,
            repairs_batch_id
        from {{ ref("stg_raw__ingest_batches") }}
        where {{ after_watermark("batch_seq", [ref("stg_raw__ingest_batches")]) }}
    )
select *
from batches
