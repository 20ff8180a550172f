with
    answers as (
        select
            provider_cost_id,
            source,
            provider_name,
            {{ text_before("line_item", ",") }} as model_name,
            period_date,
            billed_cost,
            row_number() over (
                partition by period_date, provider_cost_id order by retrieved_at desc nulls last
            ) as place
        from {{ ref("stg_raw__provider_costs") }}
        where
            retrieved_at >= charge_period_end
            and billing_currency = 'USD'
            and {{ days_between("period_date", "period_end_date") }} <= 1
    ),
    newest as (
        select provider_cost_id, source, provider_name, model_name, period_date, billed_cost
        from answers
        where place = 1
    )
select *
from newest
