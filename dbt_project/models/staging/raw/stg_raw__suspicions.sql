select
    suspicion_id,
    suspicion_status,
    party_id,
    deal_id,
    found_at,
    suspicion_grounds,
    str_filed_at,
    source,
    is_sample,
    region,
    updated_at,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "suspicion") }}
