select
    provider_usage_id,
    source,
    provider_name,
    operation_name,
    charge_period_start,
    charge_period_end,
    project_id,
    request_model,
    input_tokens,
    cache_read_input_tokens,
    cache_creation_input_tokens,
    output_tokens,
    provider_request_count,
    retrieved_at,
    batch_seq,
    {{ utc_day("charge_period_start") }} as period_date,
    {{ utc_day("charge_period_end") }} as period_end_date
from {{ source("raw", "provider_usage") }}
