select
    price_id,
    provider_name,
    request_model,
    valid_from,
    valid_to,
    tier_start_tokens,
    input_usd_per_mtok,
    output_usd_per_mtok,
    cache_read_usd_per_mtok,
    cache_write_usd_per_mtok,
    request_usd,
    price_source
from {{ source("raw", "price") }}
