{{ config(unique_key="period_date") }}

with
    operations as (
        select
            period_date,
            assistant_id,
            provider_name,
            model_name,
            operation_name,
            source,
            request_count,
            error_count,
            unpriced_count,
            input_tokens,
            output_tokens,
            cache_read_input_tokens,
            cost_usd,
            duration_ms
        from {{ ref("int_usage_operations") }}
        where {{ in_touched_days(ref("int_usage_operations"), day="period_date", seq="batch_seq") }}
    ),
    summed as (
        select
            period_date,
            assistant_id,
            provider_name,
            model_name,
            operation_name,
            source,
            cast(sum(request_count) as bigint) as operation_count,
            cast(sum(error_count) as bigint) as error_count,
            cast(sum(input_tokens) as bigint) as input_tokens,
            cast(sum(output_tokens) as bigint) as output_tokens,
            cast(sum(cache_read_input_tokens) as bigint) as cache_read_input_tokens,
            cast(sum(cost_usd) as decimal(18, 9)) as cost_usd,
            cast(sum(unpriced_count) as bigint) as unpriced_count,
            {{ percentile("duration_ms", 0.5) }} as duration_p50_ms,
            {{ percentile("duration_ms", 0.95) }} as duration_p95_ms,
            {{ percentile("duration_ms", 0.99) }} as duration_p99_ms
        from operations
        group by period_date, assistant_id, provider_name, model_name, operation_name, source
    ),
    final as (
        select
            period_date,
            assistant_id,
            provider_name,
            model_name,
            operation_name,
            source,
            operation_count,
            error_count,
            cast(error_count as double) / operation_count as error_share,
            input_tokens,
            output_tokens,
            cache_read_input_tokens,
            cost_usd,
            unpriced_count,
            duration_p50_ms,
            duration_p95_ms,
            duration_p99_ms
        from summed
    )
select *
from final
