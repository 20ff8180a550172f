with
    answers as (
        select
            provider_usage_id,
            source,
            provider_name,
            request_model,
            period_date,
            coalesce(input_tokens, 0) as input_tokens,
            coalesce(cache_read_input_tokens, 0) as cache_read_input_tokens,
            coalesce(cache_creation_input_tokens, 0) as cache_creation_input_tokens,
            coalesce(output_tokens, 0) as output_tokens,
            coalesce(provider_request_count, 0) as request_count,
            row_number() over (
                partition by period_date, provider_usage_id order by retrieved_at desc nulls last
            ) as place
        from {{ ref("stg_raw__provider_usages") }}
        where retrieved_at >= charge_period_end and {{ days_between("period_date", "period_end_date") }} <= 1
    ),
    newest as (
        select
            provider_usage_id,
            source,
            provider_name,
            request_model,
            period_date,
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            output_tokens,
            request_count
        from answers
        where place = 1
    )
select *
from newest
