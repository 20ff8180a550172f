with
    tried as (
        select
            repair_batch_id as batch_id,
            contract,
            cast(count(case when repair_act <> 'discard' then 1 end) as bigint) as tried_count,
            cast(count(case when repair_state = 'still_failing' then 1 end) as bigint) as failing_count,
            cast(count(case when is_duplicate then 1 end) as bigint) as twin_count
        from {{ ref("stg_raw__quarantine_resolutions") }}
        group by repair_batch_id, contract
    ),
    batches as (
        select
            held.batch_id,
            held.batch_seq,
            held.source,
            held.contract,
            held.ingested_date,
            held.ingested_at,
            held.repairs_batch_id,
            held.unpriced_count,
            held.good_count - coalesce(tried.tried_count - tried.failing_count - tried.twin_count, 0) as good_count,
            held.quarantined_count - coalesce(tried.failing_count, 0) as bad_count,
            held.duplicate_count - coalesce(tried.twin_count, 0) as duplicate_count
        from {{ ref("stg_raw__ingest_batches") }} as held
        left join tried on held.batch_id = tried.batch_id and held.contract = tried.contract
    ),
    counted as (
        select
            batch_id,
            batch_seq,
            source,
            contract,
            ingested_date,
            ingested_at,
            repairs_batch_id,
            unpriced_count,
            greatest(good_count, 0) as good_count,
            greatest(bad_count, 0) as bad_count,
            greatest(duplicate_count, 0) as duplicate_count
        from batches
    )
select *
from counted
