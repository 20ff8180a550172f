select
    case_event_id,
    case_id,
    activity,
    assistant_id,
    actor_id,
    task_id,
    occurred_at,
    attempt_count,
    error_type,
    is_sample,
    batch_seq,
    {{ utc_day("occurred_at") }} as occurred_date
from {{ source("raw", "case_event") }}
