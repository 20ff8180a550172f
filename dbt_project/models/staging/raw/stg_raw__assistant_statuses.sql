select
    assistant_id,
    assistant_state,
    uptime_share,
    error_share,
    latency_p95_ms,
    open_task_count,
    performance_score,
    updated_at,
    source,
    is_sample,
    region,
    batch_id,
    batch_seq,
    {{ utc_day("updated_at") }} as updated_date
from {{ source("raw", "assistant_status") }}
