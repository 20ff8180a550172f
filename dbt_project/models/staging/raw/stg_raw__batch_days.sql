select
    batch_id,
    batch_seq,
    contract,
    source,
    event_date,
    good_count,
    first_event_at,
    last_event_at,
    ingested_at,
    {{ utc_day("ingested_at") }} as ingested_date
from {{ source("raw", "batch_day") }}
