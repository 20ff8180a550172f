select
    conversation_id,
    source,
    source_format,
    assistant_id,
    user_id,
    channel,
    started_at,
    ended_at,
    turn_count,
    is_error,
    region,
    batch_id,
    batch_seq,
    row_number,
    ingested_at
from {{ source("raw", "conversation") }}
