select
    case_id,
    workflow_id,
    case_state,
    priority,
    started_at,
    ended_at,
    is_error,
    updated_at,
    source,
    is_sample,
    region,
    batch_id,
    batch_seq,
    {{ utc_day("ended_at") }} as ended_date
from {{ source("raw", "workflow_case") }}
