{{ config(unique_key="period_date") }}

with
    refusals as (
        select source, contract, file_name, refused_region, reason, row_number, ingested_date
        from {{ ref("stg_raw__residency_refusals") }}
        where {{ in_touched_days(ref("int_quality_days_touched"), day="ingested_date", seq="batch_seq") }}
    ),
    counted as (
        select
            source,
            contract,
            file_name,
            refused_region,
            reason,
            ingested_date as period_date,
            count(*) as row_count,
            min(row_number) as first_row_number
        from refusals
        group by source, contract, file_name, refused_region, reason, ingested_date
    )
select *
from counted
