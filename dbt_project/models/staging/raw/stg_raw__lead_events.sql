select
    lead_event_id,
    lead_id,
    lead_event_kind,
    occurred_at,
    assistant_id,
    actor_id,
    channel,
    source,
    is_sample,
    region,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "lead_event") }}
