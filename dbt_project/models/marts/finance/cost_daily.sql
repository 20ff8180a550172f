{{ config(unique_key="period_date") }}

with
    operations as (
        select
            period_date, assistant_id, provider_name, model_name, cost_source, request_count, unpriced_count, cost_usd
        from {{ ref("int_usage_operations") }}
        where {{ in_touched_days(ref("int_usage_operations"), day="period_date", seq="batch_seq") }}
    ),
    summed as (
        select
            period_date,
            assistant_id,
            provider_name,
            model_name,
            cost_source,
            cast(sum(cost_usd) as decimal(18, 9)) as cost_usd,
            cast(sum(request_count) as bigint) as operation_count,
            cast(sum(unpriced_count) as bigint) as unpriced_count
        from operations
        group by period_date, assistant_id, provider_name, model_name, cost_source
    )
select *
from summed
