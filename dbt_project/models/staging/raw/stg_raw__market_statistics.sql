select
    month_date,
    market_area,
    market_segment,
    transaction_count,
    median_price_aed,
    median_aed_per_sqft,
    off_plan_share,
    source,
    is_sample,
    updated_at,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "market_statistic") }}
