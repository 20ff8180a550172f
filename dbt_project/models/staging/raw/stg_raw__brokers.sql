select
    broker_id,
    party_id,
    is_acting,
    full_name,
    broker_department,
    orn,
    brn,
    brn_expiry_date,
    source,
    is_sample,
    region,
    updated_at,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "broker") }}
