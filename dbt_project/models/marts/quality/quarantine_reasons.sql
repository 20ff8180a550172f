{{ config(unique_key="period_date") }}

{% set touched = in_touched_days(ref("int_quality_days_touched"), day="ingested_date", seq="batch_seq") %}

with
    refused as (
        select batch_id, ingested_date, source, contract, rule, column_name, row_number
        from {{ ref("stg_raw__quarantine") }}
        where {{ touched }}
    ),
    ended as (
        select batch_id, contract, row_number
        from {{ ref("int_refused_rows_resolved") }}
        where repair_state <> 'still_failing' and {{ touched }}
    ),
    counted as (
        select
            refused.source,
            refused.contract,
            refused.rule,
            refused.column_name,
            refused.ingested_date as period_date,
            count(*) as row_count,
            count(case when ended.batch_id is null then 1 end) as open_count
        from refused
        left join
            ended
            on refused.batch_id = ended.batch_id
            and refused.contract = ended.contract
            and refused.row_number = ended.row_number
        group by refused.source, refused.contract, refused.rule, refused.column_name, refused.ingested_date
    )
select *
from counted
