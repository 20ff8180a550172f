with
    calls as (select * from {{ ref("int_usage_calls_matched") }}),
    usages as (select * from {{ ref("int_provider_usages_newest") }}),
    costs as (select * from {{ ref("int_provider_costs_newest") }}),
    bills as (
        select
            provider_name,
            period_date,
            source,
            coalesce(request_model, {{ text_before("line_item", ",") }}) as model_name,
            billed_cost
        from {{ ref("stg_raw__invoice_lines") }}
        where
            provider_name is not null
            and billing_currency = 'USD'
            and {{ days_between("period_date", "period_end_date") }} <= 1
    ),
    legs as (
        select
            provider_name,
            period_date,
            model_name,
            'logged' as leg,
            request_count,
            input_tokens - cache_read_input_tokens - cache_creation_input_tokens as plain_tokens,
            cache_read_input_tokens as read_tokens,
            cache_creation_input_tokens as write_tokens,
            output_tokens,
            cost_usd,
            price_id,
            is_unpriced,
            is_twin,
            0 as is_simulated
        from calls
        union all
        select
            provider_name,
            period_date,
            request_model as model_name,
            'usage' as leg,
            request_count,
            input_tokens - cache_read_input_tokens - cache_creation_input_tokens as plain_tokens,
            cache_read_input_tokens as read_tokens,
            cache_creation_input_tokens as write_tokens,
            output_tokens,
            null as cost_usd,
            null as price_id,
            0 as is_unpriced,
            0 as is_twin,
            case
                when source like 'sample%' or source like 'simulated%' or source like 'twin%' then 1 else 0
            end as is_simulated
        from usages
        union all
        select
            provider_name,
            period_date,
            model_name,
            'cost' as leg,
            0 as request_count,
            0 as plain_tokens,
            0 as read_tokens,
            0 as write_tokens,
            0 as output_tokens,
            billed_cost as cost_usd,
            null as price_id,
            0 as is_unpriced,
            0 as is_twin,
            case
                when source like 'sample%' or source like 'simulated%' or source like 'twin%' then 1 else 0
            end as is_simulated
        from costs
        union all
        select
            provider_name,
            period_date,
            model_name,
            'invoice' as leg,
            0 as request_count,
            0 as plain_tokens,
            0 as read_tokens,
            0 as write_tokens,
            0 as output_tokens,
            billed_cost as cost_usd,
            null as price_id,
            0 as is_unpriced,
            0 as is_twin,
            case
                when source like 'sample%' or source like 'simulated%' or source like 'twin%' then 1 else 0
            end as is_simulated
        from bills
    )
select *
from legs
