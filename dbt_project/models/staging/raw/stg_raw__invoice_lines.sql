select
    invoice_line_id,
    invoice_id,
    source,
    provider_name,
    invoice_issuer_name,
    billing_period_start,
    billing_period_end,
    charge_period_start,
    charge_period_end,
    charge_category,
    request_model,
    line_item,
    billed_cost,
    billing_currency,
    batch_seq,
    {{ utc_day("coalesce(charge_period_start, billing_period_start)") }} as period_date,
    {{ utc_day("coalesce(charge_period_end, billing_period_end)") }} as period_end_date
from {{ source("raw", "invoice_line") }}
