{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="period_date",
        on_schema_change="fail",
        contract={"enforced": true},
    )
}}

with
    operations as (
        select period_date, assistant_id, {{ duration_bucket("duration_ms") }} as duration_bucket_ms
        from {{ ref("int_usage_operations") }}
        where
            duration_ms is not null
            and {{ in_touched_days(ref("int_usage_operations"), day="period_date", seq="batch_seq") }}
    ),
    counted as (
        select period_date, assistant_id, duration_bucket_ms, count(*) as operation_count
        from operations
        group by period_date, assistant_id, duration_bucket_ms
    )
select *
from counted
