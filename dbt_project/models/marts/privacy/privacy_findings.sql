{{ config(unique_key="period_date") }}

with
    findings as (
        select
            source, contract, column_name, identifier_class, privacy_action, finding_count, unsure_count, ingested_date
        from {{ ref("stg_raw__privacy_findings") }}
        where {{ in_touched_days(ref("int_quality_days_touched"), day="ingested_date", seq="batch_seq") }}
    ),
    counted as (
        select
            source,
            contract,
            column_name,
            identifier_class,
            privacy_action,
            ingested_date as period_date,
            cast(sum(finding_count) as bigint) as finding_count,
            cast(sum(unsure_count) as bigint) as unsure_count
        from findings
        group by source, contract, column_name, identifier_class, privacy_action, ingested_date
    )
select *
from counted
