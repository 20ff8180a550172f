{% set columns = [
    "usage_id",
    "batch_seq",
    "source",
    "occurred_date",
    "assistant_id",
    "provider_name",
    "response_model",
    "request_model",
    "operation_name",
    "request_count",
    "is_error",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "duration_ms",
    "cost_usd",
    "cost_source",
    "occurred_at",
] | join(", ") %}

with
    logged as (
        select {{ columns }}
        from {{ ref("stg_raw__usage") }}
        union all
        select {{ columns }}
        from {{ ref("stg_raw__enhanced_ai_model_usage") }}
        union all
        select {{ columns }}
        from {{ ref("stg_raw__ai_operation_metrics") }}
    ),
    operations as (
        select
            usage_id,
            batch_seq,
            source,
            occurred_date as period_date,
            assistant_id,
            provider_name,
            coalesce(response_model, request_model) as model_name,
            operation_name,
            request_count,
            case when is_error then request_count else 0 end as error_count,
            case when cost_usd is null then request_count else 0 end as unpriced_count,
            input_tokens,
            output_tokens,
            cache_read_input_tokens,
            duration_ms,
            cost_usd,
            cost_source,
            occurred_at
        from logged
    )
select *
from operations
