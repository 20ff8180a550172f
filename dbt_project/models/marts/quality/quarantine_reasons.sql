{{ config(unique_key="period_date") }}

with
    refused as (
        select ingested_date, source, contract, rule, column_name
        from {{ ref("stg_raw__quarantine") }}
        where
            {{
                in_touched_days(
                    ref("stg_raw__ingest_batches"),
                    day="ingested_date",
                    seq="batch_seq",
                    at="ingested_at",
                    only="quarantined_count > 0",
                )
            }}
    ),
    counted as (
        select source, contract, rule, column_name, ingested_date as period_date, count(*) as row_count
        from refused
        group by source, contract, rule, column_name, ingested_date
    )
select *
from counted
