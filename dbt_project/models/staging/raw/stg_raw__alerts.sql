select
    alert_id,
    alert_kind,
    severity,
    assistant_id,
    rule_id,
    alert_label,
    raised_at,
    acknowledged_at,
    resolved_at,
    updated_at,
    source,
    is_sample,
    region,
    batch_id,
    batch_seq
from {{ source("raw", "alert") }}
