select
    resolution_id,
    batch_id,
    contract,
    source,
    row_number,
    refused_at,
    repair_act,
    repair_state,
    is_duplicate,
    repair_batch_id,
    batch_seq,
    rule,
    actor_id,
    resolved_at,
    {{ utc_day("refused_at") }} as ingested_date
from {{ source("raw", "quarantine_resolution") }}
