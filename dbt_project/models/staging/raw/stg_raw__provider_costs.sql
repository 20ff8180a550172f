select
    provider_cost_id,
    source,
    provider_name,
    charge_period_start,
    charge_period_end,
    project_id,
    line_item,
    billed_cost,
    billing_currency,
    retrieved_at,
    batch_seq,
    {{ utc_day("charge_period_start") }} as period_date,
    {{ utc_day("charge_period_end") }} as period_end_date
from {{ source("raw", "provider_cost") }}
