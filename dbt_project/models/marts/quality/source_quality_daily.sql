{{ config(unique_key="period_date") }}

{% set touched = in_touched_days(ref("int_quality_days_touched"), day="ingested_date", seq="batch_seq") %}

with
    batches as (
        select
            ingested_date as period_date,
            source,
            contract,
            count(distinct case when repairs_batch_id is null then batch_id end) as batch_count,
            cast(sum(good_count) as bigint) as good_count,
            cast(sum(bad_count) as bigint) as bad_count,
            cast(sum(duplicate_count) as bigint) as duplicate_count,
            cast(sum(unpriced_count) as bigint) as unpriced_count,
            max(ingested_at) as last_ingested_at
        from {{ ref("int_batches_settled") }}
        where {{ touched }}
        group by ingested_date, source, contract
    ),
    resolved as (
        select
            ingested_date as period_date,
            source,
            contract,
            count(case when repair_state in ('repaired', 'released') then 1 end) as repaired_count,
            count(case when repair_state = 'discarded' then 1 end) as discarded_count,
            count(case when repair_state = 'still_failing' then 1 end) as failed_again_count
        from {{ ref("int_refused_rows_resolved") }}
        where {{ touched }}
        group by ingested_date, source, contract
    ),
    landed as (
        select batch_id, source, contract, ingested_date, event_date, good_count, first_event_at, last_event_at
        from {{ ref("stg_raw__batch_days") }}
        where
            {{ touched }} and batch_id not in (select repair_batch_id from {{ ref("stg_raw__quarantine_resolutions") }})
    ),
    days as (
        select
            landed.ingested_date as period_date,
            landed.source,
            landed.contract,
            cast(
                sum(
                    case
                        when
                            {{ days_between("landed.event_date", "landed.ingested_date") }}
                            > coalesce(expected.late_tolerance_days, 1)
                        then landed.good_count
                        else 0
                    end
                ) as bigint
            ) as late_count,
            min(landed.first_event_at) as first_event_at,
            max(landed.last_event_at) as last_event_at
        from landed
        left join {{ ref("stg_raw__source_expectations") }} as expected on landed.source = expected.source
        group by landed.ingested_date, landed.source, landed.contract
    ),
    joined as (
        select
            batches.period_date,
            batches.source,
            batches.contract,
            batches.batch_count,
            batches.good_count + batches.bad_count + batches.duplicate_count as row_count,
            batches.good_count,
            batches.bad_count,
            batches.duplicate_count,
            coalesce(days.late_count, 0) as late_count,
            batches.unpriced_count,
            coalesce(resolved.repaired_count, 0) as repaired_count,
            coalesce(resolved.discarded_count, 0) as discarded_count,
            coalesce(resolved.failed_again_count, 0) as failed_again_count,
            days.first_event_at,
            days.last_event_at,
            batches.last_ingested_at
        from batches
        left join
            resolved
            on batches.period_date = resolved.period_date
            and batches.source = resolved.source
            and batches.contract = resolved.contract
        left join
            days
            on batches.period_date = days.period_date
            and batches.source = days.source
            and batches.contract = days.contract
    ),
    final as (
        select
            period_date,
            source,
            contract,
            batch_count,
            row_count,
            good_count,
            bad_count,
            duplicate_count,
            late_count,
            unpriced_count,
            repaired_count,
            discarded_count,
            bad_count - repaired_count - discarded_count as open_count,
            failed_again_count,
            cast(bad_count as double) / nullif(row_count, 0) as bad_share,
            first_event_at,
            last_event_at,
            last_ingested_at
        from joined
    )
select *
from final
