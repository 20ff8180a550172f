select
    assistant_id,
    assistant_name,
    role,
    industry,
    skills,
    control_level,
    assistant_state,
    priority,
    is_sample,
    capacity_count,
    backup_assistant_id,
    region
from {{ source("raw", "assistant") }}
