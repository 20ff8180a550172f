with
    calls as (
        select
            usage_id,
            occurred_date as period_date,
            provider_name,
            coalesce(response_model, request_model) as model_name,
            request_count,
            coalesce(input_tokens, 0) as input_tokens,
            coalesce(cache_read_input_tokens, 0) as cache_read_input_tokens,
            coalesce(cache_creation_input_tokens, 0) as cache_creation_input_tokens,
            coalesce(output_tokens, 0) as output_tokens,
            cost_usd,
            price_id,
            case
                when cost_usd is null
                then 1
                when cost_usd = 0 and coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0
                then 1
                else 0
            end as is_unpriced,
            row_number() over (
                partition by
                    occurred_date,
                    provider_name,
                    coalesce(response_model, request_model),
                    operation_name,
                    occurred_at,
                    input_tokens,
                    output_tokens,
                    cache_read_input_tokens
                order by batch_seq asc nulls last, usage_id asc nulls last
            ) as place
        from {{ ref("stg_raw__usage") }}
        where provider_name is not null and not (is_error and input_tokens is null and output_tokens is null)
    ),
    matched as (
        select
            usage_id,
            period_date,
            provider_name,
            model_name,
            request_count,
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            output_tokens,
            cost_usd,
            price_id,
            is_unpriced,
            case when place > 1 then 1 else 0 end as is_twin
        from calls
    )
select *
from matched
