select
    command_id,
    assistant_id,
    command_kind,
    command_state,
    control_level,
    actor_id,
    error_type,
    issued_at,
    completed_at,
    duration_ms,
    updated_at,
    source,
    is_sample,
    region,
    batch_id,
    batch_seq
from {{ source("raw", "command") }}
